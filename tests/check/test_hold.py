"""A null that does not take hold in its model is refused before anything runs."""

import pytest
from _helpers.small_checks import CYCLES, check, graclus
from torch import nn
from torch_geometric.nn import TopKPooling, global_mean_pool

from graphpool_sanity import GraclusPool


class FirstNodes(TopKPooling):
    """Keeps the first nodes, whatever ``select`` says."""

    def forward(self, x, edge_index, batch):
        keep = batch.diff(prepend=batch.new_tensor([-1])) > 0
        return x[keep], batch[keep]


class Keeps(nn.Module):
    def __init__(self, in_channels, out_channels, pool):
        super().__init__()
        self.lin, self.pool = nn.Linear(in_channels, out_channels), pool

    def forward(self, data):
        x, batch = self.pool(data.x, data.edge_index, data.batch)
        return global_mean_pool(self.lin(x), batch)


class Twice(nn.Module):
    """Has a second pooling layer that it never calls."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.net, self.spare = graclus(in_channels, out_channels), GraclusPool()

    def forward(self, data):
        return self.net(data)


@pytest.mark.parametrize(
    ("build_model", "name"),
    [(lambda i, o: Keeps(i, o, FirstNodes(i)), "pool"), (Twice, "spare")],
)
@pytest.mark.parametrize("null", ["random", "shuffle", "none"])
def test_a_selection_that_the_model_never_asks_is_named(build_model, name, null):
    message = (
        f"build_model: the null {null!r} of {name} is never asked on a batch of 8 graphs of "
        "locality-control"
    )
    with pytest.raises(ValueError, match=message):
        check(build_model, CYCLES, null)
