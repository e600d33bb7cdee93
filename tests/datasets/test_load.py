import urllib.request
import warnings
from urllib.error import URLError

import platformdirs
import pytest
import torch
from torch_geometric.datasets import TUDataset
from torch_geometric.io import fs
from torch_geometric.transforms import Constant

from graphpool_sanity.datasets import NAMES, load, load_dataset

FILES = {
    "NCI1": "TUDataset/NCI1/raw/NCI1_*.txt",
    "IMDB-C": "TUDataset/IMDB-BINARY/raw_cleaned/IMDB-BINARY_*.txt",
    "ZINC": "ZINC/raw/{train,val,test}.{pickle,index}",
    "SMNIST": "GNNBenchmarkDataset/MNIST/raw/MNIST_v2.pt",
    "ogbg-molhiv": "OGB/ogbg_molhiv/{raw,split}/",
}


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(fs, "cp", refuse)


def write_mutag(root):
    """Two graphs in the raw format of TUDataset: an edge, and a single node."""
    raw = root / "TUDataset" / "MUTAG" / "raw"
    raw.mkdir(parents=True)
    (raw / "MUTAG_A.txt").write_text("1, 2\n2, 1\n")
    (raw / "MUTAG_graph_indicator.txt").write_text("1\n1\n2\n")
    (raw / "MUTAG_graph_labels.txt").write_text("-1\n1\n")
    (raw / "MUTAG_node_labels.txt").write_text("0\n2\n1\n")


def test_an_unknown_name_is_refused_with_all_known():
    with pytest.raises(ValueError, match="name must be one of digits, NCI1, .*, got 'CORA'"):
        load_dataset("CORA")


def test_digits_need_no_root(offline, tmp_path):
    assert load_dataset("digits", tmp_path).name == "digits"
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_failed_download_says_what_to_do(name, offline, tmp_path, capsys):
    if name == "ogbg-molhiv":
        pytest.importorskip("ogb")
    for _ in range(2):  # the first may leave empty folders behind
        with pytest.raises(OSError, match="nor downloaded: URLError") as caught:
            load_dataset(name, tmp_path)
        assert isinstance(caught.value.__cause__, URLError)
        message = str(caught.value)
        assert message.startswith(name)
        assert "or use 'digits'" in message
        assert "root or GRAPHPOOL_SANITY_DATA" in message
        if name in FILES:
            assert f"put its raw files at {tmp_path / FILES[name]} " in message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("alias", "name"), [("IMDB-B", "IMDB-BINARY"), ("MOLHIV", "ogbg-molhiv")])
def test_aliases(alias, name, offline, tmp_path):
    if name == "ogbg-molhiv":
        pytest.importorskip("ogb")
    with pytest.raises(OSError, match=f"^{name} could"):
        load_dataset(alias, tmp_path)


def test_the_argument_comes_before_the_environment_before_the_cache(tmp_path, monkeypatch):
    for place in ("argument", "variable", "cache"):
        write_mutag(tmp_path / place)
    monkeypatch.setattr(load, "user_cache_path", lambda app: tmp_path / "cache")
    used = []
    monkeypatch.setitem(load._PUBLISHED, "MUTAG", (used.append, "MUTAG/raw"))

    monkeypatch.setenv("GRAPHPOOL_SANITY_DATA", str(tmp_path / "variable"))
    load_dataset("MUTAG", str(tmp_path / "argument"))
    load_dataset("MUTAG")
    monkeypatch.setenv("GRAPHPOOL_SANITY_DATA", "")
    load_dataset("MUTAG")
    monkeypatch.delenv("GRAPHPOOL_SANITY_DATA")
    load_dataset("MUTAG")
    assert used == [tmp_path / place for place in ("argument", "variable", "cache", "cache")]
