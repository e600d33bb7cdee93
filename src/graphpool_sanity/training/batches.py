"""Batches of graphs, gathered from the tensors of a data set instead of graph by graph."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Batch, Data, InMemoryDataset


class Batches:
    """Some graphs of a data set in batches, in an order that :meth:`shuffle` changes.

    The batches of PyG's ``DataLoader``. The graphs lie collated in a few tensors on the device, for
    all epochs, and a batch is gathered from these. Graphs that cannot be (with lists or sparse
    matrices as attributes, or of a class with rules of its own) PyG collates each time.

    Args:
        graphs: A PyG dataset or a list of ``Data``.
        index: [B], which graphs.
        batch_size: How many graphs a batch has; the last one has what is left.
        device: Where the batches are to be.
    """

    def __init__(
        self,
        graphs: InMemoryDataset | Sequence[Data],
        index: Tensor,
        batch_size: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.graphs = graphs
        self.index = self.order = index
        self.batch_size = batch_size
        self.device = device
        self._store = _collated(graphs, device)

    def __len__(self) -> int:
        return -(-self.index.numel() // self.batch_size)

    def shuffle(self, seed: int) -> None:
        """Put the graphs in an order that follows from ``seed`` alone."""
        generator = torch.Generator().manual_seed(seed)
        self.order = self.index[torch.randperm(self.index.numel(), generator=generator)]

    def __iter__(self) -> Iterator[Batch]:
        for chosen in self.order.split(self.batch_size):
            if self._store is None:
                batch = Batch.from_data_list([self.graphs[int(i)] for i in chosen])
                yield batch.to(self.device)
            else:
                yield _gather(*self._store, chosen.to(self.device))


def _collated(
    graphs: InMemoryDataset | Sequence[Data], device: torch.device | str
) -> tuple[Data, dict[str, Tensor]] | None:
    """All graphs in a few tensors, and where each begins in them; ``None`` if that cannot be."""
    if isinstance(graphs, InMemoryDataset) and graphs._indices is None and not graphs.transform:
        store, slices = graphs._data, graphs.slices
    else:
        listed = [graphs[i] for i in range(len(graphs))]
        if not all(type(graph) is Data for graph in listed):
            return None
        store, slices = InMemoryDataset.collate(listed)
    if type(store) is not Data or slices is None or "x" not in slices:
        return None
    slices = {key: first.to(device) for key, first in slices.items() if key in store}
    slices.pop("num_nodes", None)  # which x tells
    plain = all(isinstance(store[key], Tensor) and not store[key].is_sparse for key in slices)
    if not plain or any("batch" in key for key in slices):
        return None
    return store.to(device), slices


def _gather(store: Data, slices: dict[str, Tensor], chosen: Tensor) -> Batch:
    """The chosen graphs as one batch."""
    _, num_nodes = _begin_and_size(slices["x"], chosen)
    ptr = F.pad(num_nodes.cumsum(0), (1, 0))
    graph = torch.arange(chosen.numel(), device=chosen.device)
    values = {"batch": graph.repeat_interleave(num_nodes), "ptr": ptr}
    for key, slice_ in slices.items():
        first, size = _begin_and_size(slice_, chosen)
        shift = first - (size.cumsum(0) - size)  # from the place in the batch to that in the store
        place = shift.repeat_interleave(size)
        place += torch.arange(place.numel(), device=place.device)
        dim = store.__cat_dim__(key, store[key])
        values[key] = store[key].index_select(dim, place)
        if "index" in key or key == "face":  # these count nodes
            values[key] += ptr[:-1].repeat_interleave(size)
    return Batch(**values)


def _begin_and_size(slice_: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    first = slice_.index_select(0, chosen)
    return first, slice_.index_select(0, chosen + 1) - first
