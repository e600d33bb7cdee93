"""Fingerprints: what tells one model, or one set of graphs, from another in a ledger."""

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from uuid import uuid4

from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import is_sparse, to_edge_index

from graphpool_sanity.check.description import Description, named, summary
from graphpool_sanity.modules import fork_rng
from graphpool_sanity.training.store import store_of

_LENGTH = 16


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
    with fork_rng(0):
        found = _digest(part for graph in graphs for part in _bytes_of(graph))
        if isinstance(graphs, list | tuple) or store_of(graphs) is not None:
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


def _bytes_of(graph: Data) -> Iterator[bytes]:
    first = ("x", "edge_index", "edge_attr", "y")
    for key in (*first, *sorted(set(graph.keys()) - set(first))):
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
