"""Which modules of a model are its pooling layers."""

from collections.abc import Iterator, Sequence

from torch import nn

from graphpool_sanity.naming import calls_itself_pooling


def chosen_layers(
    model: nn.Module, layers: Sequence[str | nn.Module] | None = None
) -> dict[str, nn.Module]:
    """The layers that are named or given, or else all pooling layers, each once, by its name.

    Pooling layers are the outermost modules that call themselves so; a model that does is one only
    if it has none inside.

    Raises:
        ValueError: if one is not of the model, or there are none.

    >>> from torch_geometric.nn import TopKPooling
    >>> chosen_layers(nn.Sequential(nn.Linear(2, 2), TopKPooling(2)))
    {'1': TopKPooling(2, ratio=0.5, multiplier=1.0)}
    """
    if layers is not None:
        return _given_layers(model, layers)
    names: dict[nn.Module, str] = {}
    for name, layer in _pooling_layers(model):
        names.setdefault(layer, name)
    if not names and calls_itself_pooling(model):
        names = {model: type(model).__name__}
    if not names:
        raise ValueError(
            f"model must have a pooling layer, got {type(model).__name__} without any whose class "
            "has a name that ends with Pool or Pooling; name them by layers"
        )
    return {name: layer for layer, name in names.items()}


def _given_layers(model: nn.Module, layers: Sequence[str | nn.Module]) -> dict[str, nn.Module]:
    modules = dict(model.named_modules())
    names = {module: name or type(model).__name__ for name, module in modules.items()}
    chosen = {}
    for layer in layers:
        module = modules.get(layer) if isinstance(layer, str) else layer
        if module is None or module not in names:
            raise ValueError(f"layers must be modules of the model or their names, got {layer!r}")
        chosen[names[module]] = module
    return chosen


def _pooling_layers(parent: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The outermost pooling layers below a module, with their names."""
    for name, child in parent.named_children():
        if calls_itself_pooling(child):
            yield prefix + name, child
        else:
            yield from _pooling_layers(child, f"{prefix}{name}.")
