"""Node embeddings of a batch of graphs, read from what any pooling layer takes and returns."""

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor, nn
from torch_geometric.nn import DMoNPooling


class Embeddings(NamedTuple):
    """The embeddings of the nodes of a batch of graphs, one graph after the other."""

    x: Tensor
    """[n, F]."""
    batch: Tensor
    """[n], the graph of each node, sorted."""
    num_graphs: int

    @property
    def counts(self) -> Tensor:
        """[B], the number of nodes of each graph."""
        return torch.bincount(self.batch, minlength=self.num_graphs)

    def of(self, graph: int) -> Tensor:
        """[n_g, F], the embeddings of one graph.

        Raises:
            ValueError: if there is no such graph.

        >>> Embeddings(torch.eye(3), torch.tensor([0, 2, 2]), num_graphs=3).of(2)
        tensor([[0., 1., 0.],
                [0., 0., 1.]])
        """
        if not 0 <= graph < self.num_graphs:
            raise ValueError(f"graph must lie in [0, {self.num_graphs}), got {graph}")
        return self.x[self.batch == graph]


def embeddings_in(
    layer: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object], num_graphs: int
) -> Embeddings:
    """What a layer is given to pool: ``z`` if it has it, else ``x``, else what comes first.

    Raises:
        ValueError: if there are no embeddings, or no telling to which graphs they belong.
    """
    fields = _arguments(layer, args, kwargs)
    first = next(iter(fields.values()), None)
    if hasattr(first, "x"):  # a batch of graphs
        fields, first = _fields(first), None
    named = [fields[name] for name in ("z", "x") if fields.get(name) is not None]
    return _embeddings(
        f"the input of {type(layer).__name__}",
        next(iter(named), first),
        fields.get("batch"),
        fields.get("mask"),
        num_graphs,
    )


def embeddings_out(layer: nn.Module, out: object, num_graphs: int) -> Embeddings:
    """What a layer returns.

    By name, if it has attributes ``x``, ``batch`` and ``mask``; else by place, as PyG's layers
    have it: ``(x, edge_index, edge_attr, batch, ...)``, ``(x, edge_index, batch, ...)``, or x
    [B, K, F] first (``DMoNPooling``: second). A row for each graph needs no batch.

    Raises:
        ValueError: if there are no embeddings, or no telling to which graphs they belong.
    """
    fields = _fields(out) if hasattr(out, "x") else _places(layer, out)
    x, batch = fields["x"], fields.get("batch")
    if batch is None and _is_features(x) and x.shape[:-1] == (num_graphs,):
        batch = torch.arange(num_graphs, device=x.device)
    name = f"the output of {type(layer).__name__}"
    return _embeddings(name, x, batch, fields.get("mask"), num_graphs)


def _arguments(
    layer: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, Any]:
    """The arguments of a call by name, those of ``**kwargs`` too; the first of ``*args`` is x."""
    signature = inspect.signature(layer.forward)
    given: dict[str, Any] = signature.bind(*args, **kwargs).arguments
    for name, parameter in signature.parameters.items():
        if name in given and parameter.kind is parameter.VAR_POSITIONAL:
            given = {"x": next(iter(given[name]), None)} | given
        elif name in given and parameter.kind is parameter.VAR_KEYWORD:
            given = given | given[name]
    return given


def _fields(holder: object) -> dict[str, Any]:
    return {name: getattr(holder, name, None) for name in ("x", "batch", "mask")}


def _places(layer: nn.Module, out: object) -> dict[str, Any]:
    if not isinstance(out, tuple | list):
        return {"x": out}
    place = 1 if isinstance(layer, DMoNPooling) else 0
    x = out[place] if len(out) > place else None
    candidates = (out[place] for place in (3, 2, 1) if place < len(out))
    return {"x": x, "batch": next((value for value in candidates if _is_batch(value, x)), None)}


def _is_features(value: object) -> TypeGuard[Tensor]:
    return isinstance(value, Tensor) and value.is_floating_point() and value.dim() in (2, 3)


def _is_batch(value: object, x: object) -> TypeGuard[Tensor]:
    if not (isinstance(value, Tensor) and isinstance(x, Tensor)):
        return False
    return value.dtype == torch.long and value.shape == x.shape[:1]


def _embeddings(
    name: str, x: object, batch: Tensor | None, mask: Tensor | None, num_graphs: int
) -> Embeddings:
    """Copies of the real rows, sorted by graph; all of one graph, without a batch."""
    if not _is_features(x):
        kind = f"{x.dtype} of {list(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"{name} must hold embeddings [N, F] or [B, N, F], got {kind}")
    if x.dim() == 3:
        num_graphs = max(num_graphs, x.size(0))
        batch = torch.arange(x.size(0), device=x.device).repeat_interleave(x.size(1))
        x = x.flatten(0, 1)
    elif batch is None:
        if num_graphs > 1:
            raise ValueError(f"{name} must tell by batch which of {num_graphs} graphs a node is of")
        batch = torch.zeros(len(x), dtype=torch.long, device=x.device)
    if mask is not None and mask.numel() == len(x):
        real = mask.flatten().bool()
        x, batch = x[real], batch[real]
    order = batch.argsort(stable=True)
    x, batch = x.detach()[order], batch[order]
    last = int(batch[-1]) + 1 if len(batch) else 0
    return Embeddings(x, batch, max(num_graphs, last))
