"""A batch of graphs as pooling layers take and leave it, and the names its parts go by."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor
from torch_geometric.typing import Adj, SparseTensor
from torch_geometric.utils import to_dense_adj, to_dense_batch

from graphpool_sanity.graphs.graph import unpack

NAMES = {
    "x": (
        *("x", "h", "X", "H", "xs", "feat", "feats", "feature", "features", "embeddings"),
        *("node_feat", "node_feats", "node_features"),
    ),
    "edges": ("edge_index", "adj", "adj_t", "A", "M", "edges", "adjacency", "adj_matrix", "adjs"),
    "weight": ("edge_attr", "edge_weight", "edge_weights", "edge_features"),
    "batch": ("batch", "graph_indicator", "batch_index", "graph_index", "batch_idx", "graph_ids"),
    "mask": ("mask", "node_mask"),
    "size": ("batch_size", "num_graphs"),
    "perm": ("perm", "idx", "node_index"),
    "cluster": ("cluster", "clusters"),
    "s": ("s", "S", "assignment", "assignments"),
    "select_output": ("so", "select_output"),
}
ROLES = {name: role for role, names in NAMES.items() for name in names}
"""What a name stands for, in a signature as in what is returned."""

MATRICES = ("adj", "A", "adjacency", "adj_matrix")
"""Names of edges that are padded matrices, unless ``batch`` is named, too."""


class Graphs(NamedTuple):
    """A batch of graphs: nodes one after the other with their edges, or padded with matrices."""

    x: Tensor
    """[N, F], or padded [B, N, F]."""
    size: int
    """The number of graphs B."""
    edges: Adj | None = None
    """[2, E] or any sparse adjacency; [B, N, N] if padded; ``None`` if there are only nodes."""
    weight: Tensor | None = None
    """[E] or [E, D], of the edges."""
    batch: Tensor | None = None
    """[N], the graph of each node, if they are not padded; ``None`` if there is one graph."""
    mask: Tensor | None = None
    """[B, N], which rows are nodes, if they are padded; ``None`` if all are."""

    @property
    def is_dense(self) -> bool:
        """Whether the nodes are padded."""
        return self.x.dim() == 3

    @property
    def batch_vector(self) -> Tensor:
        """The graph of each node [N], or of each padded row [B * N]."""
        if self.is_dense:
            graph = torch.arange(self.x.size(0), device=self.x.device)
            return graph.repeat_interleave(self.x.size(1))
        if self.batch is None:
            return torch.zeros(len(self.x), dtype=torch.long, device=self.x.device)
        return self.batch

    def dense(self) -> "Graphs":
        """The same graphs, padded; as they are if there are only nodes."""
        if self.is_dense or self.edges is None:
            return self
        edge_index, weight = edges_of(self)
        weight = weight if weight is None or weight.dim() == 1 else None
        x, mask = to_dense_batch(self.x, self.batch_vector, batch_size=self.size)
        adj = to_dense_adj(edge_index, self.batch_vector, weight, x.size(1), self.size)
        return Graphs(x, self.size, adj.to(x.dtype), mask=mask)


def edges_of(graphs: Graphs) -> tuple[Tensor, Tensor | None]:
    """The edges [2, E] of graphs that are not padded, and their weights or attributes."""
    if graphs.edges is None:
        return torch.empty(2, 0, dtype=torch.long, device=graphs.x.device), None
    edge_index, value = unpack(graphs.edges, len(graphs.x))
    return edge_index, graphs.weight if value is None else value


def one_each(weight: Tensor | None) -> Tensor | None:
    """[E] of [E] or [E, 1]; edges with several numbers, or integers, count as unweighted."""
    if weight is None or not weight.is_floating_point() or weight.numel() != weight.size(0):
        return None
    return weight.view(-1)


def as_graphs(
    where: str, x: object, batch: Tensor | None, mask: Tensor | None, size: int
) -> Graphs:
    """Features and the graphs to which they belong; ``where`` is what errors call their source.

    Raises:
        ValueError: if these are no features, or no telling to which graphs they belong.
    """
    if not is_features(x):
        raise ValueError(f"{where} must hold embeddings [N, F] or [B, N, F], got {seen([x])}")
    if x.dim() == 2 and batch is None and mask is not None and mask.numel() == len(x):
        x = x.unsqueeze(0)  # one padded graph
    if x.dim() == 3:
        mask = None if mask is None else mask.bool().view(x.shape[:2])
        return Graphs(x, max(size, len(x)), mask=mask)
    if batch is None and size > 1 and len(x) == size:
        batch = torch.arange(size, device=x.device)
    if batch is None and size > 1:
        raise ValueError(f"{where} must tell by batch which of {size} graphs a node is of")
    if batch is not None and batch.shape != x.shape[:1]:
        raise ValueError(f"{where} must have batch [{len(x)}], got {list(batch.shape)}")
    if not size:
        size = 1 if batch is None else int(batch.max()) + 1 if len(batch) else 0
    return Graphs(x, size, batch=batch)


def is_features(value: object) -> TypeGuard[Tensor]:
    """Whether a value is a tensor of features, [N, F] or [B, N, F]."""
    return isinstance(value, Tensor) and value.is_floating_point() and value.dim() in (2, 3)


def is_list_of_features(value: object) -> TypeGuard[Sequence[Tensor]]:
    """Whether a value is a list of graphs: features [N, F] of each."""
    is_list = isinstance(value, list | tuple) and len(value) > 0
    return is_list and all(is_features(part) and part.dim() == 2 for part in value)  # type: ignore[attr-defined]


def batch_of_list(features: Sequence[Tensor]) -> Tensor:
    """[N], the graph of each node, of a list of graphs."""
    sizes = torch.tensor([len(x) for x in features], device=features[0].device)
    return torch.arange(len(features), device=sizes.device).repeat_interleave(sizes)


def is_edges(value: object) -> bool:
    """Whether a value is edges [2, E], or a sparse adjacency."""
    if not isinstance(value, Tensor) or value.layout != torch.strided:
        return isinstance(value, Tensor | SparseTensor)
    integer = not value.is_floating_point() and value.dtype != torch.bool
    return integer and value.dim() == 2 and value.size(0) == 2


def seen(parts: Sequence[Any]) -> str:
    """Types and shapes, as errors show them."""
    tensors = (isinstance(part, Tensor) for part in parts)
    shown = (
        f"{part.dtype} of {list(part.shape)}" if is_tensor else type(part).__name__
        for part, is_tensor in zip(parts, tensors, strict=True)
    )
    return ", ".join(shown) or "nothing"
