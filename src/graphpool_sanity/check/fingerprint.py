"""Fingerprints: what tells one model, or one set of graphs, from another in a ledger."""

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from itertools import pairwise
from uuid import uuid4

from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import is_sparse, to_edge_index

from graphpool_sanity.check.description import Description, named, summary
from graphpool_sanity.modules import fork_rng
from graphpool_sanity.training.store import Store, store_of

_LENGTH = 16
_FIRST = ("x", "edge_index", "edge_attr", "y")
"""The attributes that come first, in this order."""


def model_fingerprint(model: nn.Module) -> str:
    """16 hex digits of a model's structure, the same in every process.

    They follow from the classes of its modules and their code (and that of their bases, torch's
    excepted), their attributes, whatever is inside them, and name, shape, type and size, in three
    digits, of each parameter and buffer. Of the user's own code also from what classes hold, and
    from the constants, functions and classes of a module that it uses, and those that these use;
    installed packages are known by name. Comments, docstrings and the module in which a class of
    this package lives make no difference.

    What cannot be described (a generator, an object of an extension that cannot be pickled) makes
    a fingerprint that never comes again, and a warning says so.

    >>> a, b = nn.Linear(2, 3), nn.Linear(2, 4)
    >>> model_fingerprint(a) == model_fingerprint(a), model_fingerprint(a) == model_fingerprint(b)
    (True, False)
    """
    seen = Description()
    parts: list[str] = []
    for name, module in model.named_modules():
        own = vars(module).keys() - vars(nn.Module()).keys()
        values = {key: seen.of(vars(module)[key]) for key in sorted(own)}
        parts.append(f"{name}: {named(type(module))} {values}")
        for kind in type(module).__mro__:
            seen.add(kind)
    parts += sorted(seen.code)
    parts += [
        f"{name}: {summary(value)}"
        for name, value in model.state_dict().items()
        if isinstance(value, Tensor)
    ]
    if seen.unknown:
        warnings.warn(
            f"the ledger cannot tell one {seen.unknown[0]} from another, and the model uses one: "
            "its runs are not resumed",
            stacklevel=2,
        )
        parts.append(uuid4().hex)
    return _digest(part.encode() for part in parts)


def data_fingerprint(graphs: Iterable[Data]) -> str:
    """16 hex digits of all that the graphs have, in their order.

    Graphs that are others at each access, as those of a dataset with a random transform, get
    digits that never come again, and a warning says so.
    """
    store = None if isinstance(graphs, list | tuple) else store_of(graphs)
    if store is not None:
        return _digest(_bytes_of_store(store))
    with fork_rng(0):
        found = _digest(part for graph in graphs for part in _bytes_of(graph))
        if isinstance(graphs, list | tuple):
            return found
        again = _digest(part for graph in graphs for part in _bytes_of(graph))
    if again != found:
        warnings.warn(
            "the data set draws its graphs anew at each access: its runs are not resumed",
            stacklevel=2,
        )
        return f"drawn-{uuid4().hex}"[:_LENGTH]
    return found


def split_fingerprint(split: Iterable[Tensor]) -> str:
    """16 hex digits of the graphs of each part."""
    return _digest(str(part.tolist()).encode() for part in split)


def _bytes_of_store(store: Store) -> Iterator[bytes]:
    """The bytes of its graphs, none of which is built."""
    others = {*store.values, *(() if store.num_nodes is None else ["num_nodes"])} - {*_FIRST}
    names = [*(key for key in _FIRST if key in store.values), *sorted(others)]
    columns = [_bytes_by_graph(key, store) for key in names]
    for parts in zip(*columns, strict=True):
        for part in parts:
            yield from part


def _bytes_by_graph(key: str, store: Store) -> Iterator[tuple[bytes, ...]]:
    if key not in store.values:
        sizes = [] if store.num_nodes is None else store.num_nodes.tolist()
        yield from ((f"{key} {size}".encode(),) for size in sizes)
        return
    value, ends = store.values[key].detach().cpu(), store.slices[key].tolist()
    dim, array, dtype = store.dims[key] % value.dim(), value.numpy(), str(value.dtype)
    before, shape = (slice(None),) * dim, list(value.shape)
    for begin, end in pairwise(ends):
        shape[dim] = end - begin
        part = array[(*before, slice(begin, end))]
        yield f"{key} {shape} {dtype}".encode(), part.tobytes()


def _bytes_of(graph: Data) -> Iterator[bytes]:
    for key in (*_FIRST, *sorted(set(graph.keys()) - set(_FIRST))):
        value = graph.get(key)
        if is_sparse(value):
            for part in to_edge_index(value):
                yield from _bytes_of_tensor(key, part)
        elif isinstance(value, Tensor):
            yield from _bytes_of_tensor(key, value)
        elif value is not None:
            yield f"{key} {Description().of(value)}".encode()


def _bytes_of_tensor(key: str, value: Tensor) -> Iterator[bytes]:
    yield f"{key} {list(value.shape)} {value.dtype}".encode()
    yield value.detach().cpu().contiguous().numpy().tobytes()


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part + b"\n")
    return digest.hexdigest()[:_LENGTH]
