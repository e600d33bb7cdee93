"""How smooth node embeddings are on their graph: energy along edges, energy by frequency."""

from itertools import pairwise
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from torch import Tensor
from torch_geometric.typing import Adj
from torch_geometric.utils import degree, remove_self_loops, scatter, to_undirected

from graphpool_sanity.analysis.variance import check_finite
from graphpool_sanity.graphs.graph import Graph, read_graph, unpack

_DENSE = 512  # components of so many nodes are decomposed in full
_TIE = 1e-8  # eigenvalues that are no further apart are one
_SHIFT = -0.01  # below all eigenvalues, so that the shifted Laplacian can be inverted

Array = NDArray[np.float64]


def dirichlet_energy(
    x: Tensor, edge_index: Adj, batch: Tensor | None = None, batch_size: int | None = None
) -> Tensor:
    r"""How much embeddings differ along the edges of each graph, from 0 (not at all) to 2.

    .. math::
        E_g = \frac{\sum_{\{i, j\} \in \mathcal{E}_g} \|\mathbf{x}_i - \mathbf{x}_j\|^2}
        {\sum_{i \in g} m_i \|\mathbf{x}_i\|^2}, \qquad m_i = \max(d_i, 1)

    with the degree :math:`d_i`. It is the Rayleigh quotient of the normalised Laplacian
    :math:`\mathbf{M}^{-1/2} (\mathbf{D} - \mathbf{A}) \mathbf{M}^{-1/2}` at
    :math:`\mathbf{M}^{1/2} \mathbf{X}`: 0 for what is constant on each connected component, 2 for
    what changes its sign along every edge, 1 on average for independent entries of mean zero on
    a graph without isolated nodes. A graph without nodes or features other than zero has 0.
    What is added to all nodes lowers it: center ``x`` to compare embeddings of unlike means.

    Edges count once, without direction, weight or self-loops.

    Shapes:
        **x** [N, F], **edge_index** [2, E] or any sparse adjacency, **batch** [N] sorted (one
        graph if ``None``), **batch_size** the number of graphs B, where the last ones may be empty;
        returns [B], in double precision.

    Raises:
        ValueError: on malformed input, or embeddings that are not finite.

    >>> path = torch.tensor([[0, 1], [1, 2]])
    >>> dirichlet_energy(torch.tensor([[1.0], [-1.0], [1.0]]), path)
    tensor([2.], dtype=torch.float64)
    """
    x, edge_index, weight, graph = _read(x, edge_index, batch, batch_size)
    row, col = edge_index  # both ways
    along = (x[row] - x[col]).square().sum(1) / 2
    energy = scatter(along, graph.batch[row], 0, graph.num_graphs)
    norm = scatter(weight * x.square().sum(1), graph.batch, 0, graph.num_graphs)
    return torch.where(norm > 0, energy / norm, 0)


def low_frequency_share(
    x: Tensor,
    edge_index: Adj,
    batch: Tensor | None = None,
    k: int | float = 1,
    batch_size: int | None = None,
) -> Tensor:
    r"""The share of each graph's energy in its k lowest frequencies, from 0 to 1.

    .. math::
        \frac{\sum_{l \le k} \|\mathbf{u}_l^\top \mathbf{Y}\|^2}{\|\mathbf{Y}\|^2}, \qquad
        \mathbf{Y} = \mathbf{M}^{1/2} \mathbf{X}

    with the eigenvectors :math:`\mathbf{u}_l` of the normalised Laplacian of
    :func:`dirichlet_energy`, by ascending eigenvalue. A connected graph has one of eigenvalue 0:
    what is constant has a share of 1. Where eigenvalues are equal, no choice of eigenvectors is
    preferred: those taken have their share of what all of them hold. A graph without nodes or
    features other than zero has 1.

    What is constant on each component needs no decomposition. Beyond, components of up to 512 nodes
    are decomposed in full by ``numpy.linalg.eigh``, larger ones by ``scipy.sparse.linalg.eigsh`` as
    far as ``k`` needs.

    Args:
        x: [N, F].
        edge_index: [2, E] or any sparse adjacency; as in :func:`dirichlet_energy`.
        batch: [N] sorted; one graph if ``None``.
        k: How many frequencies: an int of at least 1, or a float in (0, 1], the share of each
            graph's (rounded up). 1 is one, 1.0 is all.
        batch_size: The number of graphs B; as in :func:`dirichlet_energy`.

    Returns:
        [B], in double precision.

    Raises:
        ValueError: on malformed input, or embeddings that are not finite.

    >>> path = torch.tensor([[0, 1], [1, 2]])
    >>> low_frequency_share(torch.tensor([[1.0], [1.0], [1.0]]), path, k=1).round(decimals=6)
    tensor([1.], dtype=torch.float64)
    """
    if isinstance(k, bool) or not (k >= 1 if isinstance(k, int) else 0 < k <= 1):
        raise ValueError(f"k must be an int of at least 1 or a float in (0, 1], got {k!r}")
    x, edge_index, weight, graph = _read(x, edge_index, batch, batch_size)
    laplacian = _laplacian(edge_index, graph.num_nodes)
    root = weight.sqrt().cpu().numpy()
    y = root[:, None] * x.cpu().numpy()
    bounds = np.searchsorted(graph.batch.cpu().numpy(), np.arange(graph.num_graphs + 1))
    shares = []
    for start, end in pairwise(bounds):
        wanted = k if isinstance(k, int) else ceil(round(k * (end - start), 9))
        own = slice(start, end)
        shares.append(_share(laplacian[own, own], y[own], root[own], wanted))
    return torch.tensor(shares, dtype=torch.double, device=x.device)


