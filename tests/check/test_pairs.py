import random

import numpy as np
import pytest
import torch
from _helpers.small_checks import CYCLES, QUICK, check, graclus, topk
from torch import nn
from torch_geometric.nn import GraphConv, global_mean_pool

from graphpool_sanity import GraclusPool
from graphpool_sanity.check.arguments import choose_nulls
from graphpool_sanity.check.pairs import LAYER, PairedRuns


class Noisy(nn.Module):
    """Dropout before pooling, and after it, where its masks depend on how many clusters there are.

    What each pass saw is kept: targets and the first mask.
    """

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.before, self.after = GraphConv(in_channels, 8), GraphConv(8, out_channels)
        self.drop = nn.Dropout(0.5)
        self.pool = GraclusPool()

    def forward(self, data):
        mask = self.drop(torch.ones(data.num_nodes, 8))
        if self.training:
            seen.append((data.y.tolist(), mask))
        x = self.before(data.x, data.edge_index).relu() * mask
        x, edge_index, _, batch, _ = self.pool(x, data.edge_index, batch=data.batch)
        return global_mean_pool(self.after(self.drop(x), edge_index), batch)


seen = []


def test_pairs_see_the_same_batches_and_the_same_dropout_in_every_pass():
    pairs, passes = PairedRuns(Noisy, CYCLES, QUICK, device="cpu"), {}
    for variant in (LAYER, "complement", "none"):
        seen.clear()
        pairs({"variant": variant, "seed": 3}, None)
        passes[variant] = list(seen)
    assert len(passes[LAYER]) == 2 * 2  # epochs and batches
    for null in ("complement", "none"):
        for (y, mask), (other_y, other_mask) in zip(passes[LAYER], passes[null], strict=True):
            assert y == other_y
            assert torch.equal(mask, other_mask)
    masks = [mask for _, mask in passes[LAYER]]
    assert not torch.equal(masks[0], masks[2][: len(masks[0])])


@pytest.mark.parametrize("build_model", [graclus, topk, Noisy])
def test_pairs_start_from_the_same_weights_and_swapping_moves_nothing(build_model):
    pairs = PairedRuns(build_model, CYCLES, QUICK)
    before = torch.get_rng_state()
    layer = pairs.build_seeded(LAYER, 5)
    for null in choose_nulls(layer, "all"):
        other = pairs.build_seeded(null, 5).state_dict()
        own = layer.state_dict()
        shared = [key for key in own if key in other and not key.endswith("seed")]
        assert len(shared) >= 6
        if null != "frozen":  # whose selector is drawn anew, and never trained
            assert all(torch.equal(own[key], other[key]) for key in shared)
    assert torch.equal(torch.get_rng_state(), before)
    again = pairs.build_seeded(LAYER, 6).state_dict()
    assert not torch.equal(again[shared[0]], layer.state_dict()[shared[0]])


def test_pairs_have_the_same_split_and_every_seed_its_own():
    parts = []

    class Recording(type(CYCLES)):
        def split(self, seed):
            found = super().split(seed)
            parts.append((seed, found[2].tolist()))
            return found

    check(dataset=Recording("cycles", CYCLES.graphs, "classification", 2), runs=3)
    tests = {seed: {tuple(test) for s, test in parts if s == seed} for seed in range(3)}
    assert all(len(splits) == 1 for splits in tests.values())
    assert len(set.union(*tests.values())) == 3


class Lazy(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv, self.pool = GraphConv(-1, 8), GraclusPool()
        self.norm, self.lin = nn.LazyBatchNorm1d(), nn.LazyLinear(out_channels)

    def forward(self, data):
        x = self.norm(self.conv(data.x, data.edge_index)).relu()
        x, _, _, batch, _ = self.pool(x, data.edge_index, batch=data.batch)
        return self.lin(global_mean_pool(x, batch))


def test_pairs_of_layers_that_read_their_sizes_off_the_data_start_from_the_same_weights():
    pairs = PairedRuns(Lazy, CYCLES, QUICK)
    layer, null = (pairs.build_seeded(variant, 0).state_dict() for variant in (LAYER, "random"))
    assert layer["conv.lin_rel.weight"].shape == (8, 2)
    shared = [key for key in layer if not key.endswith("seed")]
    assert all(torch.equal(layer[key], null[key]) for key in shared)
    assert layer["norm.num_batches_tracked"] == 0
    assert set(check(Lazy).scores) == {"layer", "random"}


class DrawsElsewhere(nn.Module):
    """Draws from NumPy's and Python's random states, when built and when run."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.lin, self.pool = nn.Linear(in_channels, out_channels), GraclusPool()
        self.lin.weight.data.fill_(np.random.rand() + random.random())

    def forward(self, data):
        if self.training:
            seen.append((np.random.rand(), random.random(), float(torch.rand(()))))
        x, _, _, batch, _ = self.pool(data.x, data.edge_index, batch=data.batch)
        return global_mean_pool(self.lin(x), batch)


def test_pairs_draw_the_same_from_numpy_and_python():
    pairs, passes = PairedRuns(DrawsElsewhere, CYCLES, QUICK, device="cpu"), {}
    for variant, seed in ((LAYER, 3), ("random", 3), (LAYER, 4)):
        np.random.rand(), random.random()
        seen.clear()
        pairs({"variant": variant, "seed": seed}, None)
        passes[variant, seed] = list(seen)
    assert passes[LAYER, 3] == passes["random", 3] != passes[LAYER, 4]
    assert len(set(passes[LAYER, 3])) == len(passes[LAYER, 3])
    built = [pairs.build_seeded(variant, 3).lin.weight[0, 0] for variant in (LAYER, "random")]
    assert built[0] == built[1]


def test_a_run_leaves_numpys_and_pythons_states_alone():
    before = np.random.get_state()[1].tolist(), random.getstate()
    PairedRuns(DrawsElsewhere, CYCLES, QUICK, device="cpu")({"variant": LAYER, "seed": 0}, None)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before
