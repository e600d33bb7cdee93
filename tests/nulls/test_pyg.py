"""Models and subclasses of PyTorch Geometric's pooling layers: what becomes of them."""

import pytest
import torch
from _helpers.null_layers import HOSTILE, F
from _helpers.nulls import same
from _helpers.pyg_layers import LAYERS, X, layer
from _helpers.soft_oracles import normal
from torch import nn
from torch_geometric.nn import DMoNPooling, GraphUNet, MemPooling

from graphpool_sanity import matched_nulls, randomize


@pytest.mark.parametrize(
    ("kind", "method"), [("Edge", "_merge_edges"), ("Clus", "_merge_edges"), ("ASAP", "forward")]
)
def test_a_subclass_whose_own_method_would_be_lost_is_refused(kind, method):
    name = next(name for name in LAYERS if name.startswith(kind))
    pool = layer(name)
    pool.__class__ = type("Mine", (type(pool),), {method: lambda self, *args: args})
    with pytest.raises(ValueError, match=f"^layer must pool as .* got Mine with a {method} of its"):
        randomize(pool, "shuffle", 0)


class Doubles(DMoNPooling):
    def forward(self, x, adj, mask=None):
        return super().forward(2 * x, adj, mask)


def test_a_subclass_keeps_its_own_methods_beside_those_of_its_null():
    pool, doubles = (kind(F, 3).double() for kind in (DMoNPooling, Doubles))
    doubles.load_state_dict(pool.state_dict())
    null, own = (randomize(module, "shuffle", 0) for module in (pool, doubles))
    x, adj = normal(1, 5, F), torch.ones(1, 5, 5).double()
    assert same(own(x, adj), null(2 * x, adj))


@pytest.mark.parametrize("null", ["random", "shuffle", "none"])
def test_models_that_unpool_take_nulls(null):
    net = randomize(GraphUNet(F, 8, 2, depth=3), null, 0)
    assert net(X, HOSTILE.edge_index, HOSTILE.batch).shape == (HOSTILE.num_nodes, 2)


def test_edges_contracted_twice_take_unsorted_batches():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = layer("EdgePooling"), layer("EdgePooling")

        def forward(self, x, edge_index, batch):
            *out, _ = self.first(x, edge_index, batch)
            return self.second(*out)

    model = Twice()
    assert (model.first(X, HOSTILE.edge_index, HOSTILE.batch)[2].diff() < 0).any()
    for null in matched_nulls(model.first):
        _, edge_index, batch, _ = randomize(model, null, 0)(X, HOSTILE.edge_index, HOSTILE.batch)
        assert torch.equal(batch.unique(), HOSTILE.batch.unique())
        assert torch.equal(*batch[edge_index])


def test_a_memory_layer_with_a_forward_of_its_own_has_no_null():
    class Own(MemPooling):
        def forward(self, x, batch=None, mask=None):
            return super().forward(2 * x, batch, mask)

    with pytest.raises(
        ValueError, match=r"layer must pool as MemPooling .* got Own with a forward"
    ):
        randomize(Own(F, F, 2, 3), "random", 0)