def _read(
    x: Tensor, adj: Adj, batch: Tensor | None, batch_size: int | None
) -> tuple[Tensor, Tensor, Tensor, Graph]:
    """Features of at most 1 in each graph, edges both ways, the weights m, and the batch."""
    if x.dim() != 2 or not x.is_floating_point():
        raise ValueError(
            f"x must be a floating point tensor of shape [N, F], got {x.dtype} of shape "
            f"{list(x.shape)}"
        )
    check_finite(x)
    num_nodes = x.size(0)
    graph = read_graph(unpack(adj, num_nodes)[0], num_nodes, batch, batch_size=batch_size)
    edges = to_undirected(remove_self_loops(graph.edge_index)[0], num_nodes=num_nodes)
    weight = degree(edges[0], num_nodes, torch.double).clamp(min=1)
    x = x.detach().double()
    if x.numel() > 0:
        peak = scatter(x.abs().amax(1), graph.batch, 0, graph.num_graphs, reduce="max")
        x = x / torch.where(peak > 0, peak, 1)[graph.batch].view(-1, 1)
    return x, edges, weight, graph


def _laplacian(edge_index: Tensor, num_nodes: int) -> csr_array:
    """The normalised Laplacian of a batch of graphs; rows of isolated nodes are zero."""
    row, col = edge_index.cpu().numpy()
    adjacency = csr_array((np.ones(len(row)), (row, col)), shape=(num_nodes, num_nodes))
    degrees = adjacency.sum(1)
    scale = diags_array(1 / np.sqrt(np.maximum(degrees, 1)))
    return csr_array(scale @ (diags_array(degrees) - adjacency) @ scale)


def _share(laplacian: csr_array, y: Array, root: Array, k: int) -> float:
    """The share of the energy of ``y`` in the k lowest frequencies of one graph."""
    total = float(np.square(y).sum())
    if k >= len(y) or total == 0:
        return 1.0
    number, component = connected_components(laplacian, directed=False)
    if k <= number:  # the eigenvectors of 0 are the roots of the weights, on each component
        vectors = csr_array((root, (component, np.arange(len(y)))), shape=(number, len(y)))
        energies = np.square(vectors @ y).sum(1) / np.bincount(component, np.square(root))
        return min(1.0, k / number * float(energies.sum()) / total)
    asked = k + 1
    while True:
        values, energies = _lowest(laplacian, y, asked)
        tied = np.abs(values - values[k - 1]) <= _TIE
        if len(values) == len(y) or not tied[-1]:
            break
        asked = 2 * asked
    below = values < values[k - 1] - _TIE
    taken = (k - below.sum()) / tied.sum()
    return min(1.0, float(energies[below].sum() + taken * energies[tied].sum()) / total)


def _lowest(laplacian: csr_array, y: Array, number: int) -> tuple[Array, Array]:
    """At least ``number`` of the lowest eigenvalues, if there are, and the energy of ``y`` at each.

    Component by component, so that the eigenvalue 0 is a simple one.
    """
    _, component = connected_components(laplacian, directed=False)
    ends = np.bincount(component).cumsum()
    values, energies = [], []
    for nodes in np.split(np.argsort(component, kind="stable"), ends[:-1]):
        value, vectors = _eigenpairs(laplacian[nodes][:, nodes], number)
        values.append(value)
        energies.append(np.square(vectors.T @ y[nodes]).sum(1))
    value, energy = np.concatenate(values), np.concatenate(energies)
    order = np.argsort(value, kind="stable")
    if len(value) < len(y):  # beyond these, a component may have lower ones that are not known
        order = order[:number]
    return value[order], energy[order]


def _eigenpairs(laplacian: csr_array, number: int) -> tuple[Array, Array]:
    size = laplacian.shape[0]
    if size <= _DENSE or 2 * number >= size:
        return np.linalg.eigh(laplacian.toarray())
    start = np.random.default_rng(0).standard_normal(size)
    return eigsh(laplacian, number, sigma=_SHIFT, v0=start)
