"""The calls of a layer to PyTorch, and how the nodes exchange what some of them give."""

import linecache
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch
import torch_geometric
from torch import Tensor
from torch.overrides import TorchFunctionMode

from graphpool_sanity.select.places import Axes, Places

INDEXING = ("__getitem__", "index_select", "gather", "take", "take_along_dim", "masked_select")
_MAKING_INDICES = (*INDEXING, "cat", "stack")

ARGUMENT = "argument"
"""The name of a site that is no call, but what is given to the layer."""

Stack = tuple[tuple[str, int], ...]


class Site(NamedTuple):
    """A call whose result the nodes exchange."""

    name: str
    stack: Stack
    """The functions it was called from, innermost first, and where in each."""
    axes: Axes
    numbers: int = 1
    """For each node."""
    turn: int | None = 0
    """Which of several such calls it is; all, one for each graph, if ``None``."""


class Watch(TorchFunctionMode):
    """Is told of the calls to PyTorch that are made under it."""

    names: Collection[str] | None = None
    """The functions whose calls matter; all, if ``None``."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  (whatever the function gives)
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if self.names is not None and name not in self.names:
            return out
        return self.called(name, (*args, *(kwargs or {}).values()), out)

    def called(self, name: str, args: tuple[Any, ...], out: Any) -> Any:  # noqa: ANN401
        """What the call of a function gives in the place of ``out``."""
        raise NotImplementedError


class Calls(Watch):
    """Watches the calls of a layer."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.places = places
        self._turns: Counter[tuple[str, Stack, torch.Size]] = Counter()

    def see(self, name: str, args: tuple[Any, ...], out: Any) -> None:  # noqa: ANN401
        """Remember what indices of nodes a call makes."""
        if name in _MAKING_INDICES and isinstance(out, Tensor) and out.dtype == torch.int64:
            self.places.see(args[0] if args else None, out)

    def turn(self, name: str, stack: Stack, out: Any) -> int:  # noqa: ANN401
        """How often this call has been made before, with a result as wide as this."""
        key = name, stack, out.shape[1:] if isinstance(out, Tensor) else torch.Size()
        self._turns[key] += 1
        return self._turns[key] - 1


def run(mode: Calls, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:  # noqa: ANN401
    """What a call gives under a mode, which takes it for the layer."""
    if isinstance(mode, Exchange):
        args = [mode.argument(str(place), value) for place, value in enumerate(args)]
        kwargs = {key: mode.argument(key, value) for key, value in kwargs.items()}
    with mode:
        return call(*args, **kwargs)


class Exchange(Calls):
    """Exchanges among the nodes of each graph what some calls give."""

    def __init__(self, places: Places, sites: tuple[Site, ...]) -> None:
        super().__init__(places)
        self._sites: dict[tuple[str, Stack], list[Site]] = {}
        for site in sites:
            self._sites.setdefault((site.name, site.stack), []).append(site)
        self._chosen = {site.name for site in sites}
        self.names = self._chosen.union(_MAKING_INDICES)
        self.is_reached = False

    def argument(self, key: str, value: Any) -> Any:  # noqa: ANN401
        """What is given to the layer in the place of an argument."""
        for site in self._sites.get((ARGUMENT, ((key, 0),)), ()):
            if self.places.has(site.axes, value.shape):
                self.is_reached = True
                return self.places.exchange(value, site.axes)
        return value

    def called(self, name: str, args: tuple[Any, ...], out: Any) -> Any:  # noqa: ANN401
        """The exchanged result of a call that is meant."""
        self.see(name, args, out)
        if name not in self._chosen:
            return out
        stack = stack_of()
        sites = self._sites.get((name, stack))
        if sites is None:
            return out
        given = args[0] if out is None else out
        turn = self.turn(name, stack, given)
        for site in sites:
            if (
                site.turn in (turn, None)
                and self.places.has(site.axes, given.shape, turn)
                and self.places.numbers(given, site.axes) == site.numbers
            ):
                return self._exchanged(given, site.axes, turn, in_place=given is args[0])
        return out

    def _exchanged(self, given: Tensor, axes: Axes, turn: int, in_place: bool) -> Tensor:
        self.is_reached = True
        changed = self.places.exchange(given, axes, turn)
        return given.copy_(changed) if in_place else changed


_TORCH, _PYG = (f"{Path(str(module.__file__)).parent}/" for module in (torch, torch_geometric))
_HERE = f"{Path(__file__).parent}/"
"""Code in which no layer chooses: whoever calls it does."""


def _frames() -> Iterator[FrameType]:
    """The frames between a call and where its mode was entered, without those of PyTorch."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not run.__code__:
        file = frame.f_code.co_filename
        if not file.startswith((_TORCH, _HERE)):
            yield frame
        frame = frame.f_back


def stack_of() -> Stack:
    """From where in the layer a call is made."""
    return tuple((frame.f_code.co_name, frame.f_lasti) for frame in _frames())


def line_here() -> str:
    """The line of the layer that makes a call, and where it is."""
    frames = list(_frames())
    own = (frame for frame in frames if not frame.f_code.co_filename.startswith(_PYG))
    frame = next(own, frames[-1])
    file = frame.f_code.co_filename
    code = linecache.getline(file, frame.f_lineno).strip()
    return f"{Path(file).name}:{frame.f_lineno}: {code}"
