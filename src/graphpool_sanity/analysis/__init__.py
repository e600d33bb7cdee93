"""How alike the nodes of a graph are, before and after pooling."""

from graphpool_sanity.analysis.activations import Activations, record_activations
from graphpool_sanity.analysis.embeddings import Embeddings
from graphpool_sanity.analysis.homogeneity import homogeneity
from graphpool_sanity.analysis.plots import plot_activations, plot_homogeneity
from graphpool_sanity.analysis.smoothness import dirichlet_energy, low_frequency_share

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
