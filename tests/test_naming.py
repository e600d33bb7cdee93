import pytest
from torch import nn
from torch_geometric.nn import SAGPooling
from torch_geometric.nn.aggr import MeanAggregation

from graphpool_sanity import GraclusPool
from graphpool_sanity.naming import calls_itself_pooling


class MeanPool(MeanAggregation):
    pass


class PoolNet(nn.Module):
    pass


@pytest.mark.parametrize(
    ("module", "pools"),
    [
        (GraclusPool(), True),
        (SAGPooling(4), True),
        (nn.MaxPool1d(2), False),
        (MeanPool(), False),
        (PoolNet(), False),
    ],
)
def test_what_calls_itself_pooling(module, pools):
    assert calls_itself_pooling(module) is pools
