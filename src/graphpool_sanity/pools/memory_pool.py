"""Memory pooling and its two nulls: the same layer with another selector."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch_geometric.nn.inits import reset

from graphpool_sanity.graphs.graph import check_features
from graphpool_sanity.graphs.nodes import read_nodes
from graphpool_sanity.losses import kl_clustering_loss
from graphpool_sanity.select.assignment import RandomAssignment, check_positive, check_scale
from graphpool_sanity.select.chance import Seeded
from graphpool_sanity.select.memory import KeyDistance, StudentT


class _MemoryPool(nn.Module):
    """Everything that memory pooling does, whatever its selector."""

    kl_loss = staticmethod(kl_clustering_loss)

    def __init__(
        self, select: nn.Module, in_channels: int, out_channels: int, num_clusters: int
    ) -> None:
        super().__init__()
        check_positive(
            in_channels=in_channels, out_channels=out_channels, num_clusters=num_clusters
        )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.num_clusters = num_clusters
        self.select = select
        self.lin = nn.Linear(in_channels, out_channels, bias=False)

    def reset_parameters(self) -> None:
        """Initialise the weights, and draw anew whatever the selector is given."""
        for child in self.children():
            reset(child)

    def forward(
        self,
        x: Tensor,
        batch: Tensor | None = None,
        mask: Tensor | None = None,
        max_num_nodes: int | None = None,
        batch_size: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The pooled features [B, K, F'] and the assignment [B, N, K]."""
        check_features(x, self.in_channels)
        nodes = read_nodes(x, batch, mask, max_num_nodes, batch_size)
        pooled, s = nodes.pool(self.select(nodes, *self._memory()))
        return self.lin(pooled), s

    def _memory(self) -> tuple[Tensor, ...]:
        """What the selector compares the nodes with."""
        return ()

    def extra_repr(self) -> str:
        """The layer's sizes."""
        return f"{self.in_channels}, {self.out_channels}, num_clusters={self.num_clusters}"


class _KeyMemoryPool(_MemoryPool):
    """Memory pooling with keys, under the names that PyG's ``MemPooling`` gives them.

    A null may have taken them away, with ``k`` and ``conv``.
    """

    k: Tensor

    def __init__(
        self, select: nn.Module, in_channels: int, out_channels: int, heads: int, num_clusters: int
    ) -> None:
        super().__init__(select, in_channels, out_channels, num_clusters)
        check_positive(heads=heads)
        self.heads = heads
        self.conv = nn.Conv2d(heads, 1, kernel_size=1, bias=False)

    def reset_parameters(self) -> None:
        """Initialise the weights, and draw the keys anew."""
        super().reset_parameters()
        if hasattr(self, "k"):
            self._draw_keys()

    def _draw_keys(self) -> None:
        raise NotImplementedError

    def _memory(self) -> tuple[Tensor, ...]:
        return (self.k, self.conv.weight.flatten()) if hasattr(self, "k") else ()

    def extra_repr(self) -> str:
        """The layer's sizes."""
        return f"{super().extra_repr()}, heads={self.heads}"


class MemoryPool(_KeyMemoryPool):
    r"""Pools nodes by their similarity to keys that are learned: PyG's ``MemPooling``.

    .. math::
        \mathbf{S}_h[i, j] &\propto
        (1 + \|\mathbf{x}_i - \mathbf{k}_{jh}\|^2 / \tau)^{-\frac{\tau + 1}{2}}, \quad
        \textstyle\sum_j \mathbf{S}_h[i, j] = 1 \\
        \mathbf{S} &= \mathrm{softmax}\big(\textstyle\sum_h w_h \mathbf{S}_h\big), \qquad
        \mathbf{X}' = \mathbf{S}^\top \mathbf{X} \mathbf{W}

    Parameters bear the names of ``MemPooling``, whose ``state_dict`` it loads. In the paper the
    keys ``k`` follow the gradient of :func:`kl_loss` alone, all else that of the supervised loss.
    (In the released code they are no parameters and never change.)

    Args:
        in_channels: The channels :math:`F` of ``x``.
        out_channels: The channels :math:`F'` of the pooled features.
        heads: The heads :math:`H`, each with keys of its own.
        num_clusters: The keys :math:`K` of a head, the clusters of each graph.
        tau: The degrees of freedom :math:`\tau` of Student's t.

    Shapes:
        - sparse: **x** [N, F], **batch** [N] sorted (one graph if ``None``), **max_num_nodes** the
          rows to pad each graph to (the largest graph if ``None``), **batch_size** the number of
          graphs.
        - dense: **x** [B, N, F], **mask** [B, N], true for real nodes.
        - returns x [B, K, F'] and S [B, N, K], zero on padding. The activation of Equation (8) is
          left to the caller, as in ``MemPooling``.

    Raises:
        ValueError: on malformed input.

    Equations (7) and (8) of Mesquita, Souza, Kaski, NeurIPS 2020; Khasahmadi et al., *Memory-based
    graph networks*, ICLR 2020.

    >>> x, s = MemoryPool(8, 16, heads=2, num_clusters=3)(torch.randn(5, 8))
    >>> x.shape, s.shape
    (torch.Size([1, 3, 16]), torch.Size([1, 5, 3]))
    """

    def __init__(
        self, in_channels: int, out_channels: int, heads: int, num_clusters: int, tau: float = 1.0
    ) -> None:
        super().__init__(StudentT(tau), in_channels, out_channels, heads, num_clusters)
        self.k = nn.Parameter(torch.empty(heads, num_clusters, in_channels))
        self._draw_keys()

    def _draw_keys(self) -> None:
        nn.init.uniform_(self.k, -1, 1)


