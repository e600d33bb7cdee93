"""The readers on small raw files written here, and on the data sets themselves where they are."""

import os
import pickle
from importlib.util import find_spec
from itertools import pairwise

import pandas as pd
import pytest
import torch
from torch_geometric.datasets import TUDataset

from graphpool_sanity.datasets import load, load_dataset

needs_ogb = pytest.mark.skipif(find_spec("ogb") is None, reason="ogb is not installed")


@pytest.fixture
def few(monkeypatch):
    """Let a handful of graphs pass for what was published."""
    monkeypatch.setattr(load, "_check_published", lambda *_: None)


def write_tu(root, folder, raw, node_labels):
    """A triangle, a single node, and an edge."""
    path = root / "TUDataset" / folder / raw
    path.mkdir(parents=True)
    edges = [(1, 2), (2, 1), (2, 3), (3, 2), (1, 3), (3, 1), (5, 6), (6, 5)]
    lines = {
        "A": [f"{u}, {v}" for u, v in edges],
        "graph_indicator": [1, 1, 1, 2, 3, 3],
        "graph_labels": [-1, 1, -1],
    }
    if node_labels:
        lines["node_labels"] = [5, 7, 5, 6, 5, 5]
    for name, values in lines.items():
        (path / f"{folder}_{name}.txt").write_text("".join(f"{value}\n" for value in values))


def write_zinc(root):
    """Two molecules in each part: C=O, and N alone."""
    raw = root / "ZINC" / "raw"
    raw.mkdir(parents=True)
    for i, part in enumerate(("train", "val", "test")):
        molecules = [
            (torch.tensor([0, 1]), torch.tensor([[0, 2], [2, 0]]), 0.5 + i),
            (torch.tensor([2]), torch.tensor([[0]]), -0.5 - i),
        ]
        dicts = [
            {"atom_type": a, "bond_type": b, "logP_SA_cycle_normalized": torch.tensor([y])}
            for a, b, y in molecules
        ]
        (raw / f"{part}.pickle").write_bytes(pickle.dumps(dicts))
        (raw / f"{part}.index").write_text("0,1\n")


def write_smnist(root):
    raw = root / "GNNBenchmarkDataset" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    image = {
        "x": torch.tensor([[0.25], [0.75]]),
        "pos": torch.tensor([[0.1, 0.2], [0.3, 0.4]]),
        "edge_index": torch.tensor([[0, 1], [1, 0]]),
        "edge_attr": torch.tensor([0.9, 0.9]),
    }
    parts = [[image | {"y": torch.tensor([y])} for y in ys] for ys in ([3, 9, 0], [1, 2], [4, 5])]
    torch.save(parts, raw / "MNIST_v2.pt")


def write_molhiv(root):
    """Three molecules of 2, 1 and 3 atoms; without the file by which OGB knows its release."""
    tables = {
        "raw/num-node-list": [[2], [1], [3]],
        "raw/num-edge-list": [[1], [0], [2]],
        "raw/edge": [[0, 1], [0, 1], [1, 2]],
        "raw/node-feat": [[i, 0, 3, 5, 0, 0, 2, 0, i % 2] for i in range(6)],
        "raw/edge-feat": [[0, 0, 1], [1, 0, 0], [2, 3, 1]],
        "raw/graph-label": [[0], [1], [0]],
        "split/scaffold/train": [[2]],
        "split/scaffold/valid": [[0]],
        "split/scaffold/test": [[1]],
    }
    for name, rows in tables.items():
        path = root / "OGB" / "ogbg_molhiv" / f"{name}.csv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(path, header=False, index=False)


def test_tu_has_one_hot_labels(few, tmp_path):
    write_tu(tmp_path, "NCI1", "raw", node_labels=True)
    benchmark = load_dataset("NCI1", tmp_path)
    triangle, single, edge = benchmark.graphs
    assert triangle.x.tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert single.x.tolist() == [[0, 1, 0]]
    assert single.edge_index.shape == (2, 0)
    assert edge.edge_index.tolist() == [[0, 1], [1, 0]]
    assert [graph.y.tolist() for graph in benchmark.graphs] == [[0], [1], [0]]
    assert (benchmark.in_channels, benchmark.out_channels) == (3, 2)


