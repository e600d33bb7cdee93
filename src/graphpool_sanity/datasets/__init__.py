"""Data: embedded digits, a positive control, the paper's through PyG's and OGB's loaders."""

from graphpool_sanity.datasets.digits import digits
from graphpool_sanity.datasets.load import NAMES, load_dataset
from graphpool_sanity.datasets.locality import locality_control
from graphpool_sanity.training.benchmark import Benchmark

__all__ = ["NAMES", "Benchmark", "digits", "load_dataset", "locality_control"]
