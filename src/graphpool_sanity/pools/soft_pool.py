"""What all soft pooling layers do, whatever selects and whatever the losses are."""

from typing import NamedTuple

from torch import Tensor, nn
from torch_geometric.nn.inits import reset
from torch_geometric.typing import Adj

from graphpool_sanity.graphs.graph import check_features
from graphpool_sanity.graphs.soft_coarsen import Coarse, SoftGraphs
from graphpool_sanity.graphs.soft_input import read_soft_graphs


class SoftPoolOutput(NamedTuple):
    """Pooled graphs, in the order in which PyG's dense pooling functions return them."""

    x: Tensor
    """[B, K, F'], the features of each cluster."""
    adj: Tensor
    """[B, K, K], the edges between clusters."""
    graph_loss: Tensor
    """How badly the assignment fits the edges: link prediction or min-cut."""
    assignment_loss: Tensor
    """How undecided or uneven the assignment itself is: entropy or orthogonality."""


class SoftPool(nn.Module):
    """Selects an assignment, coarsens by it, and leaves the losses to its subclasses."""

    def __init__(self, in_channels: int, num_clusters: int, select: nn.Module) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_clusters = num_clusters
        self.select = select

    def reset_parameters(self) -> None:
        """Initialise the selector anew."""
        reset(self.select)

    def forward(
        self,
        x: Tensor,
        adj: Adj,
        mask: Tensor | None = None,
        batch: Tensor | None = None,
        z: Tensor | None = None,
        batch_size: int | None = None,
    ) -> SoftPoolOutput:
        """Pool ``z`` (``x`` if ``None``) and ``adj`` by the assignment of ``x``."""
        check_features(x, self.in_channels)
        graphs = read_soft_graphs(x, adj, mask, batch, z, batch_size)
        s = self.select(graphs)
        coarse = graphs.coarsen(s)
        adj, *losses = self.finish(graphs, s, coarse)
        return SoftPoolOutput(coarse.x, adj, *(loss.to(x.dtype) for loss in losses))

    def finish(self, graphs: SoftGraphs, s: Tensor, coarse: Coarse) -> tuple[Tensor, ...]:
        """The adjacency of the clusters and the two losses."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The layer's sizes."""
        return f"{self.in_channels}, num_clusters={self.num_clusters}"
