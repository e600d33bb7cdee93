"""What a matching must be, and the law of the sequential algorithm: by definition, in no haste."""

from collections import Counter
from collections.abc import Callable, Hashable
from functools import cache
from random import Random
from typing import TypeVar

import pytest
from scipy.stats import chi2

from _helpers.strategies import Graphs
from graphpool_sanity.select.matching import match_complement, match_edges, match_random

Neighbours = list[set[int]]
Pairs = frozenset[tuple[int, int]]
Outcome = TypeVar("Outcome", bound=Hashable)

# Each rule, and whom it allows each node to pair with.
RULES = {
    match_edges: Graphs.neighbours,
    match_complement: Graphs.non_neighbours,
    match_random: Graphs.others,
}
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


def assert_maximal_matching(cluster: list[int], allowed: Neighbours) -> None:
    """Clusters of one node or an allowed pair, with none to add, numbered by their first nodes."""
    members: dict[int, list[int]] = {}
    for node, own in enumerate(cluster):
        members.setdefault(own, []).append(node)
    assert len(cluster) == len(allowed)
    assert list(members) == list(range(len(members)))
    assert all(len(nodes) <= 2 for nodes in members.values())
    assert all(nodes[-1] in allowed[nodes[0]] for nodes in members.values() if len(nodes) == 2)
    single = {nodes[0] for nodes in members.values() if len(nodes) == 1}
    assert not any(allowed[node] & single for node in single)


def pairs_of(cluster: list[int]) -> Pairs:
    """The matching behind the clusters of one graph."""
    first: dict[int, int] = {}
    met = [(first.setdefault(own, node), node) for node, own in enumerate(cluster)]
    return frozenset((u, v) for u, v in met if u != v)


def _law(
    near: Neighbours, nothing: Outcome, extend: Callable[[Outcome, int, int], Outcome]
) -> dict[Outcome, float]:
    """The exact law of: visit the nodes in random order, pair each with a random free neighbour.

    A node visited in vain stays single for ever, so what is to come depends on the nodes that
    are not yet settled alone, and the next to be visited is any of these.
    """

    @cache
    def law(free: frozenset[int]) -> dict[Outcome, float]:
        if not free:
            return {nothing: 1.0}
        chances: Counter[Outcome] = Counter()
        for u in free:
            partners = near[u] & free or {u}
            for v in partners:
                for outcome, chance in law(free - {u, v}).items():
                    chances[extend(outcome, u, v)] += chance / len(free) / len(partners)
        return chances

    return dict(law(frozenset(range(len(near)))))


def law_of_counts(near: Neighbours) -> dict[int, float]:
    """How many clusters the sequential algorithm leaves, exactly."""
    return _law(near, 0, lambda count, u, v: count + 1)


def law_of_pairs(near: Neighbours) -> dict[Pairs, float]:
    """Which matching the sequential algorithm finds, exactly."""
    nobody: Pairs = frozenset()
    return _law(
        near, nobody, lambda pairs, u, v: pairs | ({(min(u, v), max(u, v))} if u != v else set())
    )


def draw_counts(near: Neighbours, draws: int, seed: int) -> Counter[int]:
    """How many clusters the sequential algorithm leaves, many times."""
    chance, counts = Random(seed), Counter[int]()
    for _ in range(draws):
        free, clusters = set(range(len(near))), 0
        for u in chance.sample(range(len(near)), len(near)):
            if u in free:
                partners = sorted(near[u] & free) or [u]
                free -= {u, chance.choice(partners)}
                clusters += 1
        counts[clusters] += 1
    return counts


def assert_follows(drawn: Counter[Outcome], law: dict[Outcome, float]) -> None:
    """Pearson's test at one in a thousand; outcomes expected less than 5 times are pooled."""
    assert drawn.keys() <= law.keys()
    total = drawn.total()
    common = [outcome for outcome in law if law[outcome] * total >= 5]
    observed = [drawn[outcome] for outcome in common]
    expected = [law[outcome] * total for outcome in common]
    rare = total - sum(expected)
    if rare > 1e-6 * total:
        observed.append(total - sum(observed))
        expected.append(rare)
    statistic = sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))
    assert len(observed) == 1 or chi2.sf(statistic, len(observed) - 1) > 1e-3


def total_variation(a: Counter[int], b: Counter[int]) -> float:
    """Half the sum of all differences in probability."""
    return sum(abs(a[k] / a.total() - b[k] / b.total()) for k in a.keys() | b.keys()) / 2
