"""The paper's data sets, read by PyG's and OGB's own classes, with the paper's features."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
from torch_geometric.data.storage import GlobalStorage
from torch_geometric.datasets import ZINC, GNNBenchmarkDataset, TUDataset

from graphpool_sanity._lazy import needs
from graphpool_sanity.datasets.collated import collated
from graphpool_sanity.training.benchmark import Benchmark, Split
from graphpool_sanity.training.tasks import Task

_ATOM_TYPES = 28
_PARTS = ("train", "val", "test")

TASK_OF: Mapping[str, Task] = {"ZINC": "regression", "ogbg-molhiv": "binary"}
"""The tasks that are not classification into classes."""

_OGB_STORES = (Data, DataEdgeAttr, DataTensorAttr, GlobalStorage)


def tu(name: str, folder: str, root: Path, cleaned: bool = False) -> Benchmark:
    """One-hot node labels, or ten ones where nodes have none; no official split.

    Morris et al., *TUDataset*, 2020; cleaned of isomorphic graphs by Ivanov et al., 2019.
    """
    dataset = TUDataset(str(root / "TUDataset"), folder, cleaned=cleaned)
    store = dataset._data
    num_nodes = torch.tensor([graph.num_nodes for graph in dataset])
    return Benchmark(
        name=name,
        graphs=collated(
            x=torch.ones(int(num_nodes.sum()), 10) if store.x is None else store.x,
            edge_index=store.edge_index,
            y=store.y,
            num_nodes=num_nodes,
            num_edges=dataset.slices["edge_index"].diff(),
        ),
        task="classification",
        out_channels=dataset.num_classes,
    )


def zinc(root: Path) -> Benchmark:
    """12,000 molecules, one-hot atom types; the target is the penalised logP.

    Dwivedi et al., *Benchmarking graph neural networks*, JMLR 2023, and their split.
    """
    folder = str(root / "ZINC")
    parts = [_arrays(ZINC(folder, subset=True, split=part)) for part in _PARTS]
    x, edge_index, y, num_nodes, num_edges = _joined(parts)
    return Benchmark(
        name="ZINC",
        graphs=collated(
            F.one_hot(x.view(-1), _ATOM_TYPES).float(), edge_index, y, num_nodes, num_edges
        ),
        task=TASK_OF["ZINC"],
        out_channels=1,
        official_split=_consecutive(parts),
    )


def smnist(root: Path) -> Benchmark:
    """MNIST as superpixels: mean intensity and position, edges to 8 near ones, unweighted.

    Dwivedi et al., *Benchmarking graph neural networks*, JMLR 2023, and their split, after
    Knyazev, Taylor, Amer, NeurIPS 2019. Edges are directed: 8 leave each node.
    """
    folder = str(root / "GNNBenchmarkDataset")
    parts = [_arrays(GNNBenchmarkDataset(folder, "MNIST", split=part)) for part in _PARTS]
    return Benchmark(
        name="SMNIST",
        graphs=collated(*_joined(parts)),
        task="classification",
        out_channels=10,
        official_split=_consecutive(parts),
    )


def _arrays(dataset: ZINC | GNNBenchmarkDataset) -> tuple[Tensor, ...]:
    """Features (with positions, if any), edges, targets, and sizes in nodes and edges."""
    store, slices = dataset._data, dataset.slices
    x = store.x if store.pos is None else torch.cat([store.x, store.pos], dim=1)
    return x, store.edge_index, store.y, slices["x"].diff(), slices["edge_index"].diff()


def _joined(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    x, edge_index, *others = zip(*parts, strict=True)
    return torch.cat(x), torch.cat(edge_index, dim=1), *(torch.cat(other) for other in others)


def _consecutive(parts: list[tuple[Tensor, ...]]) -> Split:
    sizes = [part[2].numel() for part in parts]
    train, val, test = torch.arange(sum(sizes)).split(sizes)
    return train, val, test


def molhiv(root: Path) -> Benchmark:
    """41,127 molecules that inhibit HIV or do not: categories of atoms and of bonds.

    Hu et al., *Open Graph Benchmark*, NeurIPS 2020, and their scaffold split. ``x`` [n, 9] and
    ``edge_attr`` [e, 3] are int64 for OGB's ``AtomEncoder`` and ``BondEncoder``, or an embedding
    of each column by ``node_categories`` and ``edge_categories``.
    """
    dataset, split = read_ogb("ogbg-molhiv", root / "OGB")
    from ogb.utils.features import get_atom_feature_dims, get_bond_feature_dims

    store, slices = dataset._data, dataset.slices
    return Benchmark(
        name="ogbg-molhiv",
        graphs=collated(
            x=store.x,
            edge_index=store.edge_index,
            y=store.y.view(-1).float(),
            num_nodes=slices["x"].diff(),
            num_edges=slices["edge_index"].diff(),
            edge_attr=store.edge_attr,
        ),
        task=TASK_OF["ogbg-molhiv"],
        out_channels=1,
        official_split=split,
        node_categories=tuple(get_atom_feature_dims()),
        edge_categories=tuple(get_bond_feature_dims()),
    )


def read_ogb(name: str, root: Path) -> tuple[InMemoryDataset, Split]:
    """A data set of OGB's graph property prediction, as its class reads it, and its split."""
    ogb = _import_ogb(name)
    # OGB stores PyG objects, which torch.load must be told to trust; leaving `safe_globals`
    # would also take away those that PyG has allowed for good.
    trusted = torch.serialization.get_safe_globals()
    untrusted = [store for store in _OGB_STORES if store not in trusted]
    declined = patch.object(ogb, "input", lambda _: "n", create=True)  # never ask and wait
    with torch.serialization.safe_globals(untrusted), declined:
        dataset = ogb.PygGraphPropPredDataset(name, root=str(root))
        split = dataset.get_idx_split()
    return dataset, (split["train"], split["valid"], split["test"])


def _import_ogb(name: str) -> ModuleType:
    """OGB's loader, kept from asking PyPI for a newer version in a thread, as its import does."""
    asks = "outdated" not in sys.modules
    if asks:
        sys.modules["outdated"] = None  # type: ignore[assignment]
    try:
        from ogb.graphproppred import dataset_pyg
    except ImportError as error:
        raise ImportError(f"{name} {needs('ogb')}") from error
    finally:
        if asks:
            del sys.modules["outdated"]
    return dataset_pyg
