"""Soft selectors of the nulls: by chance, or the same for every node.

Each gives S [.., K] for whatever a soft or memory pool hands to its selector: the graphs, and for
memory pools the keys and the weights of the heads, which selectors without keys leave aside.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphpool_sanity.graphs.nodes import Nodes
from graphpool_sanity.graphs.soft_coarsen import SoftGraphs
from graphpool_sanity.select.assignment import check_positive
from graphpool_sanity.select.chance import Seeded, priorities

_INVERSE_CDF: dict[str, Callable[[Tensor], Tensor]] = {
    "uniform": lambda u: u,
    "normal": torch.special.ndtri,
}


class HashedAssignment(Seeded):
    r"""Softmax of scores drawn by chance, one row for each position of a node, however many.

    .. math::
        \mathbf{S}_{i \cdot} = \mathrm{softmax}(\tilde{\mathbf{S}}_{i \cdot}), \qquad
        \tilde{\mathbf{S}}_{ij} = F^{-1}(u_{ij})

    Row i goes to node i of each graph. The numbers :math:`u_{ij}` in (0, 1) are hashed from the
    seed, i and j: nothing is stored, no graph is too large, every device gives the same.

    Args:
        num_clusters: The clusters :math:`K`.
        distribution: The law :math:`F` of the scores: ``"normal"`` N(0, 1) or ``"uniform"``
            U(0, 1).
        seed: Seed of the hash; drawn from the global generator if ``None``.

    Raises:
        ValueError: on an unknown distribution, or clusters that are not a positive number.
    """

    def __init__(
        self, num_clusters: int, distribution: str = "normal", seed: int | None = None
    ) -> None:
        super().__init__()
        check_positive(num_clusters=num_clusters)
        if distribution not in _INVERSE_CDF:
            raise ValueError(
                f"distribution must be one of {', '.join(_INVERSE_CDF)}, got {distribution!r}"
            )
        self.num_clusters = num_clusters
        self.distribution = distribution
        self.keep_seed(seed)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the scores anew (from another seed if none was given)."""
        self.new_seed()

    def scores(self, position: Tensor) -> Tensor:
        """[.., K] in double precision, the scores of the nodes at ``position`` [..], int64."""
        cluster = torch.arange(self.num_clusters, device=position.device)
        row = priorities(position, self.seed).unsqueeze(-1)
        uniform = (priorities(row, cluster).double() + 0.5) / 2**31
        return _INVERSE_CDF[self.distribution](uniform)

    def forward(self, graphs: SoftGraphs | Nodes, *memory: Tensor) -> Tensor:
        """S [.., K]."""
        position = torch.arange(graphs.max_num_nodes, device=graphs.x.device)
        rows = self.scores(position).softmax(-1).to(graphs.x.dtype)
        return graphs.mask_padding(graphs.rows(rows))

    def extra_repr(self) -> str:
        """The law of the scores."""
        return f"{self.num_clusters}, {self.distribution}"


class UniformAssignment(nn.Module):
    """Gives each cluster the same share of each node: no node is told from another."""

    def __init__(self, num_clusters: int) -> None:
        super().__init__()
        check_positive(num_clusters=num_clusters)
        self.num_clusters = num_clusters

    def reset_parameters(self) -> None:
        """There is nothing to draw."""

    def forward(self, graphs: SoftGraphs | Nodes, *memory: Tensor) -> Tensor:
        """S [.., K]."""
        shape = (*graphs.x.shape[:-1], self.num_clusters)
        return graphs.mask_padding(graphs.x.new_full(shape, 1 / self.num_clusters))

    def extra_repr(self) -> str:
        """The number of clusters."""
        return f"{self.num_clusters}"
