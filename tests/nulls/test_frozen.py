import pytest
import torch
from torch import nn
from torch_geometric.nn import DenseSAGEConv

from graphpool_sanity.nulls.frozen import Frozen, untrained


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))


class Careful(Bare):
    def reset_parameters(self):
        nn.init.normal_(self.weight)


class Forgetful(Careful):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))


NETWORKS = {
    "linear": lambda: nn.Linear(3, 2),
    "sequence": lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)),
    "graph": lambda: DenseSAGEConv(3, 2),
    "own": Careful,
    "nothing to draw": nn.ReLU,
}


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
def test_parameters_are_drawn_anew_from_the_seed_alone(build):
    torch.manual_seed(2)  # which is none of those below
    network = build()
    before = [p.clone() for p in network.parameters()]
    state = torch.get_rng_state()
    drawn = [list(untrained(network, seed).parameters()) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), state)
    for mine, first, again in zip(before, *drawn[:2], strict=True):
        assert torch.equal(first, again)
        assert first.isfinite().all()
        assert first.shape == mine.shape
    if before:
        assert not all(map(torch.equal, drawn[0], drawn[2]))
        assert not all(map(torch.equal, drawn[0], before))
    assert all(map(torch.equal, network.parameters(), before))


def test_what_training_taught_a_normalisation_is_forgotten():
    norm = nn.BatchNorm1d(3)
    norm(torch.randn(9, 3) + 5)
    assert norm.running_mean.abs().min() > 0
    assert torch.equal(untrained(norm, 0).running_mean, torch.zeros(3))


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (Bare(), "weight of Bare"),
        (Forgetful(), "scale of Forgetful"),
        (nn.Sequential(nn.Linear(3, 2), Bare()), r"1\.weight of Sequential"),
    ],
)
def test_parameters_that_nobody_draws_are_named(network, name):
    with pytest.raises(ValueError, match=rf"reset_parameters\(\), got {name}, which none sets"):
        untrained(network, 0)


def test_no_gradient_passes_to_parameters_or_input():
    linear, x = nn.Linear(3, 2), torch.randn(4, 3, requires_grad=True)
    out = Frozen(linear)(x)
    assert torch.equal(out, linear(x))
    assert not out.requires_grad
    assert not any(p.requires_grad for p in linear.parameters())
    assert torch.is_grad_enabled()


def test_a_reset_draws_other_parameters_and_keeps_them_frozen():
    frozen = Frozen(nn.Linear(3, 2))
    before = frozen.select.weight.clone()
    frozen.reset_parameters()
    assert not torch.equal(frozen.select.weight, before)
    assert not frozen.select.weight.requires_grad
