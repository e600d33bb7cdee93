"""Data: embedded digits, and the paper's benchmarks through PyG's and OGB's loaders."""

from graphpool_sanity.datasets.benchmark import Benchmark
from graphpool_sanity.datasets.digits import digits
from graphpool_sanity.datasets.load import NAMES, load_dataset

__all__ = ["NAMES", "Benchmark", "digits", "load_dataset"]
