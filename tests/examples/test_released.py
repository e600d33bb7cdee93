"""The released code's ways, tried one by one: each model differs from ours in nothing else."""

import math

import pytest
import reproduce_released as script
import torch
from torch_geometric.data import Batch

from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.reproduce.command import settings_of
from graphpool_sanity.reproduce.contrasts import contrasts

DIGITS = load_dataset("digits")
ROWS = {row.label: row for row in script.RELEASED.rows}


def built(label):
    row = ROWS[label]
    config = settings_of(row.experiment, "digits", row.settings)
    torch.manual_seed(0)
    return row.experiment.build(config | {"variant": row.variant, "seed": 0}, DIGITS)


@pytest.mark.parametrize(
    ("ours", "aligned"), [(a, row.label) for a, rows in script.ALIGNED.items() for row in rows]
)
def test_both_begin_with_equal_weights_wherever_they_share_them(ours, aligned):
    first, second = built(ours), built(aligned)
    own, other = dict(first.named_parameters()), dict(second.named_parameters())
    shared = [n for n in own if n in other and own[n].shape == other[n].shape]
    assert {n.split(".")[0] for n in shared} >= {"first", "mlp"}
    assert all(torch.equal(own[n], other[n]) for n in shared)
    batch = Batch.from_data_list(DIGITS.graphs[:5])
    outputs = [net.eval()(batch)[0] for net in (first, second)]
    assert torch.equal(*outputs) == (aligned == "clipped at 2")


def test_the_last_convolution_of_a_group_has_no_residual():
    sages = script.Sages(4, 4, 4).eval()
    x, adj = torch.randn(1, 3, 4), torch.ones(1, 3, 3)
    with torch.no_grad():
        first = x + sages.norms[0](sages.convs[0](x, adj).relu()[0])[None]
        last = sages.convs[1](first, adj)
        assert torch.equal(sages(x, adj), first + last)
        sages.residual_after_last = False
        assert torch.equal(sages(x, adj), last)


def test_every_group_of_diffpool_is_aligned():
    groups = [m for m in built("no last residual").modules() if isinstance(m, script.Sages)]
    assert len(groups) == 3  # in the pool, beside it and after it
    assert not any(group.residual_after_last for group in groups)


@pytest.mark.parametrize(
    ("label", "signed", "normalised"),
    [
        ("DiffPool", False, False),
        ("no first ReLU", True, False),
        ("first normalised", False, True),
    ],
)
def test_the_first_convolution_is_signed_or_normalised(label, signed, normalised):
    net, batch = built(label), Batch.from_data_list(DIGITS.graphs[:5])
    seen, convolved = [], []
    net.embed[0].register_forward_pre_hook(lambda _, args: seen.append(args))
    net.first.register_forward_hook(lambda *args: convolved.append(args[2]))
    net(batch)
    (x, _, mask), *_ = seen
    assert (x[mask] < 0).any() == signed
    ones = torch.ones(len(batch.x))
    assert torch.allclose(convolved[0].norm(dim=-1), ones) == normalised


@pytest.mark.parametrize(("label", "signed"), [("MinCutPool", False), ("no last ReLU", True)])
def test_what_mincut_reads_out_is_signed_without_a_last_relu(label, signed):
    net, seen = built(label), []
    net.mlp.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    net(Batch.from_data_list(DIGITS.graphs[:5]))
    assert (seen[0] < 0).any() == signed


def test_clusters_begin_at_half_of_the_largest_graph():
    largest = max(graph.num_nodes for graph in DIGITS.graphs)
    pools = built("largest graph's clusters").pools
    assert [p.select.network.out_features for p in pools] == [
        math.ceil(largest / 2),
        math.ceil(largest / 4),
    ]


def test_each_is_compared_with_ours():
    runs = {seed: {"test": 0.5} for seed in range(5)}
    found = {"NCI1": {row.label: runs for row in script.RELEASED.rows}}
    pairs = [(ROWS[a], ROWS[b]) for a, b in script.RELEASED.pairs]
    assert [(c.first, c.second) for c in contrasts(pairs, found)] == [
        ("DiffPool", "no last residual"),
        ("DiffPool", "no first ReLU"),
        ("DiffPool", "first normalised"),
        ("MinCutPool", "clipped at 2"),
        ("MinCutPool", "no last ReLU"),
        ("MinCutPool", "largest graph's clusters"),
        ("N-MinCutPool", "U-MinCutPool"),
    ]
