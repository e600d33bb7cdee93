"""Batches of graphs, taken from the tensors of a data set instead of graph by graph."""

from collections.abc import Iterator, Sequence
from random import Random

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, InMemoryDataset

from graphpool_sanity.modules import fork_rng
from graphpool_sanity.training.store import Store, store_of


class Batches:
    """Some graphs of a data set in batches, in an order that :meth:`shuffle` changes.

    The batches of PyG's ``DataLoader``. The graphs lie end to end in a few tensors on the device,
    for all epochs, and a batch is taken from these. Graphs that cannot (with lists or sparse
    matrices as attributes, of a class with rules of its own, or of a dataset that transforms them)
    are read anew, and PyG collates them, each time. What a transform draws follows from the seed of
    the order and the number of the batch, whatever else is drawn.

    Args:
        graphs: A PyG dataset, a list of ``Data``, or their store.
        index: [B], which graphs.
        batch_size: How many graphs a batch has; the last one has what is left.
        device: Where the batches are to be.
        lone: Whether the last batch may have one graph alone, where ``batch_size`` is larger; if
            not, it joins the batch before.
    """

    def __init__(
        self,
        graphs: Store | InMemoryDataset | Sequence[Data],
        index: Tensor,
        batch_size: int,
        device: torch.device | str = "cpu",
        lone: bool = True,
    ) -> None:
        self.graphs = graphs
        self.index = self.order = index
        self.batch_size = batch_size
        self.device = device
        self.lone = lone
        self._chance = Random(0)
        store = graphs if isinstance(graphs, Store) else store_of(graphs)
        self._store = None if store is None else store.to(device)

    @property
    def same(self) -> bool:
        """Whether the graphs are the same at each access: no transform draws them anew."""
        return self._store is not None or isinstance(self.graphs, list | tuple)

    def __len__(self) -> int:
        return len(self._parts())

    def shuffle(self, seed: int) -> None:
        """Put the graphs in an order that follows from ``seed`` alone."""
        generator = torch.Generator().manual_seed(seed)
        self._chance.seed(seed)
        self.order = self.index[torch.randperm(self.index.numel(), generator=generator)]

    def __iter__(self) -> Iterator[Batch]:
        for chosen in self._parts():
            if self._store is None:
                with fork_rng(self._chance.getrandbits(62)):
                    batch = Batch.from_data_list([self.graphs[int(i)] for i in chosen])
                yield batch.to(self.device)
            else:
                yield self._store.take(chosen).as_batch()

    def _parts(self) -> list[Tensor]:
        parts = list(self.order.split(self.batch_size))
        if not self.lone and len(parts) > 1 and len(parts[-1]) == 1 < self.batch_size:
            parts[-2:] = [torch.cat(parts[-2:])]
        return parts
