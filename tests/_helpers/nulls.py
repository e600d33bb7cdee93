"""The nulls of all libraries' layers, one case each, for the tests of what all of them promise."""

import copy
import random
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch

from _helpers import null_layers, pyg_layers, unknown_layers
from graphpool_sanity import randomize

LIBRARIES = {"own": null_layers, "pyg": pyg_layers, "unknown": unknown_layers}
try:
    from _helpers import tgp_layers

    LIBRARIES["tgp"] = tgp_layers
except pytest.skip.Exception:  # it is not installed: the others go on without it
    pass


class Case(NamedTuple):
    """A null of a layer: how both are built, and called with a batch made to break them."""

    library: str
    name: str
    null: str

    def __str__(self):
        return "-".join(self)

    @property
    def helper(self):
        return LIBRARIES[self.library]

    @property
    def soft(self):
        """Whether each node has shares in all K clusters of its graph."""
        return self.name in self.helper.SOFT

    @property
    def draws(self):
        """Whether the layer draws from the global generators at each call, whatever its mode."""
        return self.name in getattr(self.helper, "RANDOM", ())

    @property
    def picklable(self):
        """Whether the layer can be pickled; this one holds a function that cannot."""
        return self.name != "maxcut"

    @property
    def graphs(self):
        return self.helper.batch_for(self.name)

    def features(self):
        return self.helper.features(self.graphs)

    def layer(self, seed=0):
        return self.helper.layer(self.name, seed)

    def made(self):
        """The null of seed 0, which no call has changed."""
        return copy.deepcopy(_made(*self))

    def output(self, pool, x=None, graphs=None, **options):
        """What a layer or its null returns."""
        graphs = self.graphs if graphs is None else graphs
        x = self.helper.features(graphs) if x is None else x
        return self.helper.call(pool, self.name, x=x, graphs=graphs, **options)

    def call(self, pool, *args, **options):
        """All tensors of an output."""
        return tensors(self.output(pool, *args, **options))

    def pooled(self, out):
        """The features of the clusters, and the graph of each if the layer tells it."""
        return self.helper.pooled(self.name, out)

    def x(self, pool, *args, **options):
        """The features of the clusters alone."""
        return self.pooled(self.output(pool, *args, **options))[0]

    def first(self, training=False):
        """The first output of the null of seed 0, and where that leaves the generators."""
        return _first(*self, training)

    def first_of_layer(self, training=False):
        """The first output of the layer itself, and where that leaves the generators."""
        return _first(self.library, self.name, None, training)

    def wanted(self):
        """All tensors that the null of seed 0 gives in evaluation."""
        return tensors(self.first()[0])


@cache
def _made(library, name, null):
    return randomize(Case(library, name, null).layer(), null, 0)


@cache
def _first(library, name, null, training):
    case = Case(library, name, null)
    pool = (case.layer() if null is None else randomize(case.layer(), null, 0)).train(training)
    torch.default_generator.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    return case.output(pool), generators()


CASES = [
    Case(library, name, null)
    for library, helper in LIBRARIES.items()
    for name, nulls in helper.NULLS.items()
    for null in nulls
]


def every(*nulls, but=(), wanted=lambda case: True):
    """All cases of some nulls (if none is named, of all), but those whose names begin so."""
    chosen = [case for case in CASES if case.null in nulls or not nulls]
    chosen = [case for case in chosen if wanted(case) and not str(case).startswith(tuple(but))]
    return pytest.mark.parametrize("case", chosen, ids=str)


def generators():
    """Where the global generators stand."""
    _, keys, *place = np.random.get_state()
    return torch.get_rng_state().tolist(), keys.tolist(), place, random.getstate()


def parts(out):
    """An output and whatever is in it, with the names of what has some."""
    yield out
    if hasattr(out, "so"):  # of torch-geometric-pool: S, and what else the selection tells
        extra = {name: getattr(out.so, name) for name in sorted(out.so._extra_args)}
        out = {**vars(out), "mask": out.mask, "so": out.so.s, **extra}
    if isinstance(out, dict):
        out = [*out, *out.values()]
    if isinstance(out, tuple | list):
        for part in out:
            yield from parts(part)


def kinds(out):
    """The types and names of an output and of whatever is in it."""
    return [part if isinstance(part, str) else type(part) for part in parts(out)]


def tensors(out):
    """All tensors of an output, dense, in their order."""
    return [part.to_dense() for part in parts(out) if hasattr(part, "to_dense")]


def same(out, other):
    return all(
        torch.equal(mine, theirs) or torch.equal(mine.nan_to_num(), theirs.nan_to_num())
        for mine, theirs in zip(out, other, strict=True)  # a loss without edges may be NaN
    )
