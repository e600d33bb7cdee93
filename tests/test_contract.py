"""What every public layer promises, whatever it pools by."""

import copy
import inspect
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data

import graphpool_sanity
from graphpool_sanity import (
    ComplementGraclusPool,
    DiffPool,
    DistanceMemoryPool,
    GraclusPool,
    MemoryPool,
    MinCutPool,
    RandomDiffPool,
    RandomMatchingPool,
    RandomMemoryPool,
    RandomMinCutPool,
)
from graphpool_sanity.testing import (
    assert_batch_invariant,
    assert_padding_invariant,
    assert_permutation_invariant,
)

F, K, LIMIT = 4, 3, 12

# How to build each layer; those of chance take a seed.
LAYERS = {
    GraclusPool: GraclusPool,
    ComplementGraclusPool: ComplementGraclusPool,
    RandomMatchingPool: RandomMatchingPool,
    DiffPool: partial(DiffPool, F, K),
    RandomDiffPool: partial(RandomDiffPool, F, K),
    MinCutPool: partial(MinCutPool, F, K),
    RandomMinCutPool: partial(RandomMinCutPool, F, K, max_num_nodes=LIMIT),
    MemoryPool: partial(MemoryPool, F, 5, 2, K),
    DistanceMemoryPool: partial(DistanceMemoryPool, F, 5, 2, K),
    RandomMemoryPool: partial(RandomMemoryPool, F, 5, K, max_num_nodes=LIMIT),
}
HARD = {GraclusPool, ComplementGraclusPool, RandomMatchingPool}
SEEDED = HARD | {RandomDiffPool, RandomMinCutPool, DistanceMemoryPool, RandomMemoryPool}
INVARIANT = {DiffPool, RandomDiffPool, MinCutPool, MemoryPool, DistanceMemoryPool}
DENSE_ONLY = {DiffPool}
MEMORY = {MemoryPool, DistanceMemoryPool, RandomMemoryPool}

every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)


def build(layer, seed=0, **options):
    torch.manual_seed(seed)
    if layer in SEEDED:
        options["seed"] = seed
    return LAYERS[layer](**options).eval()


def data(dtype=torch.float64):
    """Three connected graphs of 4, 1 and 9 nodes."""
    generator = torch.Generator().manual_seed(1)
    graphs = []
    for n in (4, 1, 9):
        path = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
        edges = torch.cat([path, path.flip(0)], dim=1)
        x = torch.randn(n, F, generator=generator, dtype=torch.float64).to(dtype)
        graphs.append(Data(x, edges))
    return Batch.from_data_list(graphs)


def dense_call(pool):
    return lambda x, adj, mask: pool(x, adj.to(x.dtype), mask)


def sparse_call(pool):
    if type(pool) in MEMORY:
        return lambda x, batch: pool(x, batch)
    return lambda x, edge_index, batch: pool(x, edge_index, batch=batch)


def outputs(pool, batch):
    """All tensors that the layer returns."""
    if type(pool) in DENSE_ONLY:
        from torch_geometric.utils import to_dense_adj, to_dense_batch

        x, mask = to_dense_batch(batch.x, batch.batch)
        result = pool(x, to_dense_adj(batch.edge_index, batch.batch).to(x.dtype), mask)
    elif type(pool) in MEMORY:
        result = pool(batch.x, batch.batch)
    else:
        result = pool(batch.x, batch.edge_index, batch=batch.batch)
    return [t for t in result if t is not None]


def assert_equal_outputs(a, b):
    for s, t in zip(a, b, strict=True):
        assert torch.equal(s, t)


def test_every_public_layer_is_here():
    public = [getattr(graphpool_sanity, name) for name in graphpool_sanity.__all__]
    modules = {one for one in public if isinstance(one, type) and issubclass(one, nn.Module)}
    assert modules - {graphpool_sanity.Backbone} == set(LAYERS)


@every_layer
def test_its_repr_names_it_and_its_sizes(layer):
    text = repr(build(layer))
    assert text.startswith(f"{layer.__name__}(")
    assert "max" in text if layer in HARD else str(K) in text


@every_layer
def test_a_loaded_state_reproduces_its_outputs(layer):
    pool, other = build(layer, 1).double(), build(layer, 2).double()
    batch = data()
    expected = outputs(pool, batch)
    other.load_state_dict(pool.state_dict())
    assert_equal_outputs(outputs(other, batch), expected)
    for twin in (copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))):
        assert_equal_outputs(outputs(twin, batch), expected)


@every_layer
def test_another_seed_is_another_layer(layer):
    found = [
        [t.tolist() for t in outputs(build(layer, seed).double(), data())] for seed in range(4)
    ]
    assert any(other != found[0] for other in found[1:])


