import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.utils.class_weight import compute_class_weight
from torch_geometric.data import Data
from torchmetrics.classification import BinaryF1Score

from graphpool_sanity.datasets import Benchmark, digits

SEEDS = st.integers(0, 2**32 - 1)
DIGITS = digits()


def labelled(labels, task="classification", **kwargs):
    no_edges = torch.empty(2, 0, dtype=torch.long)
    graphs = [
        Data(
            x=torch.ones(1, 4),
            edge_index=no_edges,
            y=label.view(1, -1).squeeze(1) if label.numel() == 1 else label,
        )
        for label in labels
    ]
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


def test_classes_that_are_too_small_are_stratified_together():
    labels = torch.tensor([0] * 40 + [1] * 40 + [i for i in range(2, 14) for _ in range(3)])
    parts = labelled(labels).split(0)
    assert [len(part) for part in parts] == [92, 12, 12]
    assert [int((labels[part] > 1).sum()) for part in parts] == [28, 4, 4]


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


NONE = float("nan")
ROWS = torch.tensor([[0, 1, 1.0], [1, NONE, 1], [NONE, NONE, 1], [1, 0, NONE], [0, 1, 1]])
LOGITS = torch.tensor([[0.3, -1, 2], [0.5, 9, 1.5], [9, 9, 0.1], [-0.2, -2, 9], [0.1, 0.4, 0.3]])


def several(task="binary", rows=ROWS, **kwargs):
    return labelled([*rows.unsqueeze(1)], task, **kwargs)


@pytest.mark.parametrize(
    ("task", "loss"),
    [("binary", F.binary_cross_entropy_with_logits), ("regression", F.l1_loss)],
)
def test_missing_targets_count_neither_in_the_loss_nor_in_its_gradient(task, loss):
    known, outputs = ~ROWS.isnan(), LOGITS.clone().requires_grad_()
    found = several(task).loss(outputs, ROWS)
    torch.testing.assert_close(found, loss(LOGITS[known], ROWS[known]))
    (gradient,) = torch.autograd.grad(found, outputs)
    assert (gradient[~known] == 0).all()
    assert (gradient[known] != 0).all()
    assert several(task).loss(LOGITS, torch.full_like(ROWS, NONE)) == 0


def test_the_metric_is_the_mean_over_targets_of_which_there_are_two_classes():
    first = roc_auc_score([0, 1, 1, 0], LOGITS[[0, 1, 3, 4], 0])
    second = roc_auc_score([1, 0, 1], LOGITS[[0, 3, 4], 1])
    assert several().score(LOGITS, ROWS) == pytest.approx((first + second) / 2)  # none of the third
    assert np.isnan(several().score(LOGITS[:, 2:], ROWS[:, 2:]))
    accuracy = several(make_metric="accuracy")
    alone = accuracy.score(LOGITS[:, 1:2], ROWS[:, 1:2])
    assert accuracy.score(LOGITS[:, 1:], ROWS[:, 1:]) == alone == pytest.approx(2 / 3)
    known = ~ROWS.isnan()
    errors = [(LOGITS[k, t] - ROWS[k, t]).abs().mean() for t, k in enumerate(known.t())]
    found = several("regression").score(LOGITS, ROWS)
    assert found == pytest.approx(float(torch.stack(errors).mean()))


def test_any_metric_of_several_targets_is_that_of_each():
    named = several(make_metric="f1").score(LOGITS, ROWS)
    made = several(make_metric=lambda: BinaryF1Score()).score((LOGITS > 0).float(), ROWS)
    assert named == pytest.approx(made)
    own = several(make_metric="average_precision")
    assert (own.metric, own.is_share, own.higher_is_better) == ("average_precision", True, True)
    rmse = several("regression", make_metric="rmse")
    assert (rmse.is_share, rmse.higher_is_better) == (False, False)


def test_a_metric_by_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"one of accuracy, .* got 'acuracy'; did you mean 'acc"):
        labelled(torch.arange(3), make_metric="acuracy")
    with pytest.raises(ValueError, match="must be one of mae, rmse for task='regression'"):
        labelled(torch.arange(3), "regression", make_metric="auroc")


def test_the_best_constant():
    classes = labelled(torch.tensor([0, 1, 1, 2, 1]))
    assert classes.score_of_constant() == 3 / 5
    assert several().score_of_constant() == 0.5
    rows = torch.tensor([[0.0, 1], [1, NONE], [8, 4]])
    found = several("regression", rows).error_of_constant()
    assert found == pytest.approx(((1 + 0 + 7) / 3 + 3 / 2) / 2)
    squares = several("regression", rows, make_metric="rmse").error_of_constant()
    assert squares == pytest.approx((np.std([0, 1, 8]) + 1.5) / 2)
    with pytest.raises(ValueError, match="a constant prediction must be of numbers"):
        classes.error_of_constant()


def test_classes_are_weighed_inversely_to_their_number_among_the_training_graphs():
    parts = tuple(map(torch.tensor, ([0, 1, 2, 3, 4], [5], [6])))
    labels = torch.tensor([0, 0, 0, 1, 2, 2, 2])
    benchmark = labelled(labels, official_split=parts, class_weights="balanced")
    first, classes = labels[:5].numpy(), np.arange(3)
    weights = torch.tensor(compute_class_weight("balanced", classes=classes, y=first))
    torch.testing.assert_close(benchmark.weighed(0).class_weights, weights.float())
    outputs = torch.randn(7, 3)
    expected = F.cross_entropy(outputs, labels, weights.float())
    torch.testing.assert_close(benchmark.weighed(0).loss(outputs, labels), expected)
    binary = several(class_weights="balanced")
    binary = replace(binary, official_split=tuple(map(torch.tensor, ([0, 1, 4], [2], [3]))))
    assert binary.weighed(0).class_weights.tolist() == pytest.approx([2, 1 / 3, 1 / 3])
    assert labelled(labels).weighed(0).class_weights is None


@pytest.mark.parametrize("weights", ["equal", torch.ones(2), torch.zeros(3), [1, 2, 3]])
def test_class_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match=r"must be 'balanced' or \[3\] above 0, got"):
        labelled(torch.arange(3), class_weights=weights)
    with pytest.raises(ValueError, match="class_weights must be None for task='regression'"):
        labelled(torch.arange(3), "regression", class_weights="balanced")
