import copy
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from functools import partial
from threading import Lock

import numpy as np
import pytest
import torch
from _helpers.small_checks import CYCLES, check, graclus
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import TopKPooling, global_mean_pool
from torch_geometric.utils import erdos_renyi_graph
from torchmetrics.classification import MulticlassF1Score

import graphpool_sanity
from graphpool_sanity import (
    ComplementGraclusPool,
    GraclusPool,
    PoolOutput,
    register_null,
    sanity_check,
)
from graphpool_sanity.check.arguments import choose_nulls
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.datasets import locality_control
from graphpool_sanity.nulls import registry
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.protocol import Protocol


def trained(folder):
    return [(r["config"]["variant"], r["config"]["seed"]) for r in Ledger(folder / "ledger.jsonl")]


def test_the_same_null_of_two_layers_scores_the_same():
    report = check(lambda i, o: Backbone(lambda _: ComplementGraclusPool(seed=1), i, o, hidden=8))
    same = check(lambda i, o: Backbone(lambda _: GraclusPool(seed=1), i, o, hidden=8))
    assert report.scores["random"] == same.scores["random"]


def test_the_global_random_state_stays():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    check()
    assert torch.equal(torch.get_rng_state(), before)


def simulate(monkeypatch, layer, null, rng=None, **kwargs):
    """A check whose scores are drawn instead of trained."""
    rng = np.random.default_rng(0) if rng is None else rng
    pairs = rng.normal(layer, 1e-3, 50), rng.normal(null, 1e-3, 50)
    found = {"epochs": 1, "seconds": 1.0, "parameters": 1, "homogeneity": {}, "device": "cpu"}

    def run(self, config, on_epoch):
        test = pairs[config["variant"] != LAYER][config["seed"]]
        return found | {"test": float(test), "versions": {}, "revision": None}

    monkeypatch.setattr(PairedRuns, "__call__", run)
    return check(runs=8, **kwargs)


@pytest.mark.parametrize(
    ("layer", "null", "verdict"),
    [
        (0.90, 0.80, "locality helps"),
        (0.80, 0.80, "null is as good"),
        (0.80, 0.90, "null is better"),
    ],
)
def test_verdicts_on_simulated_scores(monkeypatch, layer, null, verdict):
    report = simulate(monkeypatch, layer, null)
    assert report.verdict == report.comparisons["random"].verdict == verdict
    assert report.comparisons["random"].difference == pytest.approx(layer - null, abs=2e-3)
    assert report.headline.startswith(verdict)


def test_where_less_is_better_differences_turn(monkeypatch):
    graphs = [Data(g.x, g.edge_index, y=g.y.float()) for g in CYCLES.graphs]
    report = simulate(monkeypatch, 0.4, 0.5, dataset=graphs)
    assert (report.metric, report.higher_is_better) == ("mae", False)
    assert report.comparisons["random"].difference == pytest.approx(0.1, abs=2e-3)
    assert report.verdict == "locality helps"
    assert report.differences["random"] == pytest.approx([0.1] * 8, abs=1e-2)


def test_null_against_null_is_rarely_called_different(monkeypatch):
    rng, false = np.random.default_rng(1), 0
    for _ in range(6):
        verdict = simulate(monkeypatch, 0.8, 0.8, rng, margin=1e-4).verdict
        false += verdict in ("locality helps", "null is better")
    assert false <= 1  # of 6 at a level of 5 %: more come with probability 0.033


def test_the_ratio_of_test_to_training_graphs_is_the_splits(monkeypatch):
    found = simulate(monkeypatch, 0.9, 0.8).comparisons["random"]
    here, there = (end - found.difference for end in (found.interval[1], found.beyond[1]))
    assert there == pytest.approx(here * np.sqrt(1 + 8 * 4 / 32))

    official = replace(CYCLES, official_split=CYCLES.split(0))  # which no two runs draw anew
    assert simulate(monkeypatch, 0.9, 0.8, dataset=official).comparisons["random"].beyond is None


