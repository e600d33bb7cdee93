"""The call by which a layer chooses, found by running the layer once.

A layer chooses where it sorts one number a node (``sort``, ``topk``, ``argsort``), compares it,
hands it to NumPy, or shares nodes out among clusters (a ``softmax``). What a null has to exchange
is then known: the numbers from the place on where they arise, so that all later uses (gates) follow
the choice; and the shares.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphpool_sanity.nulls.calls import ARGUMENT, INDEXING, Calls, Site, Stack, line_here, stack_of
from graphpool_sanity.select.places import Axes, Places

SORTING = ("sort", "argsort", "msort", "topk", "argmax", "argmin", "kthvalue")
"""Calls that rank."""
_SHARING = ("softmax", "log_softmax", "gumbel_softmax", "argmax")
_COMPARING = ("gt", "ge", "lt", "le")
_LEAVING = ("numpy", "tolist", "__array__")

_SUMMING = ("scatter", "scatter_add", "scatter_reduce", "index_add", "index_reduce")
_MIXING = {
    *("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "spmm", "linear", "bilinear"),
    *("addmm", "einsum", "conv1d", "cumsum", "cumprod", "logcumsumexp", "roll", "flip"),
}
"""Calls after which a number is no longer that of one node alone."""

_CHOOSING = {*SORTING, *_SHARING, *_COMPARING, *_LEAVING}


class Choice(NamedTuple):
    """A way in which a layer chooses."""

    call: str
    """The call that chooses, ``layers.py:183: perm = topk(score, ...)``."""
    sites: tuple[Site, ...]
    is_clear: bool
    """Whether it can be nothing but a choice; comparisons have other uses, too."""
    num_places: int
    """Among how many nodes."""


class _Origin(NamedTuple):
    """Where numbers arise."""

    site: Site | None
    """``None`` if they are not one for each node."""
    value: Tensor


class _Trace(NamedTuple):
    """What is known of a tensor that a call has given."""

    value: Tensor
    origin: _Origin | None
    """``None`` for constants, and for what is no floating point number."""
    choices: frozenset[int]
    """The choices on which it depends."""


class Finder(Calls):
    """Finds the calls that choose, and where what they choose by arises."""

    def __init__(self, places: Places, given: Mapping[str, object], x: Tensor) -> None:
        super().__init__(places)
        self._traces: dict[int, _Trace] = {}
        for key, value in given.items():
            if isinstance(value, Tensor) and value.is_floating_point():
                axes = _one_each(places, value, 0)
                if axes is not None:
                    known = value is not x and axes.kind != "edges"
                    site = Site(ARGUMENT, ((key, 0),), axes) if known else None
                    self._traces[id(value)] = _Trace(value, _Origin(site, value), frozenset())
        self._found: dict[int, Choice] = {}
        self._earlier: dict[int, set[int]] = {}
        self.outside: str | None = None
        """A call that chooses by what was given to the layer."""

    @property
    def choices(self) -> list[Choice]:
        """The ways in which the layer chooses, the clear ones if there are any.

        Shares from which scores of the same nodes are computed are no choice, these are.
        """
        found = self._found
        clear = {key for key, choice in found.items() if choice.is_clear} or set(found)
        used = {
            earlier
            for key in clear
            for earlier in self._earlier[key] - {key}
            if found[earlier].num_places == found[key].num_places
        }
        merged: dict[tuple[Site, ...], Choice] = {}
        for key in found:  # one for all graphs, where they come one by one
            if key in clear - used:
                merged.setdefault(found[key].sites, found[key])
        return [choice._replace(sites=self._alike(choice)) for choice in merged.values()]

    def _alike(self, choice: Choice) -> tuple[Site, ...]:
        """Where what it chooses by arises, once more if it is computed once more."""
        origins = [trace.origin for trace in self._traces.values() if trace.origin]
        own = [origin.value for origin in origins if origin.site in choice.sites]
        again = [
            origin.site
            for origin in origins
            if origin.site and any(_same_numbers(origin.value, value) for value in own)
        ]
        return tuple(dict.fromkeys((*choice.sites, *again)))

    def called(self, name: str, args: tuple[Any, ...], out: Any) -> Any:  # noqa: ANN401
        """The result of a call as it is; what it tells is remembered."""
        self.see(name, args, out)
        operands, stack = list(_tensors(args)), stack_of()
        result = args[0] if name == "__setitem__" else out
        turn = self.turn(name, stack, result)
        traces = [self._traces.get(id(operand)) for operand in operands]
        choices = frozenset().union(*(trace.choices for trace in traces if trace))
        floats = [operand for operand in operands if operand.is_floating_point()]
        if name in _CHOOSING and floats:
            for given in floats if name in _COMPARING else floats[:1]:
                key = self._note(name, stack, turn, given, out)
                if key is not None:
                    self._earlier.setdefault(key, set()).update(choices)
                    choices |= {key}
        for part in _tensors((result,)):
            origin = None
            if part.is_floating_point():
                axes = _one_each(self.places, part, turn)
                site = None if axes is None else _site(name, stack, axes, 1, turn)
                origin = self._origin(name, operands, part, site)
            self._traces[id(part)] = _Trace(part, origin, choices)
        return out

    def _note(self, name: str, stack: Stack, turn: int, given: Tensor, out: Any) -> int | None:  # noqa: ANN401
        """Remember a choice, if it is one: its key."""
        if name in _SHARING and not _one_each(self.places, given, turn):
            return self._note_shares(name, stack, turn, given, out)
        is_clear = name in SORTING
        if not is_clear and name not in (*_COMPARING, *_LEAVING):
            return None
        trace = self._traces.get(id(given))
        origin = None if trace is None else trace.origin
        if origin is None or origin.site is None:
            if is_clear and _one_each(self.places, given, turn) and (trace is None or origin):
                self.outside = line_here()
            return None
        key = id(origin.value)
        known = self._found.get(key)
        if known is None or (is_clear and not known.is_clear):
            size = origin.value.numel()
            self._found[key] = Choice(line_here(), (origin.site,), is_clear, size)
        return key

    def _note_shares(
        self, name: str, stack: Stack, turn: int, given: Tensor, out: Tensor
    ) -> int | None:
        """Remember that nodes are shared out by a tensor with an axis of clusters, if they are."""
        axes = self.places.find(out.shape, turn)
        if axes is None or axes.kind == "edges":
            return None
        unseen = _Trace(given, _Origin(None, given), frozenset())
        origin = self._traces.setdefault(id(given), unseen).origin
        key = id(given if origin is None else origin.value)
        numbers = self.places.numbers(out, axes)
        known, site = self._found.get(key), _site(name, stack, axes, numbers, turn)
        if known is None:
            self._found[key] = Choice(line_here(), (site,), True, out.numel() // numbers)
        elif site not in known.sites:
            self._found[key] = known._replace(sites=(*known.sites, site))
        return key

    def _origin(
        self, name: str, operands: list[Tensor], out: Tensor, site: Site | None
    ) -> _Origin | None:
        """Where the numbers of a result arise; ``None`` for constants."""
        if name.startswith("new_") or name.endswith("_like"):
            return None
        held: dict[int, _Origin] = {}
        is_new = False
        for operand in operands:
            if operand.is_floating_point() and operand.numel() > 1:
                if id(operand) not in self._traces:
                    is_new = True
                elif (known := self._traces[id(operand)].origin) is not None:
                    held[id(known.value)] = known
        if not held and not is_new:
            return None
        if len(held) == 1 and not is_new:
            (origin,) = held.values()
            if _stays(name, origin, operands, out, site):
                return origin
        return _Origin(site, out)


def _one_each(places: Places, value: Tensor, turn: int) -> Axes | None:
    """The axes of nodes, if a tensor has one number for each."""
    axes = places.find(value.shape, turn)
    return axes if axes is not None and places.numbers(value, axes) == 1 else None


def _site(name: str, stack: Stack, axes: Axes, numbers: int, turn: int) -> Site:
    return Site(name, stack, axes, numbers, None if axes.kind == "graph" else turn)


def _same_numbers(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers, which are not all equal."""
    same = one.shape == other.shape and torch.equal(one, other)
    return same and bool(one.numel() == 0 or (one != one.flatten()[0]).any())


def _stays(
    name: str, origin: _Origin, operands: list[Tensor], out: Tensor, site: Site | None
) -> bool:
    """Whether each number of a result is that of one node still."""
    name = name.removesuffix("_") if not name.startswith("__") else name
    if name in _MIXING:
        return False
    if name in _SUMMING:
        return site is None
    if name in INDEXING:
        chosen = any(not t.is_floating_point() and t.dtype != torch.bool for t in operands[1:])
        if chosen and operands[0].numel() == origin.value.numel():
            return False
    return origin.site is not None or out.numel() == origin.value.numel()


def _tensors(values: tuple[Any, ...]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from (part for part in value if isinstance(part, Tensor))
