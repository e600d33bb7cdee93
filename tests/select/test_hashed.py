import copy
import pickle

import numpy as np
import pytest
import torch
from _helpers.soft_oracles import dense, normal
from _helpers.strategies import batches
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from graphpool_sanity.graphs.nodes import read_nodes
from graphpool_sanity.graphs.soft_input import read_soft_graphs
from graphpool_sanity.select.hashed import (
    HashedAssignment,
    UniformAssignment,
)
from graphpool_sanity.select.shuffle import Shuffled

F, K = 4, 3
small = batches(max_graphs=4, max_size=12)
seeds = st.integers(0, 2**62)
laws = pytest.mark.parametrize("law", ["normal", "uniform"])
SELECTORS = {
    "normal": lambda: HashedAssignment(K, "normal", 7),
    "uniform": lambda: HashedAssignment(K, "uniform", 7),
    "same": lambda: UniformAssignment(K),
    "shuffled": lambda: Shuffled(HashedAssignment(K, "normal", 7), 8).eval(),
}
every = pytest.mark.parametrize("build", SELECTORS.values(), ids=SELECTORS)


def layouts(graphs, x, padding=2):
    """The batch as each kind of layer reads it, and how to get the rows of its nodes from S."""
    padded = dense(graphs, x, padding=padding)
    yield read_soft_graphs(x, graphs.edge_index, batch=graphs.batch), ...
    yield read_soft_graphs(*padded), padded.mask
    yield read_nodes(x, graphs.batch), ...
    yield read_nodes(padded.x, mask=padded.mask), ...


@laws
def test_scores_follow_their_law_and_are_independent(law):
    scores = HashedAssignment(8, law, seed=3).scores(torch.arange(4000))
    cdf = norm.cdf if law == "normal" else lambda u: u
    assert scores.isfinite().all()
    for column in scores.t():
        assert kstest(column.numpy(), cdf).pvalue > 1e-3
    columns = np.corrcoef(scores.t().numpy()) - np.eye(8)
    assert abs(columns).max() < 4.5 / 4000**0.5
    for lag in (1, 2, 64, 1024):
        flat = scores[:-lag].flatten(), scores[lag:].flatten()
        assert abs(np.corrcoef(*flat)[0, 1]) < 4.5 / 3e4**0.5
    wide = HashedAssignment(4000, law, seed=3).scores(torch.arange(8))
    assert abs(np.corrcoef(wide.numpy()) - np.eye(8)).max() < 4.5 / 4000**0.5


@laws
def test_seeds_far_and_near_give_independent_scores(law):
    place = torch.arange(4000)
    scores = [HashedAssignment(1, law, s).scores(place).view(-1) for s in (0, 1, 2, 2**40, 2**61)]
    found = np.corrcoef(torch.stack(scores).numpy()) - np.eye(len(scores))
    assert abs(found).max() < 4.5 / 4000**0.5


@laws
@given(seed=seeds, shape=st.lists(st.integers(1, 4), max_size=3), far=st.integers(0, 2**30))
def test_a_row_depends_on_its_place_alone(law, seed, shape, far):
    select = HashedAssignment(K, law, seed)
    position = torch.arange(int(np.prod(shape))).view(shape) + far
    scores = select.scores(position)
    assert scores.dtype == torch.double
    assert scores.shape == (*shape, K)
    for place, row in zip(position.flatten(), scores.view(-1, K), strict=True):
        assert torch.equal(select.scores(place), row)


@every
@given(graphs=small, padding=st.integers(0, 3))
def test_all_layouts_give_the_same_rows(build, graphs, padding):
    assume(graphs.num_nodes)
    select = build()
    x = normal(graphs.num_nodes, F)
    for layout, real in layouts(graphs, x, padding):
        s = select(layout, x, x)  # whatever a memory pool hands on is left aside
        assert s.dtype == torch.double
        assert not s.requires_grad
        if real is ...:
            wanted = select(read_nodes(x, graphs.batch))
            torch.testing.assert_close(s, wanted, atol=0, rtol=0)
            torch.testing.assert_close(s.sum(1), torch.ones(len(s)).double())
        else:
            assert s.shape == (*real.shape, K)
            torch.testing.assert_close(s[real], wanted, atol=0, rtol=0)
            assert (s[~real] == 0).all()


@every
def test_no_nodes_have_no_rows(build):
    none = torch.empty(2, 0, dtype=torch.long)
    assert build()(read_soft_graphs(torch.ones(0, F), none)).shape == (0, K)
    assert build()(read_nodes(torch.ones(0, F))).shape == (0, K)
    assert build()(read_nodes(torch.ones(2, 0, F))).shape == (0, K)


@every
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float, torch.double])
def test_assignments_take_the_type_of_the_features(build, dtype):
    exact, s = (build()(read_nodes(torch.ones(9, F, dtype=t))) for t in (torch.double, dtype))
    assert s.dtype == dtype
    torch.testing.assert_close(s.double(), exact, atol=4e-3, rtol=4e-3)


