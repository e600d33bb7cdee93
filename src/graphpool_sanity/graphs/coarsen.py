"""Coarsening: what becomes of features and edges once it is known who is pooled with whom."""

import torch
from torch import Tensor
from torch_geometric.utils import coalesce, scatter

AGGREGATIONS = ("max", "min", "mean", "sum", "add")


def check_aggregation(name: str, aggr: str) -> None:
    """Raise a ``ValueError`` unless ``aggr`` is one of ``AGGREGATIONS``."""
    if aggr not in AGGREGATIONS:
        raise ValueError(f"{name} must be one of {', '.join(AGGREGATIONS)}, got {aggr!r}")


def pool_nodes(x: Tensor, cluster: Tensor, num_clusters: int, aggr: str) -> Tensor:
    """Reduce the features [N, F] of each cluster to [C, F]."""
    return scatter(x, cluster, dim=0, dim_size=num_clusters, reduce=aggr)


def pool_edges(
    edge_index: Tensor, edge_attr: Tensor | None, cluster: Tensor, num_clusters: int, aggr: str
) -> tuple[Tensor, Tensor | None]:
    """The edges between different clusters, once per direction, sorted, attributes merged.

    Means are floating point numbers, of integers, too, and where no edges merge.
    """
    ends = cluster[edge_index]
    between = (ends[0] != ends[1]).nonzero().view(-1)
    ends = ends.index_select(1, between)
    if edge_attr is not None:
        edge_attr = edge_attr.index_select(0, between)
    ends, edge_attr = coalesce(ends, edge_attr, num_nodes=num_clusters, reduce=aggr)
    if edge_attr is not None and aggr == "mean":
        edge_attr = edge_attr.to(torch.result_type(edge_attr, 1.0))
    return ends, edge_attr


def pool_batch(batch: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """[C], the graph of each cluster."""
    return batch.new_empty(num_clusters).scatter_(0, cluster, batch)
