"""The graph that all pictures share: the fourteen heavy atoms of caffeine and their bonds."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_RINGS = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 6), (6, 7), (7, 8), (8, 1)]
_OUTSIDE = [(5, 9), (3, 10), (4, 11), (2, 12), (6, 13)]


def edge_index() -> Tensor:
    """[2, 30], each bond in both directions."""
    bonds = torch.tensor(_RINGS + _OUTSIDE).t()
    return torch.cat([bonds, bonds.flip(0)], dim=1)


def positions() -> NDArray[np.float64]:
    """[14, 2], where the atoms are drawn: a hexagon and a pentagon that share a side."""
    six, five = np.zeros(2), np.array([1.554, 0.0])
    hexagon = [_at(six, 1, angle) for angle in (30, -30, -90, -150, 150, 90)]
    pentagon = [_at(five, 0.851, angle) for angle in (72, 0, -72)]
    outside = [_at(six, 2, angle) for angle in (90, -150, 150, -90)]
    return np.array([*hexagon, *pentagon, *outside, _at(five, 1.851, 72)])


def _at(centre: NDArray[np.float64], radius: float, degrees: float) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    return centre + radius * np.array([np.cos(angle), np.sin(angle)])
