import warnings

import pytest
import torch
from _helpers.any_layers import OURS, PAN, PYG, TGP, K
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import global_mean_pool

from graphpool_sanity import GraclusPool, MemoryPool, MinCutPool, register_null
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.sight import BLIND, bite, bites
from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.nulls import matched_nulls, registry

DIGITS = load_dataset("digits")
BATCH = Batch.from_data_list([DIGITS.graphs[i] for i in range(16)])


# "nopool" has nothing to be seen; two layers of one eigenvector or of a factorisation return
# padded matrices that they do not take.
ONCE = ("eigen", "nmf")
# These start where the layer does, and bite once its weights have moved.
LATE = {("mem", "shuffle"), ("pan", "frozen")}
LAYERS = {
    name: make
    for name, make in (OURS | PYG | PAN | TGP).items()
    if name != "nopool" and not name.startswith("random")
}


@pytest.mark.parametrize("pools", [1, 2, 3])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore")
def test_the_backbone_sees_every_known_layer_with_every_null(name, pools):
    if name in ONCE and pools > 1:
        pytest.skip("does not take what it returns")
    torch.manual_seed(0)
    model = Backbone(LAYERS[name], 3, 10, hidden=64, num_pools=pools)
    nulls = [null for null in matched_nulls(model.pools[0]) if null != "none"]
    if next(model.pools[0].parameters(), None) is None and "frozen" in nulls:
        nulls.remove("frozen")
    found = bites(model, nulls, 0, BATCH)
    late = [null for null, size in found.items() if size < BLIND]
    assert {(name, null) for null in late} <= LATE
    assert max(found.values()) > 10 * BLIND


class Blind(nn.Module):
    """The first backbone's end: a mean right behind the last pool."""

    def __init__(self, pool, padded=True):
        super().__init__()
        self.pool, self.padded = pool, padded
        self.lin = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 10))

    def forward(self, data):
        if self.padded:
            return self.lin(self.pool(data.x, data.edge_index, batch=data.batch)[0].mean(1))
        out = self.pool(data.x, data.batch)[0]
        return self.lin(out.mean(1))


@pytest.mark.parametrize(
    ("model", "null"),
    [
        (Blind(MinCutPool(3, K)), "random"),
        (Blind(MinCutPool(3, K)), "frozen"),
        (Blind(MemoryPool(3, 3, 2, K), padded=False), "shuffle"),
    ],
)
def test_a_network_that_cannot_see_its_pooling_is_refused(model, null):
    with pytest.raises(ValueError, match=r"build_model: the network cannot see its pooling: .* by"):
        bites(model, [null], 0, BATCH)


def test_a_null_that_changes_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "_NULLS", {k: dict(v) for k, v in registry._NULLS.items()})

    class Mine(GraclusPool):
        pass

    register_null(Mine, "itself")(lambda layer, seed: layer)
    model = Backbone(lambda c: Mine(), 3, 10, hidden=8)
    with pytest.raises(ValueError, match=r"nulls: 'itself' changes nothing: .* to 0e"):
        bites(model, ["itself", "random"], 0, BATCH)

    class Learned(MinCutPool):
        pass

    register_null(Learned, "itself")(lambda layer, seed: layer)
    model = Backbone(lambda c: Learned(c, K), 3, 10, hidden=8)
    with pytest.raises(ValueError, match="nulls: 'itself' changes nothing"):
        bites(model, ["itself"], 0, BATCH)


def test_a_layer_that_starts_with_uniform_assignments_passes():
    """What it will choose shows once its weights have moved."""
    torch.manual_seed(0)
    model = Backbone(lambda c: MemoryPool(c, c, 5, K), 3, 10, num_pools=1)
    with torch.no_grad():
        model.pools[0].k.mul_(1e-3)
    assert 0 < bites(model, ["shuffle"], 0, BATCH)["shuffle"] < BLIND


class Sum(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, data):
        return self.factor * global_mean_pool(data.x, data.batch)


def test_a_bite_of_one_is_as_much_as_another_graph():
    assert bite(Sum(1), Sum(1), BATCH) == 0
    means = global_mean_pool(BATCH.x, BATCH.batch).double()
    spread = (means - means.mean(0)).norm()
    assert bite(Sum(1), Sum(3), BATCH) == pytest.approx(float(2 * means.norm() / spread), rel=1e-5)
    assert bite(Sum(0), Sum(0), BATCH) == 0


def test_models_are_left_as_they_were():
    model = Backbone(lambda c: MinCutPool(c, K), 3, 10, hidden=8)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bites(model, ["random", "shuffle"], 0, BATCH)
    torch.testing.assert_close(model.state_dict(), before)
    assert model.training
    assert torch.equal(state, torch.get_rng_state())