def test_a_finished_check_is_not_run_again_and_grows(tmp_path, monkeypatch):
    first = check(out=tmp_path, nulls=["random", "none"])
    assert len(trained(tmp_path)) == 2 * 3
    again = check(out=tmp_path, nulls=["random", "none"])
    assert len(trained(tmp_path)) == 2 * 3
    assert again == first
    check(out=tmp_path, nulls=["random", "none"], runs=3)
    assert sorted(trained(tmp_path)) == sorted(
        (variant, seed) for variant in (LAYER, "random", "none") for seed in range(3)
    )
    check(out=tmp_path, nulls="complement")
    assert len(trained(tmp_path)) == 9 + 2


def test_another_model_data_set_metric_or_protocol_starts_anew(tmp_path):
    check(out=tmp_path)
    wider = partial(Backbone, lambda channels: GraclusPool(), hidden=9)
    check(wider, out=tmp_path)
    check(dataset=locality_control(40, seed=1), out=tmp_path)
    check(out=tmp_path, metric=lambda: MulticlassF1Score(2))
    check(out=tmp_path, metric=lambda: MulticlassF1Score(2, average="micro"))
    check(out=tmp_path, protocol=Protocol(epochs=1))
    assert len(trained(tmp_path)) == 6 * 4


SCRIPT = """
import sys
from dataclasses import replace
from functools import partial
from threading import Lock
from graphpool_sanity import GraclusPool, sanity_check
from graphpool_sanity.datasets import locality_control
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.training.protocol import Protocol
from graphpool_sanity.nulls import registry

build_model = partial(Backbone, lambda channels: GraclusPool(), hidden=8)
protocol = Protocol(epochs=2, batch_size=16)
sanity_check(build_model, locality_control(40), "random", 200, max_runs=200,
             protocol=protocol, out=sys.argv[1])
"""


def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], stderr=subprocess.DEVNULL
    )
    ledger, deadline = tmp_path / "ledger.jsonl", time.monotonic() + 120
    while not (ledger.exists() and ledger.read_bytes().count(b"\n") >= 3):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    held = len(trained(tmp_path))
    assert 3 <= held < 400
    runs = held // 2 + 3
    report = check(out=tmp_path, runs=runs)
    configs = trained(tmp_path)
    assert len(configs) == len(set(configs)) == 2 * runs
    assert report.seeds == list(range(runs))


def test_several_jobs_take_what_only_lives_here():
    width = 8
    alone = check()

    def build_model(in_channels, out_channels):
        return Backbone(lambda channels: GraclusPool(), in_channels, out_channels, hidden=width)

    together = check(build_model, n_jobs=2)
    assert together.scores == alone.scores
    assert check(lambda i, o: build_model(i, o), n_jobs=2).scores == alone.scores


def test_auto_is_the_first_null_and_none():
    assert list(check(nulls="auto").comparisons) == ["complement", "none"]
    assert list(check(nulls=("none", "shuffle", "none")).comparisons) == ["none", "shuffle"]
    assert choose_nulls(graclus(2, 2), "all") == ["complement", "random", "shuffle", "none"]


def test_a_metric_of_the_users_own():
    report = check(metric=lambda: MulticlassF1Score(2, average="macro"))
    assert (report.metric, report.higher_is_better) == ("MulticlassF1Score", True)


def test_a_metric_by_its_name_and_weights_of_classes(tmp_path):
    check(out=tmp_path)
    report = check(metric="f1", class_weights="balanced", out=tmp_path)
    assert (report.metric, report.higher_is_better) == ("f1", True)
    assert "the loss with class weights balanced" in report.methods
    assert len(list(Ledger(tmp_path / "ledger.jsonl"))) == 8  # another check than the first
    with pytest.raises(ValueError, match="did you mean 'auroc'"):
        check(metric="aurocs")