@pytest.mark.parametrize("layer", sorted(SEEDED, key=lambda x: x.__name__))
def test_chance_follows_from_its_seed_alone(layer):
    def chance(pool):
        return {k: v.clone() for k, v in pool.named_buffers()}

    torch.manual_seed(0)
    first = LAYERS[layer](seed=5)
    second = LAYERS[layer](seed=5)  # at another place of the global stream
    assert chance(first).keys() == chance(second).keys() != set()
    for name, value in chance(first).items():
        assert torch.equal(value, chance(second)[name])
    first.reset_parameters()
    for name, value in chance(first).items():
        assert torch.equal(value, chance(second)[name])

    torch.manual_seed(1)
    drawn = LAYERS[layer]()
    torch.manual_seed(1)
    again = LAYERS[layer]()
    for name, value in chance(drawn).items():
        assert torch.equal(value, chance(again)[name])
    (name,) = (name for name in chance(drawn) if name.endswith("coded_seed"))
    assert not torch.equal(chance(drawn)[name], chance(LAYERS[layer]())[name])


@pytest.mark.parametrize("layer", sorted(SEEDED, key=lambda x: x.__name__))
def test_what_was_saved_with_the_seed_as_one_number_is_loaded(layer):
    saved, loaded = LAYERS[layer](seed=2**62 + 1).double(), LAYERS[layer](seed=2).double()
    old = {k: v for k, v in saved.state_dict().items() if not k.endswith(("seed", "counter"))}
    prefix = "" if layer is DistanceMemoryPool else "select."
    loaded.load_state_dict(old | {f"{prefix}seed": torch.tensor(2**62 + 1)})
    assert_equal_outputs(outputs(loaded.eval(), data()), outputs(saved.eval(), data()))
    assert loaded.state_dict().keys() == saved.state_dict().keys()
    for key, value in loaded.state_dict().items():
        assert torch.equal(value, saved.state_dict()[key])


NULLS = {
    GraclusPool: (ComplementGraclusPool, RandomMatchingPool),
    DiffPool: (RandomDiffPool,),
    MinCutPool: (RandomMinCutPool,),
    MemoryPool: (DistanceMemoryPool, RandomMemoryPool),
}


@pytest.mark.parametrize("layer", NULLS, ids=lambda layer: layer.__name__)
def test_a_layer_and_its_nulls_are_called_alike(layer):
    own = inspect.signature(layer.forward)
    assert list(own.parameters)[-1] == "batch_size"
    for null in NULLS[layer]:
        assert inspect.signature(null.forward) == own


def with_empty_graphs(dtype=torch.float64):
    """The graphs of ``data``, three without nodes among them, two of these at the end."""
    first, *others = data(dtype).to_data_list()
    none = Data(torch.empty(0, F, dtype=dtype), torch.empty(2, 0, dtype=torch.long))
    return Batch.from_data_list([first, none, *others, none, none])


@pytest.mark.parametrize("layer", sorted(set(LAYERS) - DENSE_ONLY, key=lambda x: x.__name__))
def test_graphs_without_nodes_are_kept_wherever_they_are(layer):
    pool, batch = build(layer).double(), with_empty_graphs()
    args = (batch.x,) if layer in MEMORY else (batch.x, batch.edge_index)
    out = pool(*args, batch=batch.batch, batch_size=6)
    wanted = outputs(pool, data())
    if layer in HARD:
        assert_equal_outputs([out.x, out.edge_index, out.cluster], [*wanted[:2], wanted[-1]])
        return
    for found, own in zip(out, wanted, strict=True):
        if own.dim():
            assert len(found) == 6
            assert not found[[1, 4, 5]].any()
            found = found[[0, 2, 3]]
        torch.testing.assert_close(found, own)


@pytest.mark.parametrize("layer", sorted(set(LAYERS) - DENSE_ONLY, key=lambda x: x.__name__))
@pytest.mark.parametrize(
    ("size", "message"),
    [
        (3, "batch_size must be at least 4 for this batch, got 3"),
        (4.0, "batch_size must be an int or None, got float"),
        (True, "batch_size must be an int or None, got bool"),
    ],
)
def test_a_batch_size_that_does_not_fit_is_refused_by_name(layer, size, message):
    pool, batch = build(layer).double(), with_empty_graphs()
    args = (batch.x,) if layer in MEMORY else (batch.x, batch.edge_index)
    with pytest.raises(ValueError, match=message):
        pool(*args, batch=batch.batch, batch_size=size)


@pytest.mark.parametrize("layer", sorted(HARD, key=lambda x: x.__name__))
def test_hard_layers_leave_the_global_state_alone(layer):
    before = torch.get_rng_state()
    pool = layer(seed=3)
    outputs(pool.train(), data())
    outputs(pool.eval(), data())
    assert torch.equal(torch.get_rng_state(), before)


@every_layer
def test_reset_parameters_gives_a_working_layer(layer):
    pool = build(layer).double()
    torch.manual_seed(9)
    pool.reset_parameters()
    assert all(t.isfinite().all() for t in outputs(pool, data()) if t.is_floating_point())
    for p in pool.parameters():
        assert p.isfinite().all()


