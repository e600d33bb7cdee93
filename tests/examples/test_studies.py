"""The paper's tables and figures: what each compares, and what is peculiar to one."""

import importlib
import re
from pathlib import Path

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.reproduce.command import Study, settings_of
from graphpool_sanity.reproduce.study import Runs
from graphpool_sanity.reproduce.tables import reported

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["table1", "table2", "table3", "table_s5"]
NAMES += ["figure1", "figure2", "figure3", "figure4", "figure7", "figure8", "figure_s1"]


@pytest.fixture(autouse=True)
def beside(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)


def module(name):
    return importlib.import_module(f"reproduce_{name}")


def study(name):
    (found,) = (value for value in vars(module(name)).values() if isinstance(value, Study))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_is_found_by_its_name_and_runs_what_its_families_know(name):
    found = study(name)
    assert found.title.lower() == re.sub(r"(table|figure)_?", r"\1 ", name)
    labels = [row.label for row in found.rows]
    assert len(set(labels)) == len(labels)
    assert {row.label for row in found.quick_rows} <= set(labels)
    for row in found.rows:
        if row.experiment is not None:
            assert row.variant in row.experiment.variants
            assert row.settings.keys() <= settings_of(row.experiment, "NCI1", {}).keys()


@pytest.mark.parametrize("name", ["table1", "table2", "table3", "table_s5"])
def test_every_cell_of_a_table_has_its_number_of_the_paper(name):
    found = study(name)
    for row in found.rows:
        for dataset in found.datasets:
            number = reported(row, dataset, found.title)
            assert number.source == ("text" if row.label == "no pooling" else found.title)


def test_permuted_changes_places_within_graphs_and_nothing_else():
    figure3 = module("figure3")
    path = torch.tensor([[0, 1], [1, 2]])
    graphs = [Data(torch.arange(3.0).view(3, 1) + 10 * i, path) for i in range(20)]
    graphs.append(Data(torch.tensor([[99.0]]), torch.empty(2, 0, dtype=torch.long)))
    batch = Batch.from_data_list(graphs)
    before = batch.x.clone()
    generator = torch.Generator().manual_seed(0)
    found = figure3.permuted(batch, generator)

    assert torch.equal(batch.x, before)
    assert torch.equal(found.batch, batch.batch)
    for i, graph in enumerate(graphs):
        assert sorted(found.x[batch.batch == i].view(-1)) == sorted(graph.x.view(-1))
    start, end = found.x.view(-1)[found.edge_index]
    assert torch.equal(start + 1, end)
    assert not torch.equal(found.x, batch.x)
    assert not torch.equal(figure3.permuted(batch, generator).x, found.x)


def test_only_the_fixed_assignment_feels_the_order_and_only_in_evaluation():
    figure3, digits = module("figure3"), load_dataset("digits")
    batch = Batch.from_data_list([digits.graphs[i] for i in range(8)])
    outputs = {}
    for variant in ("fixed", "permuted", "invariant"):
        config = settings_of(figure3.PERMUTED, "digits", {}) | {"variant": variant, "seed": 1}
        torch.manual_seed(1)
        model = figure3.PERMUTED.build(config, digits).eval()
        outputs[variant] = [model(batch)[0].detach() for _ in range(2)]
        model.train()
        torch.testing.assert_close(model(batch)[0], model(batch)[0])
    torch.testing.assert_close(*outputs["fixed"])
    torch.testing.assert_close(*outputs["invariant"])
    assert (outputs["permuted"][0] - outputs["permuted"][1]).abs().max() > 1e-5


def test_figure_8_shows_graclus_and_the_gap():
    figure8 = module("figure8")
    run = {0: {"test": 0.8}}
    found = {
        "NCI1": {"Graclus 3x64": run, "Complement 3x64": {0: {"test": 0.77}}},
        "ZINC": {"Graclus 2x16": {0: {"test": 0.5}}},
    }
    first, second, *_ = figure8.draw(found).axes
    assert [text.get_text() for text in first.texts] == ["0.80"]
    assert [text.get_text() for text in second.texts] == ["-0.50"]
    gap = first.images[0].get_array()
    assert gap[1, 2] == pytest.approx(0.03)
    assert gap.count() == 1


@pytest.mark.parametrize("dataset", ["NCI1", "IMDB-BINARY"])
def test_the_committed_runs_of_table_1_are_found_as_they_are(dataset):
    table1 = study("table1")
    runs = Runs(EXAMPLES.parent / "benchmarks" / "results", table1.runs)
    for row in table1.rows:
        assert list(runs.find(row, dataset)) == list(range(20 if row.experiment else 0))
