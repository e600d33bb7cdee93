"""The nulls of pooling layers: ours, those of PyTorch Geometric and of torch-geometric-pool."""

from graphpool_sanity.nulls import (  # noqa: F401  (each registers its nulls)
    own_layers,
    pyg_asap,
    pyg_dense,
    pyg_edges,
    pyg_memory,
    topk,
    unseen,
)
from graphpool_sanity.nulls.by_hand import chosen_by_chance, shuffled
from graphpool_sanity.nulls.questions import Question, question
from graphpool_sanity.nulls.registry import matched_nulls, pooling_layers, randomize, register_null

__all__ = [
    "Question",
    "chosen_by_chance",
    "matched_nulls",
    "pooling_layers",
    "question",
    "randomize",
    "register_null",
    "shuffled",
]
