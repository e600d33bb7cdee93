import sys
import urllib.request
from urllib.error import URLError

import pytest
import torch
import torch_geometric.datasets as classes
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.io import fs

from graphpool_sanity.datasets import by_name, load_dataset
from graphpool_sanity.datasets.load import full_name, is_here, metric_of

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def write_tu(root, name="FEW", cleaned=False):
    """Twelve paths of three nodes, with an attribute and no label of nodes."""
    raw = root / "TUDataset" / name / ("raw_cleaned" if cleaned else "raw")
    raw.mkdir(parents=True)
    pairs = ((1, 2), (2, 1), (2, 3), (3, 2))
    edges = [f"{3 * i + a}, {3 * i + b}" for i in range(12) for a, b in pairs]
    (raw / f"{name}_A.txt").write_text("\n".join(edges) + "\n")
    indicator = [str(i + 1) for i in range(12) for _ in range(3)]
    (raw / f"{name}_graph_indicator.txt").write_text("\n".join(indicator) + "\n")
    (raw / f"{name}_graph_labels.txt").write_text("\n".join(str(i % 2) for i in range(12)) + "\n")
    attributes = "\n".join(f"{i / 2}, 1" for i in range(36))
    (raw / f"{name}_node_attributes.txt").write_text(attributes + "\n")


def test_a_data_set_of_tu_and_its_options(tmp_path):
    write_tu(tmp_path)
    plain = load_dataset("TUDataset/FEW", tmp_path)
    assert (plain.name, plain.task, plain.out_channels) == ("TUDataset/FEW", "classification", 2)
    assert (plain.features, plain.graphs[0].x.tolist()) == ("constant", [[1], [1], [1]])
    degrees = load_dataset("TUDataset/FEW?features=degree", tmp_path)
    assert (degrees.name, degrees.features) == ("TUDataset/FEW?features=degree", "degree")
    assert degrees.graphs[5].x.tolist() == [[1], [2], [1]]
    attributes = load_dataset("TUDataset/FEW?use_node_attr", tmp_path)
    assert attributes.features is None
    assert attributes.graphs[1].x.tolist() == [[1.5, 1], [2, 1], [2.5, 1]]
    assert torch.equal(attributes.graphs[1].edge_index, PATH)


