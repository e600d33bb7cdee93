"""
Graclus and its complement on a handwritten digit
=================================================

Four layers of pooling, the same code but for who is paired with whom. One pairs pixels that
touch, the other pixels that do not.
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
        axes.set_title(
            f"{name}\n{len(where)} nodes" if depth == 0 else f"\n{len(where)} nodes"
        )
        axes.set_axis_off()
        axes.set_aspect("equal")
        out = pool(where, edges)
        where = scatter(
            where, out.cluster, reduce="mean"
        )  # a cluster lies amid its nodes
        edges = out.edge_index

# %%
# Pixels that touch merge into strokes: after three layers the digit can still be read. Pixels that do
# not touch merge into a heap in its middle. That networks do as well on the heap as on the strokes
# is what the paper found.
