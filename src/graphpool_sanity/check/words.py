"""What a report says in words: the verdict in answer to a null's question, and what limits it."""

from collections.abc import Mapping
from typing import Any

from graphpool_sanity.check.comparison import Comparison, explain
from graphpool_sanity.check.findings import Findings, overall
from graphpool_sanity.nulls.questions import question
from graphpool_sanity.training.tasks import Unit

HARDLY = 1e-3
"""A bite after training below which a layer hardly chooses."""
_MANY_TIES = 0.02
_EXTENDED, _SIMULATED = "in up to 7.5 %", range(5, 21)
"""How often plans of so many pairs that were extended err at most, as simulated, at level 0.95."""


def answer(null: str, comparison: Comparison) -> str:
    """The verdict against one null in the words of its question."""
    if comparison.verdict == "locality helps":
        return question(null).helps
    return comparison.verdict


def reason(comparison: Comparison, metric: str) -> str:
    """What a verdict rests on, or what is missing for one, in the metric's unit."""
    unit = Unit(metric)
    return explain(comparison, unit.signed, f" {unit.points}").partition(": ")[2]


def sentence(report: Findings, null: str) -> str:
    """The verdict against one null, and what it rests on."""
    found = report.comparisons[null]
    return (
        f"{answer(null, found)}: {report.name} against its null {null!r} on "
        f"{report.dataset['name']}; {reason(found, report.metric)}"
    )


def headline(report: Findings) -> str:
    """The verdict and what it rests on, and what else a reader must know at once."""
    null = overall(report.comparisons)[1]
    return ". ".join([sentence(report, null), *caveats(report)])


def hardly_chooses(report: Findings, null: str) -> bool:
    """Whether a null is as good because it changes next to nothing."""
    after = report.bite.get(null, {}).get("after")
    is_as_good = report.comparisons[null].verdict == "null is as good"
    return is_as_good and after is not None and after < HARDLY


def caveats(report: Findings) -> list[str]:
    """Sentences, without a full stop, that belong beside the verdict."""
    null = overall(report.comparisons)[1]
    said = []
    for name in report.comparisons:
        if hardly_chooses(report, name):
            said.append(
                f"The layer hardly chooses: after training the null {name!r} changes its outputs "
                f"by {report.bite[name]['after']:.0e} of what tells graphs apart"
            )
    without = report.comparisons.get("none")
    if null != "none" and without is not None and without.verdict == "null is better":
        gap = Unit(report.metric).difference(without.difference)
        said.append(f"Without pooling ('none') the network is better: {gap}")
    for name, broken in (("renumbered", "permutation"), ("evaluated alone", "batch")):
        fault = report.invariance["layer"][broken]
        if "differ" in fault:
            said.append(f"The layer depends on more than the graph: {name}, {fault}")
    tied = {name: share for name, share in report.ties.items() if share > _MANY_TIES}
    if tied:
        name, share = max(tied.items(), key=lambda tie: tie[1])
        said.append(
            f"In {100 * share:.0f} % of the graphs the cut of {name} falls among equal scores, "
            "where indices decide"
        )
    for name, call in report.chosen_at.items():
        said.append(f"{name} was found to choose at {call}")
    return said + changes(report)


def changes(report: Findings) -> list[str]:
    """Sentences, without a full stop, on what was decided after runs had been seen."""
    said, plan, level = [], report.plan, next(iter(report.comparisons.values())).level
    if len(plan["margins"]) > 1:
        margins = ", ".join(f"{margin:g}" for margin in plan["margins"])
        said.append(f"The margin was changed after runs existed: {margins}")
    if plan["is_extended"]:
        is_simulated = level == 0.95 and plan["first"] in _SIMULATED
        often = _EXTENDED if is_simulated else f"more often than in {100 * (1 - level):g} %"
        first = f"A plan of {plan['first']} pairs was extended"
        said.append(f"{first}: both looks together err {often}")
    return said


