"""Soft selection: how much of each node goes to each cluster, learned or drawn by chance.

An assignment maps graphs to S [.., K]: rows that sum to one, and zero rows on padding. It is all
that tells a layer from its null.
"""

from collections.abc import Callable
from math import inf
from numbers import Integral, Real

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch_geometric.nn.inits import reset

from graphpool_sanity.graphs.nodes import Nodes
from graphpool_sanity.graphs.soft_coarsen import SoftGraphs
from graphpool_sanity.modules import fork_rng
from graphpool_sanity.select.chance import Seeded


class LearnedAssignment(nn.Module):
    """Softmax of the scores of a network: of features and graph (a GNN), or of features alone."""

    def __init__(
        self,
        in_channels: int,
        num_clusters: int,
        network: nn.Module | None,
        default: Callable[[int, int], nn.Module],
        on_graph: bool,
    ) -> None:
        super().__init__()
        check_positive(in_channels=in_channels, num_clusters=num_clusters)
        name = "gnn" if on_graph else "mlp"
        if network is not None and not callable(network):
            raise ValueError(f"{name} must be a torch.nn.Module, got {network!r}")
        self.network = default(in_channels, num_clusters) if network is None else network
        self.num_clusters = num_clusters
        self.on_graph = on_graph
        self._name = name

    def reset_parameters(self) -> None:
        """Initialise the network anew."""
        reset(self.network)

    def forward(self, graphs: SoftGraphs) -> Tensor:
        """S [.., K]."""
        scores = self.network(*graphs.dense()) if self.on_graph else self.network(graphs.x)
        wanted = (*graphs.x.shape[:-1], self.num_clusters)
        if scores.shape != wanted:
            raise ValueError(
                f"{self._name} must return shape {list(wanted)}, one score per node and cluster, "
                f"got {list(scores.shape)}"
            )
        return graphs.mask_padding(scores.softmax(-1))


class RandomAssignment(Seeded):
    """Softmax of scores drawn once: one row per position of a node, or its features projected.

    The random matrix is a buffer and never gets a gradient, nor do the features projected by it.
    """

    matrix: Tensor

    def __init__(
        self,
        in_channels: int,
        num_clusters: int,
        distribution: str | Distribution = "normal",
        invariant: bool = True,
        max_num_nodes: int | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_positive(in_channels=in_channels, num_clusters=num_clusters)
        rows = in_channels
        if not invariant:
            if max_num_nodes is None:
                raise ValueError("max_num_nodes must be given unless invariant=True, got None")
            check_positive(max_num_nodes=max_num_nodes)
            rows = max_num_nodes
        self.distribution = distribution
        self.invariant = invariant
        self.register_buffer("matrix", torch.empty(rows, num_clusters))
        self.keep_seed(seed)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the matrix anew (from another seed if none was given)."""
        rows, columns = self.matrix.shape
        self.matrix.copy_(draw_matrix(self.distribution, rows, columns, self.new_seed()))

    def forward(self, graphs: SoftGraphs | Nodes) -> Tensor:
        """S [.., K]."""
        matrix = self.matrix.to(graphs.x.dtype)
        scores = graphs.x.detach() @ matrix if self.invariant else graphs.rows(matrix)
        s = scores.softmax(-1).to(graphs.x.dtype)  # not autocast's, as of rows that are copied
        return graphs.mask_padding(s)

    def extra_repr(self) -> str:
        """The matrix's shape and law."""
        rows, columns = self.matrix.shape
        kind = "invariant" if self.invariant else "one row per position"
        return f"{rows} x {columns}, {self.distribution}, {kind}"


_SAMPLERS: dict[str, Callable[[int, int, torch.Generator], Tensor]] = {
    "uniform": lambda n, k, g: torch.rand(n, k, generator=g, device="cpu"),
    "normal": lambda n, k, g: torch.randn(n, k, generator=g, device="cpu"),
    "bernoulli": lambda n, k, g: (torch.rand(n, k, generator=g, device="cpu") < 0.3).float(),
    "categorical": lambda n, k, g: nn.functional.one_hot(
        torch.randint(k, (n,), generator=g, device="cpu"), k
    ),
}


def draw_matrix(distribution: str | Distribution, rows: int, columns: int, seed: int) -> Tensor:
    """A random matrix [rows, columns] that depends on the seed alone; no global state is touched.

    ``"uniform"`` U(0, 1), ``"normal"`` N(0, 1), ``"bernoulli"`` B(0.3), ``"categorical"`` (one-hot
    rows), or a ``torch.distributions.Distribution`` of single entries or of whole rows.

    Raises:
        ValueError: on an unknown distribution, or one whose samples do not fit.
    """
    if isinstance(distribution, Distribution):
        return _sample(distribution, rows, columns, seed)
    if distribution not in _SAMPLERS:
        raise ValueError(
            f"distribution must be one of {', '.join(_SAMPLERS)} or a "
            f"torch.distributions.Distribution, got {distribution!r}"
        )
    return _SAMPLERS[distribution](rows, columns, torch.Generator().manual_seed(seed))


def _sample(distribution: Distribution, rows: int, columns: int, seed: int) -> Tensor:
    entry = distribution.batch_shape + distribution.event_shape
    if entry not in ((), (columns,)):
        raise ValueError(
            f"distribution must have samples of shape [] or [{columns}], got {list(entry)}"
        )
    with fork_rng(seed):  # distributions draw from the global generators alone
        return distribution.sample((rows,) if entry else (rows, columns))


def check_positive(**sizes: int) -> None:
    """Raise a ``ValueError`` that names the first size that is not a positive integer."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(f"{name} must be a positive integer, got {size!r}")


def check_scale(**scales: float) -> None:
    """Raise a ``ValueError`` that names the first scale that is not a positive number."""
    for name, scale in scales.items():
        if not isinstance(scale, Real) or not 0 < scale < inf:
            raise ValueError(f"{name} must be positive and finite, got {scale!r}")