def test_a_uniform_assignment_tells_no_node_from_another():
    for clusters in (1, 3, 7):
        s = UniformAssignment(clusters)(read_nodes(torch.ones(5, F).double()))
        assert torch.equal(s, torch.full_like(s, 1 / clusters))
        assert s.shape == (5, clusters)


@given(graphs=small, seed=seeds)
def test_shuffling_permutes_the_rows_of_each_graph(graphs, seed):
    assume(graphs.num_nodes)
    inner = HashedAssignment(K, "normal", 1)
    for training in (True, False):
        select = Shuffled(inner, seed).train(training)
        for layout, real in layouts(graphs, normal(graphs.num_nodes, F)):
            if real is ...:
                before, after = inner(layout), select(layout)
                for graph in graphs.batch.unique():
                    own = graphs.batch == graph
                    assert sorted(before[own].tolist()) == sorted(after[own].tolist())


@given(seed=seeds)
def test_gradients_go_back_to_the_rows_they_came_from(seed):
    class Features(torch.nn.Module):
        def forward(self, graphs):
            return graphs.x

    x = torch.eye(6, dtype=torch.double, requires_grad=True)
    s = Shuffled(Features(), seed).eval()(read_nodes(x))
    weight = normal(6)
    (s * weight.unsqueeze(1)).sum().backward()
    source = s.detach().argmax(1)  # the row that came to each place
    wanted = torch.empty_like(weight).index_copy_(0, source, weight)
    torch.testing.assert_close(x.grad, wanted.unsqueeze(1).expand(6, 6))


def test_chance_follows_from_the_seed_and_travels_with_the_state():
    before = torch.get_rng_state()
    graphs = read_nodes(torch.ones(9, F))
    for build in (HashedAssignment, lambda k, law, s: Shuffled(SELECTORS["normal"](), s)):
        select, other = build(K, "normal", 1).eval(), build(K, "normal", 2).eval()
        wanted = select(graphs)
        assert torch.equal(build(K, "normal", 1).eval()(graphs), wanted)
        assert not torch.equal(other(graphs), wanted)
        other.load_state_dict(select.state_dict())
        for twin in (other, copy.deepcopy(select), pickle.loads(pickle.dumps(select))):
            assert torch.equal(twin(graphs), wanted)
        select.reset_parameters()
        assert torch.equal(select(graphs), wanted)
        assert list(select.parameters()) == []
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_each_reset_draws_another():
    torch.manual_seed(0)
    select = HashedAssignment(K)
    seed = select.seed.clone()
    select.reset_parameters()
    assert select.seed != seed
    torch.manual_seed(0)
    assert HashedAssignment(K).seed == seed


def test_resetting_a_shuffle_reaches_what_it_shuffles():
    inner = HashedAssignment(K)
    before = inner.seed.clone()
    Shuffled(inner, 0).reset_parameters()
    assert inner.seed != before


def test_selectors_show_what_they_are():
    assert repr(HashedAssignment(3, "uniform", 0)) == "HashedAssignment(3, uniform)"
    assert repr(UniformAssignment(3)) == "UniformAssignment(3)"


def test_an_unknown_law_is_named():
    with pytest.raises(ValueError, match=r"distribution must be one of .*normal.* got 'cauchy'"):
        HashedAssignment(3, "cauchy")


@pytest.mark.parametrize("build", [HashedAssignment, UniformAssignment])
@pytest.mark.parametrize("clusters", [0, -1, 1.5, True])
def test_bad_numbers_of_clusters_are_named(build, clusters):
    with pytest.raises(ValueError, match=r"^num_clusters must be a positive integer, got"):
        build(clusters)


@every
def test_dense_layouts_compile_into_one_graph(build):
    padded = torch.arange(5) < torch.tensor([[3], [5]])
    x, adj = normal(2, 5, F), torch.ones(2, 5, 5).double()
    select = build()

    def call(x, adj, mask):
        return select(read_soft_graphs(x, adj, mask)), select(read_nodes(x, mask=mask))

    torch.compiler.reset()
    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")(x, adj, padded)
    wanted = call(x, adj, padded)
    torch.testing.assert_close(compiled[0], wanted[0])
    torch.testing.assert_close(compiled[1][padded.flatten()], wanted[1])
    assert (compiled[1][~padded.flatten()] == 0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every
def test_they_give_on_cuda_what_they_give_on_the_cpu(build):
    x, batch = normal(50, F), torch.arange(2).repeat_interleave(25)
    wanted = build()(read_nodes(x, batch))
    found = build().to("cuda")(read_nodes(x.to("cuda"), batch.to("cuda")))
    torch.testing.assert_close(found.cpu(), wanted, atol=1e-12, rtol=1e-12)