def beyond(comparison: Comparison, metric: str) -> str:
    """What a comparison says of other graphs like these; nothing where splits do not overlap."""
    if comparison.beyond is None:
        return ""
    interval = Unit(metric).interval(comparison.beyond)
    return f"On other graphs like these: {interval}, {comparison.beyond_verdict}"


def paragraphs(report: Findings) -> list[str]:
    """What stands below the table: for each null why and how far the verdict goes, and caveats."""
    said = []
    for null, found in report.comparisons.items():
        why = reason(found, report.metric)
        parts = [f"{null}: {question(null).asks} {why[:1].upper()}{why[1:]}"]
        parts += filter(None, [beyond(found, report.metric)])
        said.append(". ".join(parts))
    return [f"{sentence}." for sentence in [*said, *caveats(report)]]


def scope(report: Findings) -> tuple[str, str]:
    """What the verdict can and what it cannot say."""
    split = "one official split" if report.dataset["official_split"] else "random splits"
    return (
        f"The verdict speaks of this model on {report.dataset['name']}, over {split} and under "
        "this protocol: whether its way of choosing who is pooled with whom earns more than "
        "the null's, beyond what chance between runs explains.",
        "It does not carry over to other data, models or budgets; 'null is as good' means "
        "equivalent within the margin, not that pooling is useless, and 'undecided' means "
        "that these runs cannot tell, not that there is no difference.",
    )


def _task(dataset: Mapping[str, Any]) -> str:
    """The task, and what else was decided about the data."""
    targets, made = dataset.get("targets", 1), dataset.get("features")
    said = dataset["task"] if targets == 1 else f"{dataset['task']} with {targets} targets"
    if made is not None:
        given = "their degree" if made == "degree" else "a constant"
        said += f", nodes without features of their own given {given}"
    weights = dataset.get("class_weights")
    return said if weights is None else f"{said}, the loss with class weights {weights}"


def methods(report: Findings) -> str:
    """A paragraph for the methods section of a paper."""
    first = next(iter(report.comparisons.values()))
    unit, protocol, dataset = Unit(report.metric), report.protocol, report.dataset
    nulls = ", ".join(f"'{null}'" for null in report.comparisons)
    parts = f"{dataset['train']}/{dataset['validation']}/{dataset['test']}"
    split = "the official split" if dataset["official_split"] else "a random split, stratified"
    interval = (
        f"Student's {100 * first.level:g} % interval for the {first.runs} pairs that were planned"
        if first.planned
        else f"a {100 * first.level:g} % confidence sequence, valid at any number of pairs"
    )
    results = [
        f"Against '{null}' ({question(null).asks.rstrip('?')}): {answer(null, found)}; "
        f"{reason(found, report.metric)}"
        for null, found in report.comparisons.items()
    ]
    others = [
        f"against '{null}' {unit.interval(found.beyond)} ({found.beyond_verdict})"
        for null, found in report.comparisons.items()
        if found.beyond is not None
    ]
    if others:
        results.append(
            "For other graphs like these the overlap of the splits counts, too; by Nadeau and "
            f"Bengio's variance: {', '.join(others)}"
        )
    results += changes(report)
    version = report.environment["versions"].get("graphpool-sanity", "")
    return (
        f"{report.name} was compared with its nulls {nulls} on {dataset['name']} "
        f"({dataset['graphs']} graphs, {_task(dataset)}) with graphpool-sanity {version}: the "
        "same network with the layer's choice of nodes replaced. Layer and nulls were trained in "
        f"pairs that share the split ({split}: {parts} graphs), the initial weights of all but the "
        f"selection, the order of batches and the dropout (seeds {report.seeds[0]} to "
        f"{report.seeds[-1]}), by Adam with learning rate {protocol['learning_rate']:g}, halved "
        f"after {protocol['halve_after']} epochs without a better validation {report.metric}, "
        f"batches of {protocol['batch_size']} graphs and at most {protocol['epochs']} epochs, "
        f"stopped after {protocol['stop_after']} without a better one. Reported are differences of "
        f"test {report.metric} at the best validation epoch, with {interval}; the margin of "
        f"equivalence is {unit.margin(first.margin)}. "
        + " ".join(f"{result}." for result in results)
    )
