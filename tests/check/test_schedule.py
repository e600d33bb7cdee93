import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphpool_sanity.check.pairs import LAYER
from graphpool_sanity.check.schedule import Schedule


def decided_at(**pairs):
    """The layer's score of pair i is i, a null's is its name: decided from so many pairs on."""

    def is_decided(layer, null):
        return len(layer) >= pairs[null[0]]

    return is_decided


def score(variant, pair):
    return pair if variant == LAYER else variant


def carried_out(schedule, jobs=1, rng=None):
    """What ran, with so many runs at once that end in any order."""
    asked, running, ran = iter(schedule), [], []
    while True:
        running += itertools.islice(asked, jobs - len(running))
        if not running:
            return ran
        key = running.pop(rng.randrange(len(running)) if rng else 0)
        ran.append(key)
        schedule.tell(key, score(*key))


def test_a_null_that_is_decided_is_not_run_again():
    schedule = Schedule(["a", "b"], 3, 20, decided_at(a=2, b=6))
    ran = carried_out(schedule)
    assert ran == [
        *((v, i) for i in range(3) for v in (LAYER, "a", "b")),
        *((v, i) for i in range(3, 6) for v in (LAYER, "b")),
    ]
    assert (schedule.pairs("a"), schedule.pairs("b"), schedule.open) == (3, 6, [])
    assert schedule.of_pairs("b", 2) == ([0, 1], ["b", "b"])


def test_what_is_never_decided_ends_at_the_greatest_number():
    schedule = Schedule(["a"], 2, 7, decided_at(a=99))
    assert len(carried_out(schedule)) == 14
    assert schedule.pairs("a") == 7
    assert schedule.open == ["a"]


def test_after_the_deadline_only_the_least_number_is_run():
    schedule = Schedule(["a"], 3, 20, decided_at(a=99), deadline=0)
    assert len(carried_out(schedule)) == 6
    assert schedule.pairs("a") == 3


def test_after_a_failure_only_the_least_number_is_run():
    schedule = Schedule(["a"], 3, 20, decided_at(a=99))
    schedule.is_broken = True
    assert len(carried_out(schedule)) == 6


@given(
    jobs=st.integers(1, 5),
    ends=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    least=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_the_number_of_pairs_does_not_depend_on_who_is_done_first(jobs, ends, least, seed):
    a, b = ends
    schedule = Schedule(["a", "b"], least, 15, decided_at(a=a, b=b))
    ran = carried_out(schedule, jobs, random.Random(seed))
    assert len(ran) == len(set(ran))
    assert schedule.pairs("a") == max(a, least)
    assert schedule.pairs("b") == max(b, least)
    for null in "ab":  # no pair that counts is missing, and the rest ran ahead
        assert {(null, i) for i in range(schedule.pairs(null))} <= set(ran)


def test_a_gap_in_the_pairs_is_waited_for():
    schedule = Schedule(["a"], 2, 9, decided_at(a=2))
    for key in [(LAYER, 0), (LAYER, 1), ("a", 1), (LAYER, 2), ("a", 2)]:
        schedule.tell(key, score(*key))
    assert schedule.pairs("a") == 0
    schedule.tell(("a", 0), "a")
    assert schedule.pairs("a") == 2  # those that ran ahead do not count
    with pytest.raises(KeyError):
        schedule.of_pairs("a", 4)
