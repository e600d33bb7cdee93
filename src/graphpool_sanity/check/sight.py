"""Whether a network sees its pooling, and how far a null changes what it says."""

from collections.abc import Sequence
from contextlib import suppress

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch_geometric.data import Batch

from graphpool_sanity.interface.inputs import call_model
from graphpool_sanity.modules import copied, fork_rng
from graphpool_sanity.nulls.registry import Layers, pooling_layers, randomize, shared_nulls

BLIND = 1e-4
"""Bites below this are not seen."""
_VACUOUS = 1e-6
"""Bites below this are of rounding."""
_LEAST_SPREAD = 1e-3
"""Of outputs by which graphs are told apart, relative to the outputs: rounding is at 1e-7."""


def bite(model: nn.Module, null: nn.Module, batch: Batch) -> float:
    r"""How far the outputs of a model and of its null differ, relative to those of graphs.

    .. math::
        \frac{\|\mathbf{Y} - \mathbf{Y}'\|}{\|\mathbf{Y} - \bar{\mathbf{Y}}\|}

    for outputs Y of the model and Y' of the null, in evaluation mode. At 0 the null changes
    nothing; at 1 it changes as much as another graph would.
    """
    ours, theirs = _outputs(model, batch), _outputs(null, batch)
    spread = (ours - ours.mean(0)).norm().clamp(min=_LEAST_SPREAD * ours.norm())
    return float((ours - theirs).norm() / spread) if spread > 0 else 0.0


def bites(
    model: nn.Module, nulls: Sequence[str], seed: int, batch: Batch, layers: Layers | None = None
) -> dict[str, float]:
    """The bite of each null of a model that has not been trained.

    Raises:
        ValueError: if the network cannot see its pooling, or a null changes nothing.
    """
    found = {null: _untrained(model, null, seed, batch, layers) for null in nulls}
    suspect = [null for null, size in found.items() if size < BLIND]
    if not suspect:
        return found
    stirred, choosing = _stirred(model, seed, layers), {*shared_nulls(model, layers)} - {"none"}
    later = {}
    for null in {*suspect, *choosing}:
        with suppress(ValueError):  # of one that was not asked for, and is none of this layer
            later[null] = _untrained(stirred, null, seed, batch, layers)
    measured = [*found.items(), *later.items()]
    reach = max((size for null, size in measured if null in choosing), default=0)
    if 0 < reach < BLIND:
        raise ValueError(
            "build_model: the network cannot see its pooling: whoever is pooled with whom, its "
            f"outputs differ by {reach:.0e} of what tells graphs apart. The mean or the sum over "
            "clusters of what was summed is the same for all choices: put a layer and a "
            "nonlinearity between the last pool and the readout, as Backbone does"
        )
    for null in suspect:
        if (most := max(found[null], later[null])) < _VACUOUS:
            raise ValueError(
                f"nulls: {null!r} changes nothing: on the first graphs its outputs are the layer's "
                f"to {most:.0e} of what tells graphs apart, whatever the layer's weights; a check "
                "of it would compare the layer with itself"
            )
    return found


def _untrained(
    model: nn.Module, null: str, seed: int, batch: Batch, layers: Layers | None
) -> float:
    twin = randomize(model, null, seed, layers)
    return bite(_normalised(model, batch), _normalised(twin, batch), batch)


def _normalised(model: nn.Module, batch: Batch) -> nn.Module:
    """A copy whose batch norms have the statistics of a batch, as training would give them."""
    model = copied(model).train()
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = 1.0
    with fork_rng(0), torch.no_grad():
        call_model(model, batch)
    return model


def _stirred(model: nn.Module, seed: int, layers: Layers | None) -> nn.Module:
    """A copy whose pooling layers are as far from their first weights as training may bring them.

    The assignments of a layer that starts with uniform ones then tell its clusters apart.
    """
    model = copied(model)
    with fork_rng(seed), torch.no_grad():
        for layer in pooling_layers(model, layers).values():
            for parameter in layer.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=3)
    return model


def _outputs(model: nn.Module, batch: Batch) -> Tensor:
    """[B, C] in double precision."""
    with fork_rng(0), torch.no_grad():
        out = call_model(model.eval(), batch)
    return (out if isinstance(out, Tensor) else out[0]).double().flatten(1)
