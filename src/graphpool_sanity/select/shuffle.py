"""Chance permutations of the nodes of each graph: the selector of the shuffle nulls."""

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from graphpool_sanity.select.chance import Chance, draw_seed, mix, priorities


class NodeShuffle(Chance):
    """Permutes the nodes of each graph among themselves.

    Training draws a fresh permutation from the module's own generator at each call; evaluation
    derives it from the seed and each node's index within its graph alone.
    """

    def forward(self, batch: Tensor, position: Tensor, mask: Tensor | None = None) -> Tensor:
        """[N], a node of the same graph for each node, each node once.

        Shapes:
            **batch** [N], the graph of each node, sorted; **position** [N], the index of each
            node within its graph, ascending; **mask** [N], true for real nodes: padding is left
            where it is.

        >>> batch, position = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 2, 0])
        >>> order = NodeShuffle(seed=0)(batch, position)
        >>> sorted(order[:3].tolist()), order[3].item()
        ([0, 1, 2], 3)
        """
        if self.training:
            index = torch.arange(batch.numel(), device=batch.device)
            chance = priorities(index, draw_seed(self.generator))
        else:
            chance = priorities(position, self.seed)
        chance = mix(chance)  # no longer the order in which a matching of the same seed visits
        if mask is None:
            return (batch << 31 | chance).argsort()
        # The real nodes of each graph, then its padding: in their order, and in that of chance.
        part = batch << 32 | mask.logical_not().long() << 31
        place = (part | position).argsort()
        source = (part | torch.where(mask, chance, position)).argsort()
        return torch.empty_like(place).scatter_(0, place, source)


class Shuffled(nn.Module):
    """Another selector, and the shuffle by which what it selects is handed to other nodes."""

    def __init__(self, select: nn.Module, seed: int | None = None) -> None:
        super().__init__()
        self.select = select
        self.shuffle = NodeShuffle(seed)

    def reset_parameters(self) -> None:
        """Initialise the selector and the shuffle anew."""
        reset(self.select)
        self.shuffle.reset_parameters()
