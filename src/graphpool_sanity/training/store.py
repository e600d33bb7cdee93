"""Graphs laid end to end in a few tensors, from which any of them are taken at once."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Batch, Data, Dataset, InMemoryDataset


class Store(NamedTuple):
    """Graphs of which each attribute is one tensor."""

    values: dict[str, Tensor]
    """Each attribute of all graphs, end to end."""
    slices: dict[str, Tensor]
    """[B + 1], where each graph begins in an attribute, on the CPU."""
    dims: dict[str, int]
    """The dimension along which an attribute lies end to end."""
    num_nodes: Tensor | None
    """[B], where the graphs say it themselves; else ``x`` does."""

    def sizes(self, key: str) -> Tensor:
        """[B], how many entries each graph has of an attribute."""
        return self.slices[key].diff()

    def to(self, device: torch.device | str) -> "Store":
        """The same graphs on a device; these stay where they are."""
        return self._replace(values={key: value.to(device) for key, value in self.values.items()})

    def take(self, chosen: Tensor) -> "Store":
        """The chosen graphs, in this order."""
        values, slices = {}, {}
        for key, first in self.slices.items():
            begin = first[chosen]
            size = first[chosen + 1] - begin
            slices[key] = F.pad(size.cumsum(0), (1, 0))
            total = int(slices[key][-1])
            shift = begin - slices[key][:-1]  # from the place taken to that in the store
            where = self.values[key].device
            place = shift.to(where).repeat_interleave(size.to(where), output_size=total)
            place += torch.arange(total, device=where)
            values[key] = self.values[key].index_select(self.dims[key], place)
        num_nodes = None if self.num_nodes is None else self.num_nodes[chosen]
        return Store(values, slices, self.dims, num_nodes)

    def as_batch(self) -> Batch:
        """All graphs as PyG's ``Batch.from_data_list`` has them."""
        values, given = dict(self.values), self.num_nodes
        num_nodes = self.sizes("x") if given is None else given
        ptr = F.pad(num_nodes.cumsum(0), (1, 0))
        where, total = values["x"].device, int(ptr[-1])
        increments = {key: torch.zeros_like(num_nodes) for key in values}
        for key in filter(_counts_nodes, values):
            increments[key] = ptr[:-1]
            size = self.sizes(key)
            shift = ptr[:-1].repeat_interleave(size, output_size=int(size.sum()))
            values[key] = values[key] + shift.to(where, values[key].dtype)
        graph = torch.arange(num_nodes.numel(), device=where)
        values["batch"] = graph.repeat_interleave(num_nodes.to(where), output_size=total)
        batch = Batch(**values, ptr=ptr.to(where))
        if given is not None:
            batch._store._num_nodes = given.tolist()
            batch.num_nodes = total
        batch._num_graphs = num_nodes.numel()
        batch._slice_dict, batch._inc_dict = dict(self.slices), increments
        return batch

    def as_dataset(self) -> InMemoryDataset:
        """All graphs as a PyG dataset."""
        dataset = InMemoryDataset()
        dataset.data = Data(**self.values)
        dataset.slices = dict(self.slices)
        if self.num_nodes is not None:
            dataset._data._store._num_nodes = self.num_nodes.tolist()
            dataset._data.num_nodes = int(self.num_nodes.sum())
        return dataset


def store_of(graphs: InMemoryDataset | Sequence[Data]) -> Store | None:
    """The graphs of a dataset or a list, end to end; ``None`` if they are not always the same.

    Nor can they be laid so if they have lists or sparse matrices as attributes, are of a class
    with rules of its own, or differ in what they have. A dataset is not copied.
    """
    if isinstance(graphs, list | tuple):
        return _of_list(graphs)
    if not isinstance(graphs, InMemoryDataset) or not _is_fixed(graphs) or len(graphs) < 2:
        return None
    found = _of_collated(graphs._data, graphs.slices)
    if found is None or graphs._indices is None:
        return found
    return found.take(torch.as_tensor(list(graphs._indices)))


def values_of(graphs: InMemoryDataset | Sequence[Data], key: str) -> Tensor:
    """One attribute of all graphs, end to end; no graph is built where they lie so already."""
    store = _only(graphs, key)
    return torch.cat([graph[key] for graph in graphs]) if store is None else store.values[key]


def num_nodes_of(graphs: InMemoryDataset | Sequence[Data]) -> Tensor:
    """[B], the nodes of each graph."""
    store = _only(graphs, "x")
    if store is None:
        return torch.tensor([graph.num_nodes for graph in graphs])
    return store.sizes("x") if store.num_nodes is None else store.num_nodes


def _only(graphs: InMemoryDataset | Sequence[Data], key: str) -> Store | None:
    """The store of a dataset with one attribute alone; ``None`` if it has none."""
    if not isinstance(graphs, InMemoryDataset) or not _is_fixed(graphs) or len(graphs) < 2:
        return None
    store = _of_collated(graphs._data, graphs.slices)
    if store is None or key not in store.slices:
        return None
    slices = {key: store.slices[key]}
    store = store._replace(values={key: store.values[key]}, slices=slices)
    if graphs._indices is None:
        return store
    return store.take(torch.as_tensor(list(graphs._indices)))


def _is_fixed(dataset: InMemoryDataset) -> bool:
    """Whether an access gives what is stored, and does nothing of its own."""
    kind = type(dataset)
    own = kind.get is not InMemoryDataset.get or kind.__getitem__ is not Dataset.__getitem__
    return dataset.transform is None and not own


def _of_list(graphs: Sequence[Data]) -> Store | None:
    if len(graphs) < 2 or not all(type(graph) is Data for graph in graphs):
        return None
    if any(_kinds(graph) != _kinds(graphs[0]) for graph in graphs):
        return None
    try:
        return _of_collated(*InMemoryDataset.collate(graphs))
    except RuntimeError:  # of shapes that do not fit end to end
        return None


def _kinds(graph: Data) -> dict[str, tuple[type, torch.dtype | None, int | None]]:
    return {
        key: (type(value), getattr(value, "dtype", None), value.dim())
        if isinstance(value, Tensor)
        else (type(value), None, None)
        for key, value in graph.to_dict().items()
    }


def _of_collated(data: Data, slices: dict[str, Tensor] | None) -> Store | None:
    if type(data) is not Data or slices is None or "x" not in slices:
        return None
    slices = {key: first for key, first in slices.items() if key in data and key != "num_nodes"}
    values = {key: data[key] for key in slices}
    told = getattr(data._store, "_num_nodes", None)
    if told is None and "num_nodes" in data:
        return None
    if not all(_is_plain(key, values[key]) and _is_plain("", slices[key]) for key in slices):
        return None
    dims = {key: data.__cat_dim__(key, value) for key, value in values.items()}
    num_nodes = None if told is None else torch.as_tensor(told)
    return Store(values, {key: first.cpu() for key, first in slices.items()}, dims, num_nodes)


def _is_plain(key: str, value: object) -> bool:
    if type(value) is not Tensor or value.layout is not torch.strided or value.is_nested:
        return False
    if "batch" in key or key == "ptr":
        return False
    return not _counts_nodes(key) or value.dtype in (torch.int64, torch.int32)


def _counts_nodes(key: str) -> bool:
    """Whether PyG shifts an attribute of that name by the nodes of the graphs before."""
    return "index" in key or key == "face"
