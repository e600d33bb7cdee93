"""Greedy matching along an order of the edges, in parallel and exactly as one by one."""

import torch
from torch import Tensor

from graphpool_sanity.select.chance import mix

_NEVER = torch.iinfo(torch.long).max
_FEW_EDGES = 512  # fewer are matched faster one by one than in rounds of tensor operations
_SLOW_ROUND = 0.9  # a round that leaves a larger share of the edges is not worth repeating


def visiting_order(row: Tensor, col: Tensor, priority: Tensor, weight: Tensor | None) -> Tensor:
    """Sort keys [E] of the edges: the order in which a visit of the nodes by priority tries them.

    The first endpoint visited comes first, then its heaviest edge, then chance. Edges of one node
    never tie, since priorities differ and :func:`mix` is a bijection.
    """
    first, second = priority.index_select(0, row), priority.index_select(0, col)
    chance = mix(first ^ second)
    if weight is not None:
        order = chance.argsort()
        order = order[weight[order].argsort(descending=True, stable=True)]
        chance = torch.empty_like(order)
        chance[order] = torch.arange(order.numel(), device=order.device)
    return torch.minimum(first, second) << 31 | chance


def match_in_order(row: Tensor, col: Tensor, key: Tensor, num_nodes: int) -> Tensor:
    """The greedy matching that takes edges by ascending ``key``, as ``mate`` [N].

    An edge that comes first at both its ends is taken by the sequential algorithm too, whatever
    happens elsewhere, so rounds of such edges give exactly its result. Once few edges are left,
    or a round takes few of them (in a large clique), the rest are taken one by one.
    """
    mate = torch.arange(num_nodes, device=row.device)
    free = torch.ones_like(mate, dtype=torch.bool)
    before, left = _NEVER, row.numel()
    while _FEW_EDGES < left < _SLOW_ROUND * before:
        best = torch.full_like(mate, _NEVER)
        best.scatter_reduce_(0, row, key, "amin").scatter_reduce_(0, col, key, "amin")
        is_best = (key == best.index_select(0, row)) & (key == best.index_select(0, col))
        taken = is_best.nonzero().view(-1)
        pair_up(mate, row.index_select(0, taken), col.index_select(0, taken))
        for end in (row, col):
            free.index_fill_(0, end.index_select(0, taken), False)
        row, col, key = edges_between(free, row, col, key)
        before, left = left, row.numel()
    if left:
        u, v = _match_one_by_one(row, col, key)
        pair_up(mate, torch.tensor(u, device=row.device), torch.tensor(v, device=row.device))
    return mate


def _match_one_by_one(row: Tensor, col: Tensor, key: Tensor) -> tuple[list[int], list[int]]:
    mate: dict[int, int] = {}
    for u, v in torch.stack([row, col], 1)[key.argsort()].tolist():
        if u not in mate and v not in mate:
            mate[u], mate[v] = v, u
    return list(mate), list(mate.values())


def pair_up(mate: Tensor, u: Tensor, v: Tensor) -> None:
    """Make ``u`` and ``v`` each other's mates, in place."""
    mate.index_copy_(0, u, v).index_copy_(0, v, u)


def edges_between(nodes: Tensor, row: Tensor, col: Tensor, *attr: Tensor) -> tuple[Tensor, ...]:
    """The edges (and their attributes) between two nodes of a mask."""
    both = (nodes.index_select(0, row) & nodes.index_select(0, col)).nonzero().view(-1)
    return tuple(t.index_select(0, both) for t in (row, col, *attr))
