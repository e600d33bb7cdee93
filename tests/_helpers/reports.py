"""A report with scores that were drawn, not trained."""

import numpy as np

from graphpool_sanity.check.comparison import compare
from graphpool_sanity.check.report import SanityReport


def report(metric="accuracy", shifts=None, runs=5, **changes):
    shifts = {"complement": 0.1, "none": 0.0} if shifts is None else shifts
    rng = np.random.default_rng(0)
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
            test_train_ratio=1 / 8,
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
        "homogeneity": {v: {"before pool": 0.9, "after pool": 0.4} for v in scores},
        "invariance": {v: {"permutation": "holds", "batch": "differs by 2"} for v in scores},
        "protocol": {"epochs": 9, "clip_norm": None},
        "environment": {"device": "cpu", "versions": {"torch": "2"}, "revision": None},
        "fingerprint": "f" * 16,
        "records": records,
    }  # fmt: skip
    return SanityReport(**fields | changes)