@pytest.mark.parametrize(("name", "raw"), [("IMDB-BINARY", "raw"), ("IMDB-C", "raw_cleaned")])
def test_imdb_has_ten_ones(few, name, raw, tmp_path):
    write_tu(tmp_path, "IMDB-BINARY", raw, node_labels=False)
    benchmark = load_dataset(name, tmp_path)
    assert benchmark.name == name
    assert [graph.num_nodes for graph in benchmark.graphs] == [3, 1, 2]
    for graph in benchmark.graphs:
        assert torch.equal(graph.x, torch.ones(graph.num_nodes, 10))


def test_zinc_has_one_hot_atoms_and_its_own_split(few, tmp_path):
    write_zinc(tmp_path)
    benchmark = load_dataset("ZINC", tmp_path)
    carbonyl, nitrogen = benchmark.graphs[2], benchmark.graphs[3]
    assert torch.equal(carbonyl.x, torch.eye(28)[:2])
    assert torch.equal(nitrogen.x, torch.eye(28)[2:3])
    assert carbonyl.edge_index.tolist() == [[0, 1], [1, 0]]
    assert "edge_attr" not in carbonyl
    assert [graph.y.tolist() for graph in benchmark.graphs] == [
        [0.5], [-0.5], [1.5], [-1.5], [2.5], [-2.5]
    ]  # fmt: skip
    assert [part.tolist() for part in benchmark.split(1)] == [[0, 1], [2, 3], [4, 5]]


def test_smnist_has_intensity_and_position(few, tmp_path):
    write_smnist(tmp_path)
    benchmark = load_dataset("SMNIST", tmp_path)
    graph = benchmark.graphs[1]
    torch.testing.assert_close(graph.x, torch.tensor([[0.25, 0.1, 0.2], [0.75, 0.3, 0.4]]))
    assert set(graph.keys()) == {"x", "edge_index", "y"}
    assert [g.y.item() for g in benchmark.graphs] == [3, 9, 0, 1, 2, 4, 5]
    assert [part.tolist() for part in benchmark.split(1)] == [[0, 1, 2], [3, 4], [5, 6]]
    assert benchmark.out_channels == 10


