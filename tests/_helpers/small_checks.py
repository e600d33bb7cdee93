"""A check small enough for tests."""

from torch_geometric.nn import TopKPooling

from graphpool_sanity import GraclusPool, sanity_check
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.datasets import locality_control
from graphpool_sanity.training.protocol import Protocol

CYCLES = locality_control(40)
QUICK = Protocol(epochs=2, batch_size=16)


def graclus(in_channels, out_channels):
    return Backbone(lambda channels: GraclusPool(), in_channels, out_channels, hidden=8)


def topk(in_channels, out_channels):
    return Backbone(TopKPooling, in_channels, out_channels, hidden=8)


def check(build_model=graclus, dataset=CYCLES, nulls="random", runs=2, **kwargs):
    kwargs = {"protocol": QUICK, "device": "cpu", "max_runs": runs} | kwargs
    return sanity_check(build_model, dataset, nulls, runs, **kwargs)
