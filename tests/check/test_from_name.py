import pytest
import torch
from torch import nn
from torch_geometric.nn import DMoNPooling, MemPooling, TopKPooling

from graphpool_sanity import DiffPool, GraclusPool, MemoryPool, RandomMinCutPool, load_dataset
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.from_name import (
    find_data,
    find_layer,
    layer_factories,
    read_arguments,
    settings_of,
    standard_model,
)
from graphpool_sanity.datasets import Benchmark

DIGITS = load_dataset("digits")


def made(layer, num_pools=2, **overrides):
    return [make(16) for make in layer_factories(layer, overrides, DIGITS, num_pools)]


def test_channels_and_clusters_are_filled_in():
    assert [pool.num_clusters for pool in made(DiffPool, 3)] == [9, 3, 1]  # of 32.7 nodes
    assert [pool.in_channels for pool in made(TopKPooling)] == [16, 16]
    memory, _ = made(MemoryPool)
    assert (memory.in_channels, memory.out_channels, memory.heads) == (16, 16, 5)
    assert made(MemPooling)[0].num_clusters == 9
    assert made(DMoNPooling)[0].mlp.out_channels == 9
    largest = max(graph.num_nodes for graph in DIGITS.graphs)
    assert made(RandomMinCutPool)[1].select.matrix.shape == (largest, 3)


def test_channels_that_may_be_none_are_filled_in_too():
    assert made(lambda in_channels=None: nn.Linear(in_channels, 1))[0].in_features == 16
    assert made(lambda in_channels=3: nn.Linear(in_channels, 1))[0].in_features == 3


def test_what_is_given_wins():
    assert [pool.num_clusters for pool in made(DiffPool, num_clusters=4)] == [4, 4]
    assert made(TopKPooling, ratio=0.8)[0].ratio == 0.8
    assert made(GraclusPool, aggr="mean")[0].aggr == "mean"
    assert read_arguments(["act=None", "name=a=b"]) == {"act": None, "name": "a=b"}


class Greedy(nn.Module):
    def __init__(self, in_channels, depth, **kwargs):
        super().__init__()
        self.depth, self.kwargs = depth, kwargs


def test_keywords_pass_where_a_layer_takes_any():
    assert made(Greedy, depth=2, more=3)[0].kwargs == {"more": 3}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: made(TopKPooling, nix=1), r"arg nix is none that TopKPooling takes \(in_channels"),
        (lambda: made(Greedy), "Greedy needs depth: --arg depth=VALUE"),
        (
            lambda: made(GraclusPool, aggr="nix"),
            r"GraclusPool\(aggr='nix'\) fails: ValueError: aggr",
        ),
        (lambda: made(lambda in_channels: 3), "must make a torch.nn.Module, got int"),
        (lambda: read_arguments(["ratio"]), "arg must be NAME=VALUE, got 'ratio'"),
        (lambda: read_arguments(["=3"]), "arg must be NAME=VALUE, got '=3'"),
        (lambda: made(TopKPooling, rtio=1), r"; did you mean 'ratio'\?"),
        (lambda: find_layer("torch"), "layer must be MODULE:LAYER, got 'torch'$"),
        (lambda: find_data("math:"), "dataset must be MODULE:FUNCTION, got 'math:'"),
        (lambda: find_data("nix:f"), "dataset nix:f: module 'nix' cannot be imported: ModuleNotFo"),
        (lambda: find_data("math:pi"), "dataset math:pi: module 'math' must .* has none$"),
        (lambda: find_data("digits", "binary"), "task must not be given for digits, which has a"),
        (lambda: find_data("digits", None, "degree"), "features must not be given for digits, got"),
        (lambda: find_layer("nix.nix:A"), "module 'nix.nix' cannot be imported: ModuleNotFound"),
        (lambda: find_layer("math:pi"), "module 'math' must have a layer 'pi', and has none"),
    ],
)
def test_faults_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("TopKPooling", "torch_geometric.nn:TopKPooling"),
        ("topkpool", "torch_geometric.nn:TopKPooling"),
        ("GraclusPol", "graphpool_sanity:GraclusPool"),
        ("graphpool_sanity:TopKPooling", "torch_geometric.nn:TopKPooling"),
        ("torch_geometric.n:TopKPooling", "torch_geometric.nn:TopKPooling"),
        ("torch_geometric.nn:TopKPool", "TopKPooling"),
        ("graphpool_sanity:GraclusPol", "GraclusPool"),
    ],
)
def test_what_layer_may_have_been_meant(target, meant):
    with pytest.raises(ValueError, match=f"^[^;]*; did you mean '{meant}'\\?$"):
        find_layer(target)


def test_a_module_in_the_working_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "own_layers_of_mine.py").write_text("def make(in_channels): return in_channels\n")
    (tmp_path / "broken_layers_of_mine.py").write_text("nix\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    assert find_layer("own_layers_of_mine:make")(3) == 3
    with pytest.raises(ValueError, match="cannot be imported: NameError"):
        find_layer("broken_layers_of_mine:make")


def test_settings_follow_the_data_set():
    assert settings_of("NCI1", {}) == ({}, {"hidden": 64, "num_pools": 2})
    protocol, backbone = settings_of("locality-control", {"epochs": 3, "num_pools": None})
    assert protocol["epochs"] == 3
    assert backbone["num_pools"] == 4


def test_categories_are_embedded():
    graph = DIGITS.graphs[0].clone()
    graph.x = torch.ones(graph.num_nodes, 2).long()
    graph.edge_attr = torch.zeros(graph.num_edges, 1).long()
    benchmark = Benchmark("atoms", [graph] * 4, "binary", 1, None, (3, 5), (2,))
    build_model = standard_model(GraclusPool, {}, benchmark, hidden=8, num_pools=1)
    model = build_model(benchmark.in_channels, 1)
    assert isinstance(model, Backbone)
    assert model(graph).shape == (1, 1)