class DistanceMemoryPool(Seeded, _KeyMemoryPool):
    r"""Pools nodes by their *distance* to random keys: the first null of :class:`MemoryPool`.

    .. math::
        \mathbf{S} = \mathrm{softmax}\big(\textstyle\sum_h w_h \mathbf{D}_h\big), \qquad
        \mathbf{D}_h[i, j] = \|\mathbf{x}_i - \mathbf{k}_{jh}\|

    The keys are a buffer: drawn once, saved, never trained. The layer is permutation invariant
    (Theorem 2).

    Args:
        in_channels: As in :class:`MemoryPool`.
        out_channels: As in :class:`MemoryPool`.
        heads: As in :class:`MemoryPool`.
        num_clusters: As in :class:`MemoryPool`.
        key_scale: The keys' entries are uniform in [0, key_scale): 10 in the released code, while
            the paper gives no scale.
        seed: Seed of the keys; drawn from the global generator if ``None``.

    Shapes:
        As in :class:`MemoryPool`.

    Raises:
        ValueError: on malformed input.

    Section 2, Case 3, *Simplifying GMN*, and Theorem 2 of Mesquita, Souza, Kaski, NeurIPS 2020.

    >>> pool = DistanceMemoryPool(8, 16, heads=2, num_clusters=3, seed=0)
    >>> pool.k.shape, pool.k.requires_grad
    (torch.Size([2, 3, 8]), False)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int,
        num_clusters: int,
        key_scale: float = 10.0,
        seed: int | None = None,
    ) -> None:
        super().__init__(KeyDistance(), in_channels, out_channels, heads, num_clusters)
        check_scale(key_scale=key_scale)
        self.key_scale = key_scale
        self.register_buffer("k", torch.empty(heads, num_clusters, in_channels))
        self.keep_seed(seed)
        self._draw_keys()

    def _draw_keys(self) -> None:
        generator = torch.Generator().manual_seed(self.new_seed())
        self.k.copy_(self.key_scale * torch.rand(self.k.shape, generator=generator, device="cpu"))

    def extra_repr(self) -> str:
        """The layer's sizes and the keys' scale."""
        return f"{super().extra_repr()}, key_scale={self.key_scale}"


class RandomMemoryPool(_MemoryPool):
    r"""Pools nodes by an assignment drawn once: the second null of :class:`MemoryPool`.

    .. math::
        \mathbf{S} = \mathrm{softmax}(\tilde{\mathbf{S}}), \qquad
        \tilde{\mathbf{S}}_{ij} \sim U(0, 1)

    Row i of :math:`\tilde{\mathbf{S}}`
    [max_num_nodes, K] goes to node i of each graph, so that the order of the nodes matters, or,
    ``invariant``, :math:`\tilde{\mathbf{S}} = \mathbf{X} \tilde{\mathbf{S}}'` with
    :math:`\tilde{\mathbf{S}}'` [F, K].

    Args:
        in_channels: As in :class:`MemoryPool`.
        out_channels: As in :class:`MemoryPool`.
        num_clusters: As in :class:`MemoryPool`.
        distribution: Law of the random entries: ``"uniform"`` U(0, 1), ``"normal"`` N(0, 1),
            ``"bernoulli"`` B(0.3), ``"categorical"`` (one-hot rows), or any
            ``torch.distributions.Distribution``.
        invariant: Whether the random matrix projects the features instead.
        max_num_nodes: The nodes of the largest graph, needed (and read) only if not ``invariant``.
        seed: Seed of the draw; drawn from the global generator if ``None``.
        heads: Taken so that the layer can stand for :class:`MemoryPool`, and changes nothing: heads
            are shares merged from several sets of keys, and here there are none.

    Shapes:
        As in :class:`MemoryPool`.

    Raises:
        ValueError: on malformed input, or a graph of more than ``max_num_nodes`` nodes if not
            ``invariant``.

    Section 2, Case 3, *Simplifying GMN*, of Mesquita, Souza, Kaski, NeurIPS 2020.

    >>> pool = RandomMemoryPool(8, 16, num_clusters=3, max_num_nodes=5, seed=0)
    >>> x, s = pool(torch.randn(5, 8), torch.tensor([0, 0, 1, 1, 1]))
    >>> bool((s[0, :2] == s[1, :2]).all())
    True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_clusters: int,
        distribution: str | Distribution = "uniform",
        invariant: bool = False,
        max_num_nodes: int | None = None,
        seed: int | None = None,
        heads: int = 1,
    ) -> None:
        check_positive(heads=heads)
        select = RandomAssignment(
            in_channels, num_clusters, distribution, invariant, max_num_nodes, seed
        )
        super().__init__(select, in_channels, out_channels, num_clusters)
        self.heads = heads
