import shutil
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
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


def files(root):
    return {path for path in root.rglob("*") if path.is_file()}


def write_mutag(root):
    """Two graphs in the raw format of TUDataset: a single node, and an edge."""
    raw = root / "TUDataset" / "MUTAG" / "raw"
    raw.mkdir(parents=True)
    (raw / "MUTAG_A.txt").write_text("2, 3\n3, 2\n")
    (raw / "MUTAG_graph_indicator.txt").write_text("1\n2\n2\n")
    (raw / "MUTAG_graph_labels.txt").write_text("-1\n1\n")
    (raw / "MUTAG_node_labels.txt").write_text("0\n2\n1\n")


def read(monkeypatch, reader):
    """Have MUTAG read by ``reader``, whatever it finds."""
    own = load._PUBLISHED["MUTAG"]._replace(read=reader)
    monkeypatch.setitem(load._PUBLISHED, "MUTAG", own)
    monkeypatch.setattr(load, "_check_published", lambda *_: None)


@pytest.fixture
def few(monkeypatch):
    """Let two graphs pass for MUTAG."""
    monkeypatch.setattr(load, "_check_published", lambda *_: None)


def test_an_unknown_name_is_refused_with_all_known():
    with pytest.raises(
        ValueError, match=r"name must be one of digits, locality-control, NCI1, .*, got 'CORA'"
    ):
        load_dataset("CORA")


@pytest.mark.parametrize("name", ["digits", "locality-control"])
def test_what_is_embedded_needs_no_root(name, offline, tmp_path):
    assert name in NAMES
    assert load_dataset(name, tmp_path).name == name
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", load._PUBLISHED)
def test_a_failed_download_says_what_to_do(name, offline, tmp_path, capsys):
    if name == "ogbg-molhiv" and find_spec("ogb") is None:
        pytest.skip("ogb is not installed")
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
    assert not files(tmp_path)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("alias", "name"), [("IMDB-B", "IMDB-BINARY"), ("MOLHIV", "ogbg-molhiv")])
def test_aliases(alias, name, offline, tmp_path):
    if name == "ogbg-molhiv" and find_spec("ogb") is None:
        pytest.skip("ogb is not installed")
    with pytest.raises(OSError, match=f"^{name} could"):
        load_dataset(alias, tmp_path)


def test_the_argument_comes_before_the_environment_before_the_cache(tmp_path, monkeypatch):
    roots = []
    read(monkeypatch, roots.append)
    monkeypatch.setenv("GRAPHPOOL_SANITY_DATA", str(tmp_path))
    load_dataset("MUTAG", "~/given")
    load_dataset("MUTAG")
    assert roots == [Path("~/given").expanduser(), tmp_path]


def test_without_root_and_environment_it_is_the_cache(offline, monkeypatch, tmp_path):
    roots = []
    read(monkeypatch, roots.append)
    monkeypatch.setenv("GRAPHPOOL_SANITY_DATA", "")
    load_dataset("MUTAG")
    monkeypatch.delenv("GRAPHPOOL_SANITY_DATA")
    load_dataset("MUTAG")
    assert roots == 2 * [platformdirs.user_cache_path("graphpool_sanity")]


def test_only_processed_is_written(offline, few, tmp_path):
    write_mutag(tmp_path)
    before = files(tmp_path)
    load_dataset("MUTAG", tmp_path)
    assert {path.parent.name for path in files(tmp_path) - before} == {"processed"}


def test_a_warning_that_a_user_can_act_on_comes_through(few, tmp_path):
    write_mutag(tmp_path)
    TUDataset(str(tmp_path / "TUDataset"), "MUTAG", pre_transform=Constant())
    with pytest.warns(UserWarning, match="`pre_transform` argument differs"):
        load_dataset("MUTAG", tmp_path)


def test_a_read_only_folder_is_named(tmp_path, monkeypatch):
    write_mutag(tmp_path)

    def refuse(*args, **kwargs):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(fs, "makedirs", refuse)
    with pytest.raises(OSError, match=r"PermissionError: read-only.*the folder must be writable"):
        load_dataset("MUTAG", tmp_path)


def test_a_missing_ogb_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ogb.graphproppred", None)
    monkeypatch.delitem(sys.modules, "outdated", raising=False)
    with pytest.raises(ImportError, match=r'needs ogb: in a checkout .* pip install "\.\[ogb\]"'):
        load_dataset("ogbg-molhiv", tmp_path)
    assert "outdated" not in sys.modules  # neither asked for a newer OGB, nor left blocked


def write_many(root, graphs=188, labels=7, classes=2):
    """As many graphs of one edge as MUTAG has."""
    raw = root / "TUDataset" / "MUTAG" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    nodes = range(1, 2 * graphs + 1)
    lines = {
        "A": [f"{u}, {v}" for u in nodes if u % 2 for v in [u + 1]],
        "graph_indicator": [(u + 1) // 2 for u in nodes],
        "graph_labels": [i % classes for i in range(graphs)],
        "node_labels": [u % labels for u in nodes],
    }
    for name, values in lines.items():
        (raw / f"MUTAG_{name}.txt").write_text("".join(f"{value}\n" for value in values))
    return raw


@pytest.mark.parametrize(
    ("sizes", "got"),
    [
        ({"graphs": 187}, "187, 7 and 2"),
        ({"labels": 6}, "188, 6 and 2"),
        ({"classes": 3}, "188, 7 and 3"),
    ],
)
def test_files_that_are_not_the_published_ones_are_named(sizes, got, tmp_path):
    raw = write_many(tmp_path, **sizes)
    with pytest.raises(
        ValueError, match=f"must have 188 graphs, 7 .* as published, got {got}"
    ) as caught:
        load_dataset("MUTAG", tmp_path)
    assert f"{raw}/MUTAG_*.txt and delete {raw.parent / 'processed'}" in str(caught.value)


def test_a_missing_label_file_is_no_data_set_of_ones(tmp_path):
    raw = write_many(tmp_path)
    assert load_dataset("MUTAG", tmp_path).in_channels == 7
    (raw / "MUTAG_node_labels.txt").unlink()
    shutil.rmtree(raw.parent / "processed")
    with pytest.raises(ValueError, match="got 188, 10 and 2"):
        load_dataset("MUTAG", tmp_path)


def test_published_graphs_with_a_fault_are_named(tmp_path):
    raw = write_many(tmp_path)
    load_dataset("MUTAG", tmp_path)
    path = raw.parent / "processed" / "data.pt"
    stored = torch.load(path)
    stored[0]["edge_index"][0, 5] = 7
    torch.save(stored, path)
    with pytest.raises(ValueError, match=r"MUTAG is not as published: dataset\[2\]|\[5\]"):
        load_dataset("MUTAG", tmp_path)


@pytest.mark.parametrize("left", [0, 1000])
def test_a_torn_processed_file_is_to_be_deleted(left, tmp_path):
    path = write_many(tmp_path).parent / "processed" / "data.pt"
    load_dataset("MUTAG", tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    with pytest.raises(OSError, match="MUTAG could not be read") as caught:
        load_dataset("MUTAG", tmp_path)
    assert str(caught.value).endswith(f"delete {path.parent}")
    shutil.rmtree(path.parent)
    assert len(load_dataset("MUTAG", tmp_path).graphs) == 188


def test_one_at_a_time_reads_a_folder(tmp_path, monkeypatch):
    inside, most = [], []

    def reader(root):
        inside.append(root)
        time.sleep(0.1)
        most.append(len(inside))
        inside.pop()

    read(monkeypatch, reader)
    threads = [Thread(target=load_dataset, args=("MUTAG", tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4
