"""Calling any pooling layer: ours, PyG's (sparse, dense, memory), torch-geometric-pool's."""

import inspect
from collections.abc import Sequence
from typing import Any, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn
from torch_geometric.typing import SparseTensor

from graphpool_sanity.check.graphs import Graphs
from graphpool_sanity.pools.diff_pool import DiffPool

_NEEDED = inspect.Parameter.empty
"""What has no default is handed ``None`` where the graphs do not have it."""


class Call:
    """How a pooling layer is called, read once from the signature of its ``forward``.

    Its nulls are called likewise, whatever their own signatures look like.

    >>> from torch_geometric.nn import TopKPooling
    >>> edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    >>> graphs = Graphs(torch.ones(4, 2), 2, edges, batch=torch.tensor([0, 0, 1, 1]))
    >>> pool = TopKPooling(2)
    >>> pooled, losses = Call(pool)(pool, graphs)
    >>> pooled.x.shape, pooled.batch.tolist(), losses
    (torch.Size([2, 2]), [0, 1], [])
    """

    def __init__(self, layer: nn.Module) -> None:
        self.parameters = dict(inspect.signature(layer.forward).parameters)
        names = ("edge_index", "adj", "M")
        self.edges = next((name for name in names if name in self.parameters), None)
        padded = "batch" not in self.parameters or isinstance(layer, DiffPool)
        self.is_dense = self.edges == "adj" and padded
        if "x" not in self.parameters or not (self.edges or "batch" in self.parameters):
            raise ValueError(
                "layer.forward must name x and one of edge_index, adj, M and batch, got "
                f"{type(layer).__name__}.forward({', '.join(self.parameters)})"
            )

    def __call__(self, layer: nn.Module, graphs: Graphs) -> tuple[Graphs, list[Tensor]]:
        """The pooled graphs and the layer's losses.

        Raises:
            ValueError: if the layer returns what no layer known here does.
        """
        graphs = graphs.dense() if self.is_dense else graphs
        out = layer(**self._arguments(graphs))
        if isinstance(out, _Output):
            return _read_output(out, graphs.size), list((out.loss or {}).values())
        return _read_tuple(layer, out, graphs.size, has_edges=self.edges is not None)

    def _arguments(self, graphs: Graphs) -> dict[str, Any]:
        """What the layer names and these graphs have."""
        weight = "edge_attr" if "edge_attr" in self.parameters else "edge_weight"
        fields: dict[str, Any] = {"x": graphs.x, weight: graphs.weight}
        fields |= {"batch": graphs.batch, "mask": graphs.mask}
        fields |= {} if graphs.is_dense else {"batch_size": graphs.size}
        fields |= {} if self.edges is None else {self.edges: self._adjacency(graphs)}
        taken = {name: p.default for name, p in self.parameters.items() if name in fields}
        return {k: fields[k] for k in taken if fields[k] is not None or taken[k] is _NEEDED}

    def _adjacency(self, graphs: Graphs) -> Tensor | SparseTensor | None:
        annotation = self.parameters[str(self.edges)].annotation
        wanted = set(get_args(annotation) or (annotation,)) - {type(None)}
        if graphs.is_dense or graphs.adj is None or wanted != {SparseTensor}:
            return graphs.adj
        n, weight = graphs.x.size(0), graphs.weight
        weight = graphs.x.new_ones(graphs.adj.size(1)) if weight is None else weight
        return SparseTensor.from_edge_index(graphs.adj, weight, sparse_sizes=(n, n))


@runtime_checkable
class _Output(Protocol):
    """What torch-geometric-pool's layers return."""

    x: Tensor
    edge_index: Tensor | SparseTensor
    edge_weight: Tensor | None
    batch: Tensor | None
    mask: Tensor | None
    so: object
    loss: dict[str, Tensor] | None


def _read_output(out: _Output, size: int) -> Graphs:
    if out.x.dim() == 3:
        return Graphs(out.x, size, out.edge_index, mask=out.mask)
    if isinstance(out.edge_index, SparseTensor):
        row, col, weight = out.edge_index.coo()
        return Graphs(out.x, size, torch.stack([row, col]), weight, out.batch)
    return Graphs(out.x, size, out.edge_index, _one_each(out.edge_weight), out.batch)


def _read_tuple(
    layer: nn.Module, out: object, size: int, has_edges: bool
) -> tuple[Graphs, list[Tensor]]:
    """(x, edge_index, ..., batch, ...), ([S,] x, adj, losses...); (x, S) without edges."""
    parts = out if isinstance(out, Sequence) else ()
    tensors = [part for part in parts if isinstance(part, Tensor)]
    padded = [part for part in tensors if part.dim() == 3]
    losses = [part for part in tensors if part.dim() == 0]
    if len(tensors) > 1 and tensors[0].dim() == 2:
        return _end_to_end(layer, tensors, size), losses
    if not has_edges and len(padded) == 2 and padded[0].size(1) == padded[1].size(2):
        kl_loss = getattr(layer, "kl_loss", None)
        kl = [] if kl_loss is None else [kl_loss(padded[1])]
        return Graphs(padded[0], size, None), kl  # which memory pooling leaves without edges
    if len(padded) in (2, 3):
        return Graphs(padded[-2], size, padded[-1]), losses
    raise ValueError(
        f"layer must return (x, edge_index, ..., batch, ...), (x, S) or (x, adj, losses...), got "
        f"{type(out).__name__} of {[list(part.shape) for part in tensors]} from "
        f"{type(layer).__name__}"
    )


def _end_to_end(layer: nn.Module, tensors: list[Tensor], size: int) -> Graphs:
    x, edge_index, *rest = tensors
    indices = [t for t in rest if t.dtype == torch.long and t.shape == x.shape[:1]]
    if len(indices) > 1:  # among them nodes, which batch comes before or behind
        indices = [t for t in indices if t.numel() == 0 or int(t.max()) < size]
    if not indices:
        raise ValueError(
            f"layer must return batch [{x.size(0)}] with values below {size}, got none from {layer}"
        )
    weighted = rest[0].is_floating_point() and rest[0].shape[:1] == edge_index.shape[1:]
    return Graphs(x, size, edge_index, _one_each(rest[0]) if weighted else None, indices[0])


def _one_each(weight: Tensor | None) -> Tensor | None:
    """[E] of [E] or [E, 1]; edges with several numbers count as unweighted."""
    if weight is None or weight.numel() != weight.size(0):
        return None
    return weight.view(-1)