def test_several_targets_some_missing_of_nodes_without_features():
    graphs = []
    for i in range(60):
        edges = erdos_renyi_graph(8 + i % 4, 0.2 + 0.05 * (i % 5))
        y = torch.tensor([i % 5 > 2, i % 3 > 1, float("nan") if i % 4 == 0 else i % 2])
        graphs.append(Data(edge_index=edges, y=y.view(1, 3), num_nodes=8 + i % 4))
    report = check(graclus, graphs, features="degree")
    assert (report.metric, report.dataset["targets"]) == ("auroc", 3)
    assert all(0 <= score <= 1 for score in report.scores["layer"])
    assert report.comparisons["random"].margin == 0.02
    assert "binary with 3 targets, nodes without features of their own given their degree" in (
        report.methods
    )


def test_the_report_tells_what_else_was_measured():
    report = check(nulls="none")
    stages = [f"{when} pools.{i}" for i in (0, 1) for when in ("before", "after")]
    assert list(report.homogeneity) == [LAYER, "none"]
    assert all(list(own) == stages for own in report.homogeneity.values())
    assert all(0 <= share <= 1 for own in report.homogeneity.values() for share in own.values())
    assert report.homogeneity["none"]["before pools.0"] == pytest.approx(
        report.homogeneity["none"]["after pools.0"]
    )
    assert report.invariance["none"] == {"permutation": "holds", "batch": "holds"}
    assert "differs by" in report.invariance[LAYER]["permutation"]  # Graclus is not invariant
    assert report.invariance[LAYER]["batch"] == "holds"
    assert report.cost[LAYER]["parameters"] == sum(p.numel() for p in graclus(2, 2).parameters())
    assert report.dataset["train"] == 32


def test_it_is_public():
    assert graphpool_sanity.sanity_check is sanity_check
    assert graphpool_sanity.SanityReport.__name__ == "SanityReport"
    assert {"sanity_check", "SanityReport"} <= set(graphpool_sanity.__all__)
    assert {"sanity_check", "SanityReport"} <= set(dir(graphpool_sanity))
    with pytest.raises(AttributeError, match="has no attribute 'nix'"):
        graphpool_sanity.nix  # noqa: B018


def test_another_official_split_is_another_check(tmp_path):
    for first in (0, 8):
        parts = torch.arange(40).roll(first).split([32, 4, 4])
        report = check(dataset=replace(CYCLES, official_split=parts), out=tmp_path)
        assert len(report.records) == 4
    assert len(trained(tmp_path)) == 8


def test_a_model_that_fails_on_a_graph_alone_still_gets_its_report():
    class Fussy(nn.Module):
        def __init__(self, in_channels, out_channels):
            super().__init__()
            self.net = graclus(in_channels, out_channels)

        def forward(self, data):
            if data.num_graphs == 1:
                raise TypeError("one graph is no batch")
            return self.net(data)

    report = check(Fussy)
    assert report.invariance["layer"]["batch"] == "not measured: TypeError: one graph is no batch"


OWN_LAYER = """
import sys
import torch
from torch import nn
from torch_geometric.nn import TopKPooling, global_mean_pool
from graphpool_sanity import register_null, sanity_check
from graphpool_sanity.datasets import locality_control
from graphpool_sanity.training.protocol import Protocol
from graphpool_sanity.nulls import registry

class EveryOther(nn.Module):
    def forward(self, x, batch):
        return x[::2], batch[::2]

class ByChance(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, x, batch):
        keep = torch.randperm(len(x), generator=self.generator)[::2].sort().values
        return x[keep], batch[keep]

@register_null(EveryOther, "random")
def _(layer, seed):
    return ByChance(seed)

class Net(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.pool, self.lin = EveryOther(), nn.Linear(in_channels, out_channels)

    def forward(self, data):
        x, batch = self.pool(data.x, data.batch)
        return global_mean_pool(self.lin(x), batch, data.num_graphs)

protocol = Protocol(epochs=1, batch_size=16)
report = sanity_check(
    Net, locality_control(40), "random", 2, max_runs=2, protocol=protocol, n_jobs=2, out=sys.argv[1]
)
print(sorted(report.scores))
"""


@pytest.mark.long
def test_several_jobs_know_the_nulls_of_a_script(tmp_path):
    """Workers do not run the script that named them."""
    process = subprocess.run(
        [sys.executable, "-c", OWN_LAYER, str(tmp_path)], capture_output=True, text=True
    )
    assert process.stdout == "['layer', 'random']\n", process.stderr


