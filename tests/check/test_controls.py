"""The three controls, in small: checks whose answers are known in advance."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from graphpool_sanity import Backbone, ComplementGraclusPool, GraclusPool, sanity_check
from graphpool_sanity.datasets import locality_control
from graphpool_sanity.training.protocol import Protocol

MARGIN = 0.2
"""Models that learn the cycles are right on nearly all of them, others on half."""


def small_control():
    """Enough graphs to learn from, and to test with."""
    order = torch.arange(600)
    return replace(locality_control(600), official_split=order.split([320, 40, 240]))


def check(kind, nulls, folder):
    return sanity_check(
        partial(Backbone, lambda channels: kind(), hidden=32, num_pools=4),
        small_control(),
        nulls,
        runs=5,
        margin=MARGIN,
        max_runs=5,
        protocol=Protocol(epochs=8, batch_size=16, learning_rate=3e-3),
        seed=100,
        n_jobs=1,
        out=folder,
        name=kind.__name__,
    )


@pytest.mark.long
def test_where_locality_helps_it_is_found(tmp_path):
    report = check(GraclusPool, "complement", tmp_path)
    assert report.verdict == "locality helps"
    assert report.comparisons["complement"].difference > 0.3


@pytest.mark.long
def test_where_the_null_is_better_or_as_good_it_is_found(tmp_path):
    report = check(ComplementGraclusPool, ["local", "random"], tmp_path)
    found = report.comparisons
    assert found["local"].verdict == "null is better"
    assert found["local"].difference < -0.3
    assert found["random"].verdict == "null is as good"
