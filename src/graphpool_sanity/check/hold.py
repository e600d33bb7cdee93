"""Whether a null takes hold: a model must ask what the null has exchanged in it."""

from torch import nn

from graphpool_sanity.nulls import randomize
from graphpool_sanity.nulls.registry import pooling_layers


class Watched:
    """A model with a null, whose exchanged parts are watched while it runs.

    A layer of which the model takes something else than its exchanged part (a ``forward`` that
    does without it, a layer that is never called) pools as ever, and is no null.

    >>> import torch
    >>> from graphpool_sanity import GraclusPool
    >>> watched = Watched(GraclusPool(), "random", seed=0)
    >>> watched.unasked()
    ['GraclusPool']
    >>> out = watched.model(torch.ones(2, 1), torch.tensor([[0], [1]]))
    >>> watched.unasked()
    []
    """

    def __init__(self, model: nn.Module, null: str, seed: int) -> None:
        for part in model.modules():
            vars(part)["_is_own"] = True  # in its copy, too
        self.model = randomize(model, null, seed)
        self._parts = {
            name or type(layer).__name__: self._exchanged(name)
            for name, layer in pooling_layers(model).items()
        }
        self._asked: set[nn.Module] = set()

    def unasked(self) -> list[str]:
        """The layers of whose exchanged parts, if there are any, none has been called so far."""
        return [
            name for name, parts in self._parts.items() if parts and self._asked.isdisjoint(parts)
        ]

    def _exchanged(self, name: str) -> list[nn.Module]:
        parts = self.model.get_submodule(name).modules()
        foreign = [part for part in parts if "_is_own" not in vars(part)]
        for part in foreign:
            part.register_forward_hook(lambda module, args, out: self._asked.add(module))
        return foreign
