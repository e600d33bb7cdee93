"""How alike the nodes of a graph are, before and after pooling."""

from typing import TYPE_CHECKING

from graphpool_sanity._lazy import attach
from graphpool_sanity.analysis.activations import Activations, Embeddings, record_activations
from graphpool_sanity.analysis.homogeneity import homogeneity
from graphpool_sanity.analysis.smoothness import dirichlet_energy, low_frequency_share

if TYPE_CHECKING:
    from graphpool_sanity.analysis.plots import plot_activations, plot_homogeneity

__all__ = [
    "Activations",
    "Embeddings",
    "dirichlet_energy",
    "homogeneity",
    "low_frequency_share",
    "plot_activations",
    "plot_homogeneity",
    "record_activations",
]

__getattr__, _ = attach(
    __name__, dict.fromkeys(("plot_activations", "plot_homogeneity"), f"{__name__}.plots")
)