def test_a_cleaned_version_is_another_and_named_where_the_whole_is_missing(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(fs, "cp", refuse)
    write_tu(tmp_path, cleaned=True)
    assert len(load_dataset("TUDataset/FEW?cleaned", tmp_path).graphs) == 12
    with pytest.raises(OSError, match=r"TUDataset/FEW could neither .* version, .* by \?cleaned"):
        load_dataset("TUDataset/FEW", tmp_path)


RINGS = [f"C1{'C' * (i + 2)}1" for i in range(12)]
ESOL = "\n".join(f"{s},x,0,0,0,0,0,0,{-i / 2},{s}" for i, s in enumerate(RINGS))
TARGETS = [",".join("10"[(i + t) % 2] for t in range(11)) for i in range(12)]
TOX = "\n".join(f"{row},,T0,{s}" for row, s in zip(TARGETS, RINGS, strict=True))


@pytest.mark.parametrize(
    ("name", "text", "task", "metric", "targets"),
    [("esol", ESOL, "regression", "mae", 1), ("tox21", TOX, "binary", "auroc", 12)],
)
def test_molecules(monkeypatch, tmp_path, name, text, task, metric, targets):
    pytest.importorskip("rdkit")
    if name == "tox21":  # some of the twelfth target are there
        text = text.replace(",,T", ",1,T", 3)
    raw = tmp_path / "MoleculeNet" / name / "raw"
    raw.mkdir(parents=True)
    file = {"esol": "delaney-processed.csv", "tox21": "tox21.csv"}[name]
    (raw / file).write_text(f"head\n{text}\n")
    monkeypatch.setenv("GRAPHPOOL_SANITY_DATA", str(tmp_path))
    full = f"MoleculeNet/{name}"
    assert not is_here(full)
    found = load_dataset(full)
    assert is_here(full)
    assert (found.task, found.metric, found.out_channels) == (task, metric, targets)
    assert len(found.node_categories) == 9
    assert len(found.edge_categories) == 3
    assert found.graphs[0].x.dtype == found.graphs[0].edge_attr.dtype == torch.int64
    assert found.graphs[2].y.shape == ((1,) if targets == 1 else (1, 12))
    assert int(found.y.isnan().sum()) == (0 if targets == 1 else 9)
    assert metric_of(full) == metric
    split = load_dataset(f"{full}?split=scaffold").split(5)
    assert [part.tolist() for part in split] == [[*range(3, 12)], [2], [0, 1]]


def test_a_missing_rdkit_is_named(monkeypatch, tmp_path):
    raw = tmp_path / "MoleculeNet" / "esol" / "raw"
    raw.mkdir(parents=True)
    (raw / "delaney-processed.csv").write_text(f"head\n{ESOL}\n")
    monkeypatch.setitem(sys.modules, "rdkit", None)
    wanted = r'MoleculeNet/esol needs rdkit: .* pip install "\.\[chem\]"'
    with pytest.raises(ImportError, match=wanted):
        load_dataset("MoleculeNet/esol", tmp_path)


class Parted(InMemoryDataset):
    """Graphs with categories [n], several targets and a split, as LRGB's and AQSOL."""

    def __init__(self, root, name, split="train"):
        super().__init__()
        size = {"train": 12, "val": 3, "test": 5}[split]
        listed = [
            Data(
                x=torch.tensor([0, 2, i % 4]),
                edge_index=PATH,
                edge_attr=torch.tensor([1, 0, 1, 0]),
                y=torch.tensor([[i % 2, (i + size) % 2.0]]),
                text=f"graph {i}",
            )
            for i in range(size)
        ]
        self.data, self.slices = self.collate(listed)


def test_what_cannot_be_is_told_of_the_graphs_not_of_the_files(tmp_path):
    write_tu(tmp_path)
    with pytest.raises(ValueError, match="needs graphs with smiles, got none"):
        load_dataset("TUDataset/FEW?split=scaffold", tmp_path)


def test_an_official_split_and_metric(monkeypatch, tmp_path):
    monkeypatch.setattr(classes, "LRGBDataset", Parted)
    found = load_dataset("LRGBDataset/Peptides-func", tmp_path)
    assert [part.tolist() for part in found.split(7)] == [
        [*range(12)],
        [*range(12, 15)],
        [*range(15, 20)],
    ]
    assert (found.metric, found.task) == ("average_precision", "binary")
    assert (found.node_categories, found.edge_categories) == ((4,), (2,))
    assert found.graphs[15].x.tolist() == [[0], [2], [0]]
    assert found.graphs[13].y.tolist() == [[1, 0]]
    assert found.graphs[0].edge_attr.tolist() == [[1], [0], [1], [0]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("TUDatset/FEW", "got 'TUDatset'; did you mean 'TUDataset'"),
        ("PROTEIN", "got 'PROTEIN'; did you mean 'PROTEINS'"),
        ("TUDataset/FEW?clened", "has no option 'clened', .*; did you mean 'cleaned'"),
        ("TUDataset/FEW?transform=1", "has no option 'transform'"),
        (
            "TUDataset/FEW?features=none",
            r"FEW\?features must be one of constant, .*got 'none'",
        ),
        ("MoleculeNet/esol?split=random", "split must be one of scaffold, got 'random'"),
        ("TUDataset", "must have a name behind the class TUDataset, got 'TUDataset'"),
        ("QM9/all", "must have no name behind the class QM9, got 'QM9/all'"),
    ],
)
def test_names_that_are_none(name, message):
    with pytest.raises(ValueError, match=message):
        full_name(name)


def test_names_are_written_in_one_way():
    assert full_name("TUDataset/FEW?cleaned=True") == "TUDataset/FEW?cleaned"
    assert full_name("QM9") == "QM9"
    assert by_name.read_name("ogb/ogbg-molbace").folder == "OGB/ogbg_molbace"