@every_layer
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_it_computes_in_the_type_that_comes(layer, dtype):
    pool = build(layer).to(dtype)
    for t in outputs(pool, data(dtype)):
        if t.is_floating_point():
            assert t.dtype == dtype
            assert t.isfinite().all()


@every_layer
def test_a_graph_gives_the_same_alone_and_in_a_batch(layer):
    if layer in DENSE_ONLY:
        call = dense_call(build(layer).double())
    else:
        call = sparse_call(build(layer).double())
    assert_batch_invariant(call, data())


@every_layer
def test_it_is_as_permutation_invariant_as_its_docs_claim(layer):
    pool = build(layer).double()
    call = dense_call(pool) if layer in DENSE_ONLY else sparse_call(pool)
    if layer in INVARIANT:
        assert_permutation_invariant(call, data())
    else:
        with pytest.raises(AssertionError, match="permutation"):
            assert_permutation_invariant(call, data())


@pytest.mark.parametrize("layer", [c for c in LAYERS if c not in HARD], ids=lambda c: c.__name__)
def test_padding_makes_no_difference(layer):
    pool = build(layer, **({"max_num_nodes": 30} if layer in LIMITED else {})).double()
    if layer in MEMORY:
        assert_padding_invariant(lambda x, mask: pool(x, mask=mask)[0], data())
    else:
        assert_padding_invariant(dense_call(pool), data())


LIMITED = {RandomMinCutPool, RandomMemoryPool}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every_layer
def test_it_gives_on_cuda_what_it_gives_on_the_cpu(layer):
    pool, batch = build(layer).double(), data()
    expected = outputs(pool, batch)
    found = outputs(pool.to("cuda"), batch.to("cuda"))
    for s, t in zip(found, expected, strict=True):
        torch.testing.assert_close(s.cpu(), t)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every_layer
def test_it_is_built_on_cuda_where_that_is_the_default(layer):
    seeded = {name: t for name, t in build(layer).named_buffers() if layer in SEEDED}
    batch = data(torch.float32).to("cuda")
    with torch.device("cuda"):
        pool = build(layer)
        found = outputs(pool, batch)
    assert all(t.is_cuda for t in (*pool.parameters(), *pool.buffers(), *found))
    for name, expected in seeded.items():
        assert torch.equal(pool.get_buffer(name).cpu(), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every_layer
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_it_trains_on_cuda_in_half_precision(layer, dtype):
    pool, batch = build(layer).to("cuda"), data(torch.float32).to("cuda")
    expected = outputs(pool, batch)
    batch.x.requires_grad_()
    with torch.autocast("cuda", dtype):
        found = outputs(pool, batch)
    for s, t in zip(found, expected, strict=True):
        torch.testing.assert_close(s.to(t.dtype), t, rtol=0.05, atol=0.05)
    sum(t.square().mean() for t in found if t.is_floating_point()).backward()
    for tensor in (batch.x, *pool.parameters()):
        assert tensor.grad is None or tensor.grad.isfinite().all()
    assert batch.x.grad.abs().sum() > 0


@every_layer
@pytest.mark.parametrize("x", [None, [[0.0]], "x", 1.5, np.ones((14, F))])
def test_features_that_are_no_tensor_are_refused(layer, x):
    message = rf"^x must be a torch\.Tensor, got {type(x).__name__}$"
    with pytest.raises(ValueError, match=message):
        build(layer)(x, data().batch if layer in MEMORY else data().edge_index)


@pytest.mark.parametrize(
    "layer", sorted(set(LAYERS) - DENSE_ONLY - MEMORY, key=lambda layer: layer.__name__)
)
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_a_trace_of_one_batch_is_refused(layer):
    pool, batch = build(layer).double(), data()
    with pytest.raises(ValueError, match=r"^torch\.jit\.trace "):
        torch.jit.trace(pool, (batch.x, batch.edge_index))


@every_layer
def test_features_without_dimensions_are_refused(layer):
    with pytest.raises(ValueError, match=r"^x must have .*, got \[\]$"):
        build(layer)(torch.tensor(1.0), data().batch if layer in MEMORY else data().edge_index)


@pytest.mark.parametrize("scale", [None, "1", 0, -1.0, float("nan")])
def test_scales_are_positive_numbers(scale):
    for layer, name in ((MemoryPool, "tau"), (DistanceMemoryPool, "key_scale")):
        with pytest.raises(ValueError, match=f"^{name} must be positive and .*got {scale!r}$"):
            build(layer, **{name: scale})


@pytest.mark.parametrize(("layer", "name"), [(DiffPool, "gnn"), (MinCutPool, "mlp")])
@pytest.mark.parametrize("network", ["x", 3, [nn.Linear(F, K)]])
def test_networks_are_modules(layer, name, network):
    with pytest.raises(ValueError, match=rf"^{name} must be a torch\.nn\.Module, got"):
        build(layer, **{name: network})
