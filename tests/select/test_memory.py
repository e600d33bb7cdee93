import pytest
import torch
from _helpers.soft_oracles import normal
from hypothesis import given
from hypothesis import strategies as st

from graphpool_sanity.graphs.nodes import read_nodes
from graphpool_sanity.select.memory import KeyDistance, StudentT

H, K, F = 2, 3, 4
SELECTORS = {"t": StudentT(1.0), "t with tau 2.5": StudentT(2.5), "distance": KeyDistance()}
every = pytest.mark.parametrize("select", SELECTORS.values(), ids=SELECTORS)
seeds = st.integers(0, 999)


def distances(x, keys):
    """[n, H, K], without expanding the square."""
    return (x[:, None, None] - keys).norm(dim=-1)


def shares(x, keys, tau):
    """Equation (7), word by word."""
    t = (1 + distances(x, keys) ** 2 / tau) ** (-(tau + 1) / 2)
    return t / t.sum(-1, keepdim=True)


def by_definition(select, x, keys, weight):
    scores = shares(x, keys, select.tau) if isinstance(select, StudentT) else distances(x, keys)
    return torch.einsum("nhk,h->nk", scores, weight).softmax(-1)


def memory(n, seed=0, scale=1.0):
    """Queries, keys and weights of heads that require gradients."""
    shapes = ((n, F), (H, K, F), (H,))
    parts = [scale * normal(*shape, seed=seed + i) for i, shape in enumerate(shapes)]
    return [part.requires_grad_() for part in parts]


def selected(select, x, keys, weight):
    return select(read_nodes(x), keys, weight)


@every
@given(n=st.integers(1, 9), seed=seeds)
def test_values_and_gradients_by_definition(select, n, seed):
    inputs, results = memory(n, seed), []
    for assign in (by_definition, selected):
        s = assign(select, *inputs)
        results.append((s, *torch.autograd.grad((s * normal(n, K, seed=7)).sum(), inputs)))
    torch.testing.assert_close(results[1], results[0], atol=1e-10, rtol=1e-8)


@every
def test_gradients_are_those_of_finite_differences(select):
    inputs = memory(5)
    assert torch.autograd.gradcheck(lambda *inputs: selected(select, *inputs), inputs)
    assert torch.autograd.gradgradcheck(lambda *inputs: selected(select, *inputs), inputs)


def test_at_a_key_the_distance_is_zero_and_pulls_nowhere():
    keys = torch.tensor([[[0.0, 0.0], [3.0, 4.0]]]).requires_grad_()
    x = torch.zeros(1, 2).requires_grad_()
    scores = KeyDistance().score(x, keys)
    assert scores.flatten().tolist() == pytest.approx([0, 5], abs=1e-18)
    to_x, to_keys = torch.autograd.grad(scores.sum(), (x, keys))
    torch.testing.assert_close(to_x, torch.tensor([[-0.6, -0.8]]))
    torch.testing.assert_close(to_keys, torch.tensor([[[0.0, 0.0], [0.6, 0.8]]]))


@pytest.mark.parametrize("tau", [1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_shares_stay_finite_however_far_the_keys_are(tau, scale):
    x, keys, _ = (part.detach().float() for part in memory(9, scale=scale))
    x.requires_grad_()
    s = selected(StudentT(tau), x, keys, torch.ones(H))
    s.square().sum().backward()
    assert s.isfinite().all()
    assert x.grad.isfinite().all()
    torch.testing.assert_close(s.sum(1), torch.ones(9))
    exact = selected(StudentT(tau), x.double(), keys.double(), torch.ones(H).double())
    torch.testing.assert_close(s, exact.float(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("tau", [1e-3, 1.0])
def test_a_node_on_a_far_key_belongs_to_it_whatever_rounding_does(tau):
    keys = 1e3 * normal(1, 50, F, dtype=torch.float)
    s = selected(StudentT(tau), keys[0], keys, torch.full((1,), 9.0))
    assert s.isfinite().all()
    assert torch.equal(s.argmax(1), torch.arange(50))


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_distances_are_as_exact_as_those_of_cdist(dtype, offset):
    x, keys = normal(500, 64) + offset, 10 * torch.rand(1, 30, 64).double()
    exact = distances(x, keys)[:, 0].T
    low_x, low_keys = x.to(dtype), keys.to(dtype)
    ours = KeyDistance().score(low_x, low_keys)[0]
    theirs = torch.cdist(low_keys[0], low_x)
    error, allowed = ((d.double() - exact).abs().max() for d in (ours, theirs))
    assert error <= 2 * allowed + 4 * torch.finfo(dtype).eps * exact.max()


@every
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_half_precision_does_not_overflow(select, dtype):
    x, keys, weight = (part.detach().to(dtype) for part in memory(9, scale=200.0))
    s = selected(select, x, keys, weight / 1000)
    exact = by_definition(select, x.double(), keys.double(), weight.double() / 1000)
    assert s.dtype == dtype
    torch.testing.assert_close(s.double(), exact, atol=0.02, rtol=0.02)


@every
def test_autocast_leaves_the_distances_exact(select):
    x, keys, weight = (part.detach().float() for part in memory(9))
    with torch.autocast("cpu", torch.bfloat16):
        s = selected(select, x, keys, weight)
    assert torch.equal(s, selected(select, x, keys, weight))


@every
def test_no_nodes_have_no_rows(select):
    assert selected(select, *memory(0)).shape == (0, K)


@pytest.mark.parametrize("tau", [0, -1.0, float("nan")])
def test_tau_must_be_positive(tau):
    with pytest.raises(ValueError, match="tau must be positive and finite, got"):
        StudentT(tau)


def test_repr_shows_the_temperature():
    assert repr(StudentT(2.0)) == "StudentT(tau=2.0)"
