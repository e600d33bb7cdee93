"""The nulls of a layer that nobody has seen: its scores, handed to other nodes of the same graph.

The layer is run once, on a copy, to find the call by which it chooses. From then on, what it
chooses by is exchanged among the nodes of each graph where it arises, and the layer's own code does
the rest. Where all of the choice follows from it, this is the shuffle: to choose on a relabelled
graph, and to pool the true one.
"""

import copy
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn.inits import reset

from graphpool_sanity.interface.graphs import ROLES, Graphs, edges_of, is_edges
from graphpool_sanity.interface.inputs import read_input
from graphpool_sanity.interface.outputs import read_output
from graphpool_sanity.modules import copied, fork_rng
from graphpool_sanity.nulls.calls import Calls, Exchange, Site, run
from graphpool_sanity.nulls.finder import Choice, Finder
from graphpool_sanity.nulls.registry import register_null
from graphpool_sanity.nulls.replace import set_class
from graphpool_sanity.select.places import Places
from graphpool_sanity.select.rows import ShuffledRows

_WAY_OUT = (
    "say by layers which modules pool, or "
    'give it a null by graphpool_sanity.register_null(type(layer), "random"), as the page '
    "My layer is not known shows in ten lines"
)


class ExchangedScores(nn.Module):
    """Mixin of layers whose nodes exchange what the layer chooses by."""

    exchange: ShuffledRows
    null: str
    sites: dict[bool, tuple[Site, ...]]
    """What is exchanged, in training and in evaluation."""
    chosen_at: str | None = None
    """The call that chooses, if the user says it."""
    choice: str | None = None
    """The call that chooses, once it is found."""

    def reset_parameters(self) -> None:
        """Initialise the layer and chance anew."""
        if hasattr(super(), "reset_parameters"):
            super().reset_parameters()  # type: ignore[misc]
            reset(self.exchange)
        else:
            for child in self.children():
                reset(child)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """What the layer makes of the scores of other nodes."""
        graphs = read_input(self, args, kwargs, 0)
        sites = self.sites.get(self.training)
        if sites is None:
            sites = self._find(graphs, args, kwargs)
        mode = Exchange(places_of(graphs, self.exchange), sites)
        out = run(mode, super().__call__, args, kwargs)
        if not mode.is_reached and (sites := self._find(graphs, args, kwargs, sites)):
            mode = Exchange(places_of(graphs, self.exchange), sites)
            out = run(mode, super().__call__, args, kwargs)
        return out

    def _find(
        self,
        graphs: Graphs,
        args: Any,  # noqa: ANN401
        kwargs: Any,  # noqa: ANN401
        known: tuple[Site, ...] = (),
    ) -> tuple[Site, ...]:
        """The calls by which the layer chooses; none if it does not on these graphs, but can."""
        trial = _Trial(self, graphs, args, kwargs)
        choices = trial.choices()
        if not choices and known:
            return ()
        choice = _the_one(self, choices, trial)
        if self.null == "shuffle":
            trial.check_shuffle(choice)
        self.choice = choice.call
        self.sites[self.training] = choice.sites
        return choice.sites


def found_choices(model: nn.Module) -> dict[str, str]:
    """The calls by which the layers of a null choose, as they were found, by layer."""
    return {
        name or "the model": module.choice
        for name, module in model.named_modules()
        if isinstance(module, ExchangedScores) and module.choice is not None
    }


class _Trial:
    """A layer run on copies, without a trace."""

    def __init__(self, layer: ExchangedScores, graphs: Graphs, args: Any, kwargs: Any) -> None:  # noqa: ANN401
        self.layer, self.graphs, self.args, self.kwargs = layer, graphs, args, kwargs
        self.outside: str | None = None

    def choices(self) -> list[Choice]:
        given = {str(place): value for place, value in enumerate(self.args)} | self.kwargs
        finder = Finder(self._places(), given, self.graphs.x)
        self.own = self._run(finder), finder
        self.outside = finder.outside
        return finder.choices

    def changes(self, choice: Choice) -> bool:
        """Whether it matters to the output which nodes have the scores."""
        ours, theirs = (list(_parts(out)) for out, _ in (self.own, self.exchanged(choice)))
        return len(ours) != len(theirs) or any(
            mine.shape != other.shape or not torch.allclose(mine, other, 1e-4, 1e-6, True)
            for mine, other in zip(ours, theirs, strict=True)
        )

    def exchanged(self, choice: Choice) -> tuple[Any, Calls]:
        mode = Exchange(self._places(), choice.sites)
        return self._run(mode), mode

    def check_shuffle(self, choice: Choice) -> None:
        """Raise a ``ValueError`` if more than the scores decides what is pooled."""
        name = type(self.layer).__name__
        instead = f"null 'shuffle' of {name} must keep the pooled sizes, got"
        if any(site.axes.kind == "edges" for site in choice.sites):
            raise ValueError(f"{instead} scores of edges at {choice.call}; take null 'scores'")
        sizes = [self._sizes(out, mode) for out, mode in (self.own, self.exchanged(choice))]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"{instead} others where other nodes have the scores: edges have a say at "
                f"{choice.call}; take null 'scores'"
            )

    def _sizes(self, out: Any, mode: Calls) -> list[Any]:  # noqa: ANN401
        """How many nodes were left in each pooled graph, or else at all."""
        try:
            has_edges = self.graphs.edges is not None
            pooled = read_output(self.layer, out, self.graphs, has_edges).graphs
            return torch.bincount(pooled.batch_vector, minlength=pooled.size).tolist()
        except ValueError:  # of an output that cannot be read
            shapes = [part.shape for part in _parts(out) if part.is_floating_point()]
            return [*mode.places.levels, *shapes]

    def _places(self) -> Places:
        return places_of(self.graphs, copied(self.layer.exchange).eval())

    def _run(self, mode: Calls) -> Any:  # noqa: ANN401
        twin = copied(self.layer)
        args = [copy.copy(arg) if isinstance(arg, Data) else arg for arg in self.args]
        with fork_rng(0), torch.no_grad():
            return run(mode, twin.forward, args, self.kwargs)


