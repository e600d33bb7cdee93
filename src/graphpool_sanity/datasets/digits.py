"""The handwritten digits that ship with scikit-learn, as graphs: real data without a download."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

from graphpool_sanity.datasets.collated import collated
from graphpool_sanity.training.benchmark import Benchmark


def digits() -> Benchmark:
    r"""1797 handwritten digits of 8 x 8 pixels, as graphs of their inked pixels.

    A node is a pixel of intensity 1 to 16, in row-major order; its features are
    ``[intensity / 16, row / 7, column / 7]``. An edge joins, in both directions, inked pixels
    that touch at a side or a corner. The class is the digit. In all there are 58,736 nodes and
    319,784 directed edges; every graph is connected.

    Alpaydin, Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
    Repository, 1998 (the test part), as in ``sklearn.datasets.load_digits``.

    >>> benchmark = digits()
    >>> len(benchmark.graphs), benchmark.graphs[0]
    (1797, Data(x=[35, 3], edge_index=[2, 182], y=[1]))
    """
    source = load_digits()
    intensity = torch.from_numpy(source.images).float()
    inked = intensity > 0
    graph, row, col = inked.nonzero(as_tuple=True)

    node = torch.full(inked.shape, -1)
    node[inked] = torch.arange(graph.numel())
    padded = F.pad(node, (1, 1, 1, 1), value=-1)
    around = padded.unfold(1, 3, 1).unfold(2, 3, 1)[inked].flatten(1)  # [N, 9], -1 for no ink
    around[:, 4] = -1  # no self-loops
    start, slot = (around >= 0).nonzero(as_tuple=True)
    end = around[start, slot]

    num_nodes = graph.bincount()
    first = num_nodes.cumsum(0) - num_nodes
    return Benchmark(
        name="digits",
        graphs=collated(
            x=torch.stack([intensity[inked] / 16, row / 7, col / 7], dim=1),
            edge_index=torch.stack([start, end]) - first[graph[start]],
            y=torch.from_numpy(source.target).long(),
            num_nodes=num_nodes,
            num_edges=graph[start].bincount(minlength=num_nodes.numel()),
        ),
        task="classification",
        out_channels=10,
    )
