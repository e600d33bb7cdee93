"""A report with scores that were drawn, not trained."""

from dataclasses import asdict

import numpy as np

from graphpool_sanity.check.comparison import compare
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.training.protocol import Protocol

PROTOCOL = asdict(Protocol(epochs=9))


def report(metric="accuracy", shifts=None, runs=6, seed=0, level=0.95, ratio=1 / 8, **changes):
    shifts = {"complement": 0.1, "none": 0.0} if shifts is None else shifts
    rng = np.random.default_rng(seed)
    layer = rng.normal(0.9, 0.01, runs)
    less = metric == "mae"
    scores = {"layer": layer.tolist()}
    for null, shift in shifts.items():
        noise = rng.normal(0, 1e-3, runs)
        scores[null] = (layer + (1 if less else -1) * shift + noise).tolist()
    sign = -1 if less else 1
    comparisons = {
        null: compare(
            [sign * (a - b) for a, b in zip(layer, scores[null], strict=True)],
            0.02,
            level,
            ratio,
        )
        for null in shifts
    }
    records = [
        {"config": {"variant": v, "seed": s, "fingerprint": "f" * 16}, "test": own[s]}
        for v, own in scores.items()
        for s in range(runs)
    ]
    fields = {
        "name": "<Pool & Net>",
        "dataset": {
            "name": "digits", "graphs": 100, "fingerprint": "0" * 16, "task": "classification",
            "train": 80, "validation": 10, "test": 10, "official_split": False,
        },
        "metric": metric,
        "higher_is_better": not less,
        "comparisons": comparisons,
        "scores": scores,
        "seeds": list(range(runs)),
        "cost": {
            v: {"seconds_per_epoch": 0.5, "epochs": 9.0, "seconds": 4.5, "parameters": 1234}
            for v in scores
        },
        "bite": {null: {"before": 0.5, "after": 0.8} for null in shifts},
        "ties": {"pool": 0.0},
        "still_improving": dict.fromkeys(scores, 1),
        "plan": {
            "runs": runs, "max_runs": 50, "first": runs, "is_kept": False, "is_extended": False,
            "margins": [0.02],
        },
        "homogeneity": {v: {"before pool": 0.9, "after pool": 0.4} for v in scores},
        "invariance": {v: {"permutation": "holds", "batch": "differs by 2"} for v in scores},
        "protocol": PROTOCOL,
        "environment": {
            "device": "cpu", "processor": "A chip", "versions": {"torch": "2"}, "revision": None,
            "dates": ["2026-01-01T00:00:00+00:00"], "command": "graphpool-sanity check m:L",
            "layers": {"pool": "Layer(8)"},
        },
        "fingerprint": "f" * 16,
        "records": records,
    }  # fmt: skip
    return SanityReport(**fields | changes)
