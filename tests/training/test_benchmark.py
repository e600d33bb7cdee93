import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphpool_sanity.datasets import Benchmark, digits

SEEDS = st.integers(0, 2**32 - 1)
DIGITS = digits()


def labelled(labels, task="classification", **kwargs):
    no_edges = torch.empty(2, 0, dtype=torch.long)
    graphs = [Data(x=torch.ones(1, 4), edge_index=no_edges, y=label.view(1)) for label in labels]
    return Benchmark("toy", graphs, task, out_channels=3, **kwargs)


@st.composite
def stratified(draw):
    sizes = draw(st.lists(st.integers(20, 60), min_size=2, max_size=4))
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    order = draw(st.permutations(range(labels.numel())))
    return labels[list(order)]


@given(stratified(), SEEDS)
def test_a_split_is_complete_disjoint_and_stratified(labels, seed):
    parts = labelled(labels).split(seed)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(labels.numel()))
    for part, share in zip(parts, (0.8, 0.1, 0.1), strict=True):
        assert torch.equal(part, part.sort().values)
        count = labels[part].bincount(minlength=int(labels.max()) + 1)
        assert ((count - share * labels.bincount()).abs() <= 1).all()


@given(stratified(), SEEDS)
def test_binary_targets_are_stratified_too(labels, seed):
    targets = (labels > 0).float()
    _, val, test = labelled(targets, task="binary").split(seed)
    assert abs(targets[val].sum() - 0.1 * targets.sum()) <= 1
    assert abs(targets[test].sum() - 0.1 * targets.sum()) <= 1


@given(SEEDS)
def test_regression_targets_are_split_without_strata(seed):
    parts = labelled(torch.arange(50.0), task="regression").split(seed)
    assert [part.numel() for part in parts] == [40, 5, 5]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(50))


def test_the_seed_alone_decides():
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    first = DIGITS.split(7)
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    assert all(torch.equal(a, b) for a, b in zip(first, DIGITS.split(7), strict=True))
    assert not torch.equal(first[0], DIGITS.split(8)[0])


def test_a_split_is_the_same_on_every_machine():
    train, val, test = DIGITS.split(0)
    assert train[-5:].tolist() == [1792, 1793, 1794, 1795, 1796]
    assert val[:5].tolist() == [24, 28, 34, 35, 39]
    assert test[:5].tolist() == [21, 37, 42, 45, 51]


def test_global_random_state_is_untouched():
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    DIGITS.split(3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), before[1], strict=True))
    assert random.getstate() == before[2]


@given(SEEDS)
def test_an_official_split_stands_whatever_the_seed(seed):
    official = (torch.tensor([2]), torch.tensor([0]), torch.tensor([1]))
    benchmark = labelled(torch.arange(3), official_split=official)
    assert benchmark.split(seed) == official


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None, True])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match=r"seed must be an int in \[0, 2\*\*32\)"):
        DIGITS.split(seed)


def test_a_class_that_cannot_be_stratified_is_refused():
    with pytest.raises(ValueError, match="least populated class"):
        labelled(torch.tensor([0] * 30 + [1])).split(0)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"task must be one of .*, got 'ranking'"):
        labelled(torch.arange(3), task="ranking")


@pytest.mark.parametrize(
    ("task", "metric", "higher"),
    [("classification", "accuracy", True), ("regression", "mae", False), ("binary", "auroc", True)],
)
def test_the_task_decides_the_metric(task, metric, higher):
    benchmark = labelled(torch.arange(3), task=task)
    assert benchmark.metric == metric
    assert benchmark.higher_is_better is higher
    assert benchmark.in_channels == 4


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ((range(32), range(32, 40), []), "official_split must have three parts, none empty"),
        ((range(32), range(30, 36), range(36, 40)), "official_split must have disjoint parts"),
        ((range(32), range(32, 36), range(36, 41)), r"official_split must have indices in \[0, 40"),
    ],
)
def test_official_splits_that_are_none_are_refused(split, message):
    parts = tuple(torch.tensor(part, dtype=torch.long) for part in split)
    with pytest.raises(ValueError, match=message):
        labelled(torch.arange(40) % 2, official_split=parts)
