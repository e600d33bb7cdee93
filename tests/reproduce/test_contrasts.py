"""What is said of the paired differences of a study's models."""

import numpy as np
import pytest
import torch
from _helpers.small_experiment import EXPERIMENT
from torch_geometric.data import Data

from graphpool_sanity import Benchmark
from graphpool_sanity.reproduce import Row
from graphpool_sanity.reproduce import contrasts as module
from graphpool_sanity.reproduce.contrasts import contrasts, plot_contrasts
from graphpool_sanity.training.tasks import Unit

ROWS = [
    Row("GIN", "GIN"),
    Row("Graclus", "graclus", EXPERIMENT),
    Row("Complement", "complement", EXPERIMENT),
    Row("Graclus, 1", "graclus", EXPERIMENT, {"convs": 1}),
    Row("Complement, 1", "complement", EXPERIMENT, {"convs": 1}),
]


def models(lead, runs=8, spread=1e-3, **others):
    noise = np.random.default_rng(0).normal(0, spread, runs)
    first = {seed: {"test": 0.8 + lead + noise[seed]} for seed in range(runs)}
    second = {seed: {"test": 0.8} for seed in range(runs)}
    return {"Graclus": first, "Complement": second} | {r.label: {} for r in ROWS[3:]} | others


@pytest.mark.parametrize(
    ("dataset", "lead", "said"),
    [
        ("NCI1", 0.1, "Graclus − Complement on NCI1: Graclus is better; the mean difference of 8 "),
        ("NCI1", -0.1, "Graclus − Complement on NCI1: Complement is better; the mean difference"),
        ("NCI1", 0.0, "Graclus − Complement on NCI1: Complement is as good; the mean difference"),
    ],
)
def test_a_sentence_says_what_came_out(dataset, lead, said):
    (pair,) = contrasts(ROWS, {dataset: models(lead)})
    assert str(pair).startswith(said)
    assert pair.differences == pytest.approx(
        [run["test"] - 0.8 for run in models(lead)["Graclus"].values()]
    )
    assert Unit("accuracy").interval(pair.comparison.interval) in str(pair)


def test_fewer_than_five_runs_are_undecided_and_one_is_nothing():
    (pair,) = contrasts(ROWS, {"NCI1": models(0.1, runs=3)})
    assert ": undecided; " in str(pair)
    assert "a verdict takes 5 runs or more" in str(pair)
    assert contrasts(ROWS, {"NCI1": models(0.1, runs=1)}) == []


def test_models_are_paired_that_differ_in_their_variant_alone():
    own = models(0.1)
    others = {"Graclus, 1": own["Graclus"], "Complement, 1": own["Complement"]}
    found = contrasts(ROWS, {"NCI1": own | others | {"GIN": {}}, "DD": own})
    assert [(pair.first, pair.second, pair.dataset) for pair in found] == [
        ("Graclus", "Complement", "NCI1"),
        ("Graclus, 1", "Complement, 1", "NCI1"),
        ("Graclus", "Complement", "DD"),
    ]


def test_seeds_are_those_of_both():
    own = models(0.1)
    del own["Graclus"][0], own["Complement"][7]
    (pair,) = contrasts(ROWS, {"NCI1": own})
    assert pair.comparison.runs == 6


def test_less_of_an_error_is_better():
    (pair,) = contrasts(ROWS, {"ZINC": models(-0.1)})
    assert pair.comparison.difference == pytest.approx(0.1, abs=1e-3)
    assert pair.comparison.margin == 0.02  # as it was laid down
    assert "Graclus is better; the mean difference of 8 paired runs is +0.1" in str(pair)


def test_other_data_sets_have_the_margin_of_a_check(monkeypatch):
    graphs = [
        Data(torch.ones(2, 3), torch.tensor([[0], [1]]), y=torch.tensor([y]))
        for y in (0.0, 4.0, 8.0)
    ]
    benchmark = Benchmark("numbers", graphs, "regression", 1)
    monkeypatch.setattr(module, "load_once", lambda name: benchmark)
    monkeypatch.setattr(module, "metric_of", lambda name: benchmark.metric)
    (pair,) = contrasts(ROWS, {"QM9": models(-0.1)})
    assert pair.comparison.margin == pytest.approx(0.02 * 8 / 3)


def asked(runs, *numbers):
    """The runs of a model, each with how many were asked for with it, as far as it is said."""
    own = models(0.1, runs)
    for model in "Graclus", "Complement":
        for run, number in zip(own[model].values(), numbers, strict=False):
            run["planned"] = number
    return own


@pytest.mark.parametrize(
    ("runs", "numbers", "is_plan"),
    [
        (8, [8] * 8, True),
        (8, [5] * 5 + [8] * 3, False),  # extended after the first five could be looked at
        (8, [20] * 8, False),  # not all there yet
        (20, [], True),  # the paper's ledgers, from before runs said it
        (8, [], False),
        (20, [20] * 5, False),
    ],
)
def test_runs_that_were_added_are_no_plan(runs, numbers, is_plan):
    (pair,) = contrasts(ROWS, {"NCI1": asked(runs, *numbers)})
    assert pair.comparison.planned == is_plan


def test_the_figure_names_the_pairs():
    figure = plot_contrasts(contrasts(ROWS, {"NCI1": models(0.1)}))
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Graclus − Complement"]
    assert figure.get_supxlabel() == "difference in points: the first is better to the right"
