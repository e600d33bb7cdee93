"""Symmetries of pooling as assertions: for any layer, model or function of graphs.

How a callable is called follows from the names of its parameters. One that names ``x``,
``edge_index`` or ``adj`` gets the fields of the data that it names: as PyG stores them, or, if it
names ``adj`` or ``mask`` and no ``edge_index``, padded to [B, N, ...] as PyG's dense layers take
them. Any other gets the batch itself. A module is copied for each call and chance is seeded
anew, so all calls start alike, and neither the module nor the global random state changes.
Whether it is in training or in evaluation mode is the caller's choice.

How outputs are compared follows from what they are. Nodes with sparse edges are a pooled graph,
whatever else is returned in whatever order. Its order is free: nodes and edges are compared as bags
of features, by sorted columns and projections, auxiliary losses as numbers, and what it holds
besides (scores, clusters) is passed over. Tensors of all nodes, [N, ...] or [B, N, ...], may follow
their nodes. The rest must stay.

``atol`` is the difference to tolerate, by default eps^0.7 of the output's type (1e-5 in float32,
1e-11 in float64), times its largest absolute value where that is above one.
"""

import copy
import math
import reprlib
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.typing import SparseTensor

from graphpool_sanity._symmetry import Variation, call_on, difference, outputs
from graphpool_sanity.interface.inputs import parameters

__all__ = ["assert_batch_invariant", "assert_padding_invariant", "assert_permutation_invariant"]


def assert_permutation_invariant(
    module_or_fn: Callable[..., Any],
    data: Data,
    num_permutations: int = 10,
    atol: float | None = None,
    seed: int = 0,
) -> None:
    """Assert that the order of nodes and of edges within a graph makes no difference.

    Raises:
        AssertionError: naming the worst permutation and its error.
        ValueError: if the callable returns nothing to compare.

    >>> from torch_geometric.nn import global_add_pool
    >>> data = Data(torch.arange(3.0).view(3, 1), torch.tensor([[0, 1], [1, 2]]))
    >>> assert_permutation_invariant(global_add_pool, data)
    >>> assert_permutation_invariant(lambda x: x[0], data, num_permutations=1)
    Traceback (most recent call last):
        ...
    AssertionError: permutation 1 of 1 (nodes [2, 0, 1], seed 0): output differs by 2 > 1.4e-05
    """
    graphs = _split(data)
    generator = torch.Generator().manual_seed(seed)
    variations = []
    for number in range(1, num_permutations + 1):
        batch = Batch.from_data_list([_permuted(graph, generator) for graph in graphs])
        nodes = reprlib.repr(batch.original.tolist())
        name = f"permutation {number} of {num_permutations} (nodes {nodes}, seed {seed})"
        variations.append(Variation(batch, range(len(graphs)), name))
    _assert_same(module_or_fn, graphs, variations, atol, seed)


def assert_padding_invariant(
    module_or_fn: Callable[..., Any],
    data: Data,
    padding: int = 8,
    atol: float | None = None,
    seed: int = 0,
) -> None:
    """Assert that ``padding`` rows of zeros more make no difference, in losses neither.

    Raises:
        AssertionError: naming the output and its error.
        ValueError: if the callable names none of ``adj``, ``mask`` and ``max_num_nodes``, or
            returns nothing to compare.

    >>> data = Data(torch.ones(3, 1), torch.tensor([[0, 1], [1, 2]]))
    >>> assert_padding_invariant(lambda x, mask: x.sum(1) / mask.sum(1, keepdim=True), data)
    >>> assert_padding_invariant(lambda x, mask: x.mean(1), data, padding=2)
    Traceback (most recent call last):
        ...
    AssertionError: padding of 2 rows: output differs by 0.4 > 1.4e-05
    """
    if parameters(module_or_fn).keys().isdisjoint(("adj", "mask", "max_num_nodes")):
        raise ValueError("module_or_fn must name adj, mask or max_num_nodes: nothing to pad")
    graphs = _split(data)
    batch, everyone = Batch.from_data_list(graphs), range(len(graphs))
    padded = Variation(batch, everyone, f"padding of {padding} rows", padding)
    _assert_same(module_or_fn, graphs, [padded], atol, seed)


