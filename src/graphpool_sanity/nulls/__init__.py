"""The nulls of pooling layers: ours, those of PyTorch Geometric and of torch-geometric-pool."""

from graphpool_sanity.nulls.registry import matched_nulls, randomize, register_null

__all__ = ["matched_nulls", "randomize", "register_null"]
