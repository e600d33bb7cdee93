"""
Graclus and its complement on a handwritten digit
=================================================

Three layers of pooling, twice: the same code but for who is paired with whom. Above,
pixels that touch are; below, pixels that do not.
"""

import matplotlib.pyplot as plt
import torch
from torch_geometric.utils import scatter

from graphpool_sanity import ComplementGraclusPool, GraclusPool, load_dataset

digit = load_dataset("digits").graphs[3]
layers = {
    "GraclusPool": GraclusPool(seed=0),
    "ComplementGraclusPool": ComplementGraclusPool(seed=0),
}
places = digit.x[:, [2, 1]] * torch.tensor(
    [1.0, -1.0]
)  # column, row from top to bottom

figure, rows = plt.subplots(2, 4, figsize=(9, 5.4), layout="constrained")
for row, (name, pool) in zip(rows, layers.items(), strict=True):
    pool.eval()
    where, edges = places, digit.edge_index
    for depth, axes in enumerate(row):
        axes.plot(
            *where[edges].permute(2, 0, 1).numpy(), color="0.75", lw=0.7, zorder=0
        )
        axes.scatter(*where.t(), s=24 * 2**depth, c=range(len(where)), cmap="turbo")
        axes.set_title(f"{name if depth == 0 else ''}\n{len(where)} nodes")
        axes.margins(0.1)
        axes.set_axis_off()
        axes.set_aspect("equal")
        out = pool(where, edges)
        where = scatter(where, out.cluster, reduce="mean")  # amid the cluster's nodes
        edges = out.edge_index

# %%
# Pixels that touch merge into strokes: after three layers the digit can still be read.
# Pixels that do not touch merge into a heap in its middle. The paper's networks did as
# well on such heaps as on strokes.
