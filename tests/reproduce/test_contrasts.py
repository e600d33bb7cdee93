"""What is said of the paired differences of a study's models."""

import numpy as np
import pytest
import torch
from _helpers.small_experiment import EXPERIMENT
from torch_geometric.data import Data

from graphpool_sanity import Benchmark
from graphpool_sanity.reproduce import Row
from graphpool_sanity.reproduce import contrasts as module
from graphpool_sanity.reproduce.contrasts import contrasts, pairs_of, plot_contrasts
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
    (pair,) = contrasts(pairs_of(ROWS), {dataset: models(lead)})
    assert str(pair).startswith(said)
    assert pair.differences == pytest.approx(
        [run["test"] - 0.8 for run in models(lead)["Graclus"].values()]
    )
    assert Unit("accuracy").interval(pair.comparison.interval) in str(pair)


def test_fewer_than_five_runs_are_undecided_and_one_is_nothing():
    (pair,) = contrasts(pairs_of(ROWS), {"NCI1": models(0.1, runs=3)})
    assert ": undecided; " in str(pair)
    assert "a verdict takes 5 runs or more" in str(pair)
    assert contrasts(pairs_of(ROWS), {"NCI1": models(0.1, runs=1)}) == []


def test_models_are_paired_that_differ_in_their_variant_alone():
    own = models(0.1)
    others = {"Graclus, 1": own["Graclus"], "Complement, 1": own["Complement"]}
    found = contrasts(pairs_of(ROWS), {"NCI1": own | others | {"GIN": {}}, "DD": own})
    assert [(pair.first, pair.second, pair.dataset) for pair in found] == [
        ("Graclus", "Complement", "NCI1"),
        ("Graclus, 1", "Complement, 1", "NCI1"),
        ("Graclus", "Complement", "DD"),
    ]


def test_seeds_are_those_of_both():
    own = models(0.1)
    del own["Graclus"][0], own["Complement"][7]
    (pair,) = contrasts(pairs_of(ROWS), {"NCI1": own})
    assert pair.comparison.runs == 6


def test_less_of_an_error_is_better():
    (pair,) = contrasts(pairs_of(ROWS), {"ZINC": models(-0.1)})
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
    (pair,) = contrasts(pairs_of(ROWS), {"QM9": models(-0.1)})
    assert pair.comparison.margin == pytest.approx(0.02 * 8 / 3)


def asked(numbers):
    """As many runs of both models, each with how many were asked for with it."""
    own = models(0.1, len(numbers))
    for model in "Graclus", "Complement":
        for run, number in zip(own[model].values(), numbers, strict=True):
            run |= {} if number is None else {"planned": number}
    return own


@pytest.mark.parametrize(
    ("numbers", "planned"),
    [
        ([8] * 8, True),
        ([5] * 5 + [8] * 3, False),  # extended after the first five could be looked at
        ([20] * 8, False),  # not all there yet
        ([None] * 20, True),  # the paper's ledgers, from before runs said it
        ([None] * 8, False),
        ([None] * 5 + [20] * 15, False),
    ],
)
def test_runs_that_were_added_are_no_plan(numbers, planned):
    (pair,) = contrasts(pairs_of(ROWS), {"NCI1": asked(numbers)})
    assert pair.comparison.planned == planned


@pytest.mark.parametrize(
    ("first", "second", "planned"), [(20, 5, True), (None, 5, True), (8, 8, False)]
)
def test_the_pairs_of_a_plan_are_those_of_the_model_with_fewer_runs(first, second, planned):
    more, fewer = asked([first] * 20)["Graclus"], asked([second] * 5)["Complement"]
    (pair,) = contrasts(
        pairs_of(ROWS), {"NCI1": asked([]) | {"Graclus": more, "Complement": fewer}}
    )
    assert pair.comparison.runs == 5
    assert pair.comparison.planned == planned


def test_seeds_that_were_added_to_one_model_alone_leave_its_pairs_a_plan():
    more, fewer = asked([None] * 5 + [20] * 15)["Graclus"], asked([None] * 5)["Complement"]
    (pair,) = contrasts(
        pairs_of(ROWS), {"NCI1": asked([]) | {"Graclus": more, "Complement": fewer}}
    )
    assert (pair.comparison.runs, pair.comparison.planned) == (5, True)


def test_the_figure_names_the_pairs():
    figure = plot_contrasts(contrasts(pairs_of(ROWS), {"NCI1": models(0.1)}))
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Graclus − Complement"]
    assert figure.get_supxlabel() == "difference in points: the first is better to the right"
