"""
Activations before and after pooling
====================================

The paper explains why the choice of nodes may not matter: what comes before has made
the nodes of a graph alike. This page trains two small networks and looks.
"""

# %%
# Two networks, one with :class:`~graphpool_sanity.GraclusPool`, the other with its
# complement, are trained for some epochs on the digits, from the same weights.

import torch
from torch.nn.functional import cross_entropy
from torch_geometric.loader import DataLoader

from graphpool_sanity import Backbone, GraclusPool, load_dataset, randomize
from graphpool_sanity.analysis import (
    plot_activations,
    plot_homogeneity,
    record_activations,
)

digits = load_dataset("digits")
train, _, test = ([digits.graphs[i] for i in part] for part in digits.split(seed=0))
torch.manual_seed(0)
layer = Backbone(lambda channels: GraclusPool(seed=0), 3, 10, hidden=32, num_pools=3)
models = {"Graclus": layer, "Complement": randomize(layer, "complement", seed=0)}

for model in models.values():
    torch.manual_seed(0)  # for the same batches
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(8):
        for batch in DataLoader(train, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            cross_entropy(model(batch), batch.y).backward()
            optimizer.step()

# %%
# What goes into and comes out of each pooling layer, for three test graphs: nodes are
# rows, channels are columns. Where an image is of vertical stripes, all nodes are the
# same.

batch = next(iter(DataLoader(test, batch_size=64)))
activations = {
    name: record_activations(model.eval(), batch) for name, model in models.items()
}
plot_activations(activations["Graclus"])

# %%
plot_activations(activations["Complement"])

# %%
# The same in a number: the share of the variance of all nodes that lies within graphs.
# At 0 the nodes of each graph are equal, and it makes no difference which of them are
# pooled.

plot_homogeneity({name: found.homogeneity() for name, found in activations.items()})

# %%
# On these digits the complement does it by itself: it joins pixels from all over the
# image, and after three layers every cluster holds a bit of everything. Graclus leaves
# strokes that differ. How it is in a model of yours,
# :func:`~graphpool_sanity.analysis.record_activations` tells.