def places_of(graphs: Graphs, chance: ShuffledRows) -> Places:
    """Where nodes and edges of graphs lie in the tensors of a layer."""
    mask = None if graphs.mask is None else graphs.mask.flatten()
    width = graphs.x.size(1) if graphs.is_dense else None
    places = Places(chance, graphs.batch_vector, graphs.size, mask, width)
    if not graphs.is_dense and is_edges(graphs.edges):
        places.see(None, edges_of(graphs)[0])
    return places


def _the_one(layer: ExchangedScores, choices: list[Choice], trial: _Trial) -> Choice:
    name, wanted = type(layer).__name__, layer.chosen_at
    if wanted is not None:
        meant = [c for c in choices if fnmatch(c.call, wanted) or fnmatch(c.call, f"{wanted}:*")]
        if not meant:
            found = "; ".join(choice.call for choice in choices) or "none"
            raise ValueError(
                f"select must name a call by which {name} chooses ({found}), got {wanted!r}"
            )
        sites = tuple(site for choice in meant for site in choice.sites)
        return Choice("; ".join(choice.call for choice in meant), sites, True, 0)
    if not choices:
        raise ValueError(f"layer {name} has no null: {_cause(layer, trial)}; {_WAY_OUT}")
    if len(choices) > 1:
        choices = [choice for choice in choices if trial.changes(choice)] or choices
    if len(choices) > 1:
        found = "; ".join(choice.call for choice in choices)
        raise ValueError(
            f"layer {name} chooses by several calls: say by select which is meant, got {found}"
        )
    return choices[0]


def _cause(layer: nn.Module, trial: _Trial) -> str:
    if _is_scripted(layer):
        return "it is, or calls, TorchScript, whose calls cannot be seen"
    if trial.outside:
        return (
            f"it chooses by numbers that were computed before and given to it, at {trial.outside}"
        )
    return (
        "no call was seen that ranks or compares one number a node, or shares nodes out by a "
        "softmax: its choice is precomputed, or made in NumPy, C++ or compiled code"
    )


def _is_scripted(layer: nn.Module) -> bool:
    for module in layer.modules():
        if isinstance(module, torch.jit.ScriptModule):
            return True
        forward = getattr(type(module), "forward", None)
        code, known = getattr(forward, "__code__", None), getattr(forward, "__globals__", {})
        names = code.co_names if code else ()
        if any(isinstance(known.get(name), torch.jit.ScriptFunction) for name in names):
            return True
    return False


def _parts(out: Any) -> Any:  # noqa: ANN401
    """All tensors of an output."""
    if isinstance(out, Tensor):
        yield out.to_dense() if out.layout != torch.strided else out
    elif isinstance(out, Mapping):
        yield from (t for part in out.values() for t in _parts(part))
    elif isinstance(out, tuple | list):
        yield from (t for part in out for t in _parts(part))
    elif hasattr(out, "__dict__") and not isinstance(out, nn.Module | type):
        yield from _parts({k: v for k, v in vars(out).items() if not k.startswith("__")})


def _exchange(null: str) -> Callable[[nn.Module, int], nn.Module]:
    def make(layer: Any, seed: int) -> nn.Module:  # noqa: ANN401
        if isinstance(layer, torch.jit.ScriptModule):
            raise ValueError(
                f"layer must be no TorchScript, whose calls cannot be seen; {_WAY_OUT}"
            )
        set_class(layer, ExchangedScores, nn.Module)
        layer.exchange, layer.null, layer.sites = ShuffledRows(seed), null, {}
        return layer

    return make


for _name in ("scores", "shuffle"):
    register_null(nn.Module, _name)(_exchange(_name))


class Unpooled(nn.Module):
    """Leaves graphs as they are, and names their parts: for models that read a layer by names."""

    def forward(self, **given: object) -> dict[str, object]:
        """What was given, by what it is."""
        return {ROLES[name]: value for name, value in given.items() if name in ROLES}


@register_null(nn.Module, "none")
def _none(layer: nn.Module, seed: int) -> nn.Module:
    return Unpooled()