def test_another_null_by_the_same_name_starts_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_NULLS", {k: dict(v) for k, v in registry._NULLS.items()})
    check(out=tmp_path)
    for kind in (ComplementGraclusPool, GraclusPool):
        register_null(GraclusPool, "random")(lambda layer, seed, kind=kind: kind(seed=seed))
        check(out=tmp_path)
        check(out=tmp_path)
    variants = [variant for variant, _ in trained(tmp_path)]
    assert sorted(variants) == [LAYER] * 2 + ["random"] * 6


def test_the_cost_of_an_epoch_is_that_of_the_fastest_run(monkeypatch):
    def run(self, config, on_epoch):
        seconds = [4.0, 1.0, 9.0][config["seed"]]
        return {
            "test": 0.5 + 0.1 * config["seed"], "epochs": 2, "seconds": seconds, "parameters": 1,
            "homogeneity": {}, "device": "cpu", "versions": {}, "revision": None,
        }  # fmt: skip

    monkeypatch.setattr(PairedRuns, "__call__", run)
    cost = check(runs=3).cost[LAYER]
    assert cost["seconds_per_epoch"] == 0.5
    assert cost["seconds"] == 14.0


class WithLock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.net, self.lock = graclus(in_channels, out_channels), Lock()

    def forward(self, data):
        return self.net(data)

    def __deepcopy__(self, memo):
        copied = WithLock(2, 2)
        copied.net = copy.deepcopy(self.net, memo)
        return copied


def jittered(graph):
    graph.x = graph.x + 0.01 * torch.rand_like(graph.x)
    return graph


def test_what_is_never_known_again_is_said_once_and_trained_anew(tmp_path):
    drawn = copy.copy(CYCLES.graphs)
    drawn.transform = jittered
    for build_model, data, words in [(WithLock, CYCLES, "tell one"), (graclus, drawn, "anew")]:
        out = tmp_path / words
        for calls in (1, 2):
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", UserWarning)
                check(build_model, data, ["random", "none"], out=out)
            assert [words in str(warning.message) for warning in said] == [True]
            assert len(list(Ledger(out / "ledger.jsonl"))) == calls * 6


class Odd(nn.Module):
    """Returns what no reader knows."""

    def __init__(self):
        super().__init__()
        self.select = GraclusPool(seed=0)

    def forward(self, x, edge_index, batch):
        out = self.select(x, edge_index, batch=batch)
        return "pooled", (out.x.t(), out.batch)


class OddNet(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.lin, self.pool = nn.Linear(in_channels, out_channels), Odd()

    def forward(self, data):
        _, (x, batch) = self.pool(data.x, data.edge_index, data.batch)
        return global_mean_pool(self.lin(x.t()), batch, data.num_graphs)


def test_a_layer_whose_output_cannot_be_read_is_checked_all_the_same(monkeypatch):
    monkeypatch.setattr(registry, "_NULLS", {k: dict(v) for k, v in registry._NULLS.items()})
    register_null(Odd, "none")(registry.exchange("select", lambda own, seed: Unpaired()))
    report = check(OddNet, nulls="none", layers="pool")
    assert report.ties == {}
    assert report.homogeneity == {LAYER: {}, "none": {}}


class Unpaired(nn.Module):
    def forward(self, x, edge_index, batch):
        return PoolOutput(x, edge_index, None, batch, torch.arange(len(x)))


class ByIndex(TopKPooling):
    """It ranks the nodes by their index."""

    def forward(self, x, edge_index, edge_attr=None, batch=None, attn=None):
        index = torch.arange(len(x), dtype=x.dtype).view(-1, 1).expand_as(x)
        return super().forward(x, edge_index, edge_attr, batch, index)


def test_a_layer_that_ranks_by_index_has_it_in_the_headline():
    report = check(lambda i, o: Backbone(ByIndex, i, o, hidden=8))
    fault = report.invariance["layer"]["permutation"]
    assert "differ" in fault
    assert f"The layer depends on more than the graph: renumbered, {fault}" in report.headline
