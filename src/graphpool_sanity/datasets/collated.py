"""Many graphs laid end to end in a few tensors, as one PyG dataset."""

import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset


def collated(
    x: Tensor,
    edge_index: Tensor,
    y: Tensor,
    num_nodes: Tensor,
    num_edges: Tensor,
    edge_attr: Tensor | None = None,
) -> InMemoryDataset:
    """A dataset of B graphs, without a Python object for any of them until it is asked for.

    Shapes:
        **x** [N, F], **edge_index** [2, E], counted within each graph, **y** [B],
        **num_nodes** [B] and **num_edges** [B], the sizes of the graphs, **edge_attr** [E, D].
    """
    nodes, edges = (F.pad(size.cumsum(0), (1, 0)) for size in (num_nodes, num_edges))
    graphs = F.pad(num_nodes.new_ones(num_nodes.numel()).cumsum(0), (1, 0))
    dataset = InMemoryDataset()
    dataset.data = Data(x=x, edge_index=edge_index, edge_attr=edge_attr, y=y)
    dataset.slices = {"x": nodes, "edge_index": edges, "edge_attr": edges, "y": graphs}
    return dataset
