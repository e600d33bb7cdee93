"""What any pooling layer takes and what it returns: the one reader of both.

It knows the conventions of PyG's sparse, dense and memory layers, those of torch-geometric-pool,
and the names that research code gives to the same things.
"""

from graphpool_sanity.interface.graphs import Graphs, edges_of
from graphpool_sanity.interface.inputs import (
    LayerCall,
    call_model,
    call_on_fields,
    parameters,
    read_input,
)
from graphpool_sanity.interface.outputs import Pooled, by_name, read_output

__all__ = [
    "Graphs",
    "LayerCall",
    "Pooled",
    "by_name",
    "call_model",
    "call_on_fields",
    "edges_of",
    "parameters",
    "read_input",
    "read_output",
]
