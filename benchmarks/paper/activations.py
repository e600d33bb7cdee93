"""Rules for Figures 5 and 6, by the ledgers of examples/reproduce_figures5_6.py."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.paper.judge import Finding, Rule, Status
from graphpool_sanity.training.ledger import Ledger, Record
from graphpool_sanity.training.protocol import Protocol

BEFORE, AFTER = "before pools.0", "after pools.0"


def alike_before_pooling(datasets: list[str]) -> Rule:
    """Before the first pooling less than half of the variance lies within graphs.

    It falls that far, it falls, which decides nothing, or it does not.
    """

    def status(first: float, second: float) -> Status:
        if second >= first:
            return "not reproduced"
        return "reproduced" if second < 0.5 else "undecided"

    return _rule(datasets, ("input", BEFORE), status)


def more_alike_after_pooling(datasets: list[str]) -> Rule:
    """The share of variance within graphs is lower after the first pooling than before."""

    def status(first: float, second: float) -> Status:
        return "reproduced" if second < first else "not reproduced"

    return _rule(datasets, (BEFORE, AFTER), status)


def _rule(
    datasets: list[str], stages: tuple[str, str], judge: Callable[[float, float], Status]
) -> Rule:
    def finding(dataset: str, model: str, shares: list[list[float]]) -> Finding:
        first, second = np.mean(shares, axis=0)
        shown = f"{100 * first:.1f} % → {100 * second:.1f} %"
        words = f"of variance within graphs, {' → '.join(stages)}"
        return Finding(dataset, model, len(shares), shown, words, judge(first, second))

    def rule(folder: Path) -> list[Finding]:
        found = []
        for dataset in datasets:
            models: dict[str, list[list[float]]] = {}
            for record in Ledger(folder / f"activations-{dataset}.jsonl", _is_whole):
                share = [record["homogeneity"][stage] for stage in stages]
                models.setdefault(record["config"]["model"], []).append(share)
            found += [finding(dataset, *model) for model in models.items()]
            found += [] if models else [Finding(dataset, "all models")]
        return found

    return rule


def _is_whole(record: Record) -> bool:
    """Whether a run was not cut short, to see that everything works."""
    return bool(record["config"]["epochs"] == Protocol().epochs)