def assert_batch_invariant(
    module_or_fn: Callable[..., Any], data: Data, atol: float | None = None, seed: int = 0
) -> None:
    """Assert that a graph alone gives what it gives in the batch, there and in reverse order.

    A single graph is put between two copies of itself. Outputs without dimensions (losses) belong
    to no graph alone and are compared only between the batch and its reverse.

    Raises:
        AssertionError: naming the graph that differs most, and its error.
        ValueError: if the callable returns nothing to compare.

    >>> from torch_geometric.nn import global_mean_pool
    >>> data = Data(torch.arange(3.0).view(3, 1), torch.tensor([[0, 1], [1, 2]]))
    >>> assert_batch_invariant(global_mean_pool, data)
    >>> assert_batch_invariant(lambda x, batch: global_mean_pool(x, batch) - x.sum(), data)
    Traceback (most recent call last):
        ...
    AssertionError: graph 0 alone: output differs by 6 > 0.00011
    """
    graphs = _split(data)
    if len(graphs) == 1:
        graphs = _split(Batch.from_data_list(graphs * 3))
    variations = [
        Variation(Batch.from_data_list([graph]), [number], f"graph {number} alone")
        for number, graph in enumerate(graphs)
    ]
    reverse = range(len(graphs))[::-1]
    batch = Batch.from_data_list(graphs[::-1])
    variations.append(Variation(batch, reverse, "batch in reverse order"))
    _assert_same(module_or_fn, graphs, variations, atol, seed)


def _split(data: Data) -> list[Data]:
    """The graphs of ``data``, their nodes numbered as ``original``."""
    if isinstance(data, Batch):
        graphs = data.to_data_list()
    elif data.batch is not None:
        graphs = [data.subgraph(data.batch == g) for g in range(int(data.batch.max()) + 1)]
    else:
        graphs = [copy.copy(data)]
    numbers = torch.arange(data.num_nodes).split([graph.num_nodes for graph in graphs])
    for graph, number in zip(graphs, numbers, strict=True):
        graph.original = number
    return graphs


def _permuted(graph: Data, generator: torch.Generator) -> Data:
    nodes = torch.randperm(graph.num_nodes, generator=generator)
    edges = torch.randperm(graph.num_edges, generator=generator)
    permuted = copy.copy(graph)
    for key, value in graph.to_dict().items():
        if key == "edge_index":
            permuted[key] = nodes.argsort().to(value.device)[value[:, edges]]
        elif isinstance(value, SparseTensor) or (
            isinstance(value, Tensor) and value.layout != torch.strided
        ):
            permuted[key] = _with_both_ends(value, nodes)
        elif graph.is_node_attr(key):
            permuted[key] = value[nodes]
        elif graph.is_edge_attr(key):
            permuted[key] = value[edges]
    return permuted


def _with_both_ends(adj: Any, nodes: Tensor) -> Any:  # noqa: ANN401  (any sparse matrix)
    """A sparse adjacency of the nodes in another order."""
    if isinstance(adj, SparseTensor):
        return adj.index_select(0, nodes).index_select(1, nodes)
    moved = adj.to_sparse_coo().index_select(0, nodes).index_select(1, nodes).coalesce()
    return moved.to_sparse(layout=adj.layout)


def _assert_same(
    call: Callable[..., Any],
    graphs: list[Data],
    variations: Iterable[Variation],
    atol: float | None,
    seed: int,
) -> None:
    """Compare each variation with the original, and name the one that differs most, if any."""
    original = Variation(Batch.from_data_list(graphs), range(len(graphs)))
    expected = dict(outputs(call, call_on(call, original, seed), original))
    if not expected:
        raise ValueError("module_or_fn must return tensors, or there is nothing to compare")
    failures = []
    for other in variations:
        found = dict(outputs(call, call_on(call, other, seed), other))
        for name in expected.keys() | found.keys():
            error, limit = difference(expected.get(name, {}), found.get(name, {}), atol)
            if error > limit:
                failures.append((error, f"{other.name}: {name} {_described(error, limit)}"))
    if failures:
        raise AssertionError(max(failures, key=lambda failure: failure[0])[1])


def _described(error: float, limit: float) -> str:
    if math.isinf(error):
        return "differs in shape, or is not finite"
    return f"differs by {error:.2g} > {limit:.2g}"