@needs_ogb
def test_molhiv_has_categories_and_never_asks(few, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked, and would have waited"))
    write_molhiv(tmp_path)
    benchmark = load_dataset("ogbg-molhiv", tmp_path)
    graph = benchmark.graphs[2]
    assert graph.x[:, 0].tolist() == [3, 4, 5]
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph.edge_attr.tolist() == [[1, 0, 0], [1, 0, 0], [2, 3, 1], [2, 3, 1]]
    assert graph.x.dtype == graph.edge_attr.dtype == torch.long
    assert [g.y.tolist() for g in benchmark.graphs] == [[0.0], [1.0], [0.0]]
    assert graph.y.dtype == torch.float32
    assert [part.tolist() for part in benchmark.split(1)] == [[2], [0], [1]]
    assert benchmark.node_categories == (119, 5, 12, 12, 10, 6, 6, 2, 2)
    assert benchmark.edge_categories == (5, 6, 2)
    assert capsys.readouterr() == ("", "")


@needs_ogb
def test_molhiv_leaves_what_torch_load_trusts(few, tmp_path):
    before = set(torch.serialization.get_safe_globals())
    write_molhiv(tmp_path)
    load_dataset("ogbg-molhiv", tmp_path)
    assert set(torch.serialization.get_safe_globals()) == before
    write_tu(tmp_path, "NCI1", "raw", node_labels=True)
    for _ in range(2):  # warns where PyG is no longer trusted
        TUDataset(str(tmp_path / "TUDataset"), "NCI1")


TU = {  # graphs, mean nodes, features, class sizes
    "NCI1": (4110, 29.87, 37, [2053, 2057]),
    "NCI109": (4127, 29.68, 38, [2048, 2079]),
    "PROTEINS": (1113, 39.06, 3, [663, 450]),
    "DD": (1178, 284.32, 89, [691, 487]),
    "MUTAG": (188, 17.93, 7, [63, 125]),
    "IMDB-BINARY": (1000, 19.77, 10, [500, 500]),
    "IMDB-C": (493, 24.08, 10, [261, 232]),
}
here = pytest.mark.skipif(
    not os.environ.get("GRAPHPOOL_SANITY_DATA"),
    reason="GRAPHPOOL_SANITY_DATA names no folder of data sets",
)


def mean_nodes(benchmark):
    return len(benchmark.graphs.x) / len(benchmark.graphs)


@here
@pytest.mark.parametrize("name", TU)
def test_tu_as_published(name):
    benchmark = load_dataset(name)
    num_graphs, nodes, features, classes = TU[name]
    assert len(benchmark.graphs) == num_graphs
    assert round(mean_nodes(benchmark), 2) == nodes
    assert benchmark.graphs.x.shape[1] == benchmark.in_channels == features
    assert benchmark.graphs.x.dtype == torch.float32
    assert (benchmark.graphs.x.sum(1) == (10 if name.startswith("IMDB") else 1)).all()
    assert benchmark.graphs.y.dtype == torch.long
    assert benchmark.graphs.y.bincount().tolist() == classes
    assert benchmark.task == "classification"
    assert sum(part.numel() for part in benchmark.split(0)) == num_graphs


def assert_consecutive(split, sizes):
    ends = torch.tensor([0, *sizes]).cumsum(0).tolist()
    for part, (start, end) in zip(split, pairwise(ends), strict=True):
        assert torch.equal(part, torch.arange(start, end))


@here
def test_zinc_as_published():
    benchmark = load_dataset("ZINC")
    assert mean_nodes(benchmark) == pytest.approx(23.16, abs=0.1)
    assert benchmark.graphs.x.shape[1] == 28
    assert benchmark.graphs.x.dtype == benchmark.graphs.y.dtype == torch.float32
    assert (benchmark.task, benchmark.out_channels) == ("regression", 1)
    assert_consecutive(benchmark.split(0), [10000, 1000, 1000])
    assert benchmark.graphs.y[11000:].mean() == pytest.approx(0.0055, abs=1e-3)
    assert benchmark.graphs.y[11000:].std() == pytest.approx(2.041, abs=1e-3)


@here
def test_smnist_as_published():
    benchmark = load_dataset("SMNIST")
    sizes = [part.numel() for part in benchmark.split(0)]
    assert sizes in ([55000, 5000, 10000], [10000, 2000, 10000])  # all, or part of the training
    assert_consecutive(benchmark.split(0), sizes)
    assert mean_nodes(benchmark) == pytest.approx(70.57, abs=0.05)
    assert benchmark.graphs.x.shape[1] == 3
    assert benchmark.graphs.x.dtype == torch.float32
    assert benchmark.graphs.y.dtype == torch.long
    assert benchmark.graphs.y.unique().tolist() == list(range(10))
    graph = benchmark.graphs[0]
    assert (graph.edge_index[0].bincount() == 8).all()


@here
@needs_ogb
def test_molhiv_as_published():
    benchmark = load_dataset("ogbg-molhiv")
    graphs, parts = benchmark.graphs, benchmark.split(0)
    assert len(graphs) == 41127
    assert round(mean_nodes(benchmark), 2) == 25.51
    assert [part.numel() for part in parts] == [32901, 4113, 4113]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(41127))
    assert [int(graphs.y[part].sum()) for part in parts] == [1232, 81, 130]
    assert graphs.y.dtype == torch.float32
    assert graphs.x.dtype == graphs.edge_attr.dtype == torch.long
    assert (graphs.x.max(0).values < torch.tensor(benchmark.node_categories)).all()
    assert (graphs.edge_attr.max(0).values < torch.tensor(benchmark.edge_categories)).all()
    assert (benchmark.task, benchmark.metric) == ("binary", "auroc")
