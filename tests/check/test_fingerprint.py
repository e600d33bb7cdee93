import linecache
import os
import random
import re
import subprocess
import sys
from argparse import Namespace
from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from importlib import import_module, invalidate_caches
from pathlib import Path
from threading import Lock
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Data, InMemoryDataset

from graphpool_sanity import GraclusPool
from graphpool_sanity.check import description
from graphpool_sanity.check.description import Description
from graphpool_sanity.check.fingerprint import data_fingerprint, model_fingerprint
from graphpool_sanity.datasets import digits


class Side(Enum):
    LEFT = 1
    RIGHT = 2


class Net(nn.Module):
    def __init__(self, rate=0.5, act=torch.relu, out=2):
        super().__init__()
        self.rate, self.act = rate, act
        self.lin = nn.Linear(3, out)
        self.generator = torch.Generator()

    def forward(self, x):
        return nn.functional.dropout(self.act(self.lin(x)), self.rate)


class Twice(Net):
    def forward(self, x):
        return 2 * super().forward(x)


def seeded(build, seed=0):
    torch.manual_seed(seed)
    return model_fingerprint(build())


def test_a_model_built_again_is_the_same():
    assert seeded(Net) == seeded(Net)
    assert len(seeded(Net)) == 16


@pytest.mark.parametrize(
    "other",
    [
        Twice,
        partial(Net, rate=0.4),
        partial(Net, act=torch.tanh),
        partial(Net, act=lambda x: x),
        partial(Net, act=partial(torch.clamp, min=0)),
        partial(Net, out=3),
        partial(nn.Sequential, Net()),
    ],
)
def test_whatever_makes_another_model_shows(other):
    assert seeded(other) != seeded(Net)


def test_other_initial_weights_show():
    assert seeded(Net, seed=1) != seeded(Net, seed=0)


def test_rounding_does_not():
    net = Net()
    before = model_fingerprint(net)
    with torch.no_grad():
        net.lin.weight.mul_(1 + 1e-7)
    assert model_fingerprint(net) == before


def test_classes_without_source_are_told_apart_by_their_code():
    def define(body):
        space = {"nn": nn, "__name__": "own"}
        exec(f"class Own(nn.Module):\n    def forward(self, x):\n        return {body}", space)
        return space["Own"]()

    assert model_fingerprint(define("x + 1")) == model_fingerprint(define("x + 1"))
    assert model_fingerprint(define("x + 1")) != model_fingerprint(define("x + 2"))
    assert model_fingerprint(define("x + 1")) != model_fingerprint(define("x.exp()"))


def graph(**changes):
    fields = {"x": torch.ones(2, 1), "edge_index": torch.tensor([[0], [1]]), "y": torch.zeros(1)}
    return Data(**fields | changes)


@pytest.mark.parametrize(
    "other",
    [
        [graph(x=torch.zeros(2, 1))],
        [graph(x=torch.ones(1, 2))],
        [graph(edge_index=torch.tensor([[1], [0]]))],
        [graph(y=torch.ones(1))],
        [graph(edge_attr=torch.ones(1, 2))],
        [graph(), graph()],
        [],
    ],
)
def test_other_graphs_show(other):
    assert data_fingerprint(other) != data_fingerprint([graph()])
    assert data_fingerprint([graph()]) == data_fingerprint([graph()])


@pytest.mark.parametrize(
    "more",
    [
        {"pos": torch.zeros(2, 3)},
        {"pos": torch.ones(2, 3)},
        {"scale": 2.0},
        {"adj_t": torch.eye(2).to_sparse_csr()},
        {"adj_t": torch.eye(2).to_sparse()},
    ],
)
def test_whatever_else_the_graphs_have_shows(more):
    own = {"x": torch.ones(2, 1), "edge_index": torch.tensor([[0], [1]])}
    graph, other = Data(**own), Data(**own, **more)
    assert data_fingerprint([other]) == data_fingerprint([other.clone()])
    assert data_fingerprint([other]) != data_fingerprint([graph])
    assert data_fingerprint([other]) != data_fingerprint([Data(**own, pos=torch.full((2, 3), 2.0))])


class Args:
    """Settings in an object, as research code has them."""

    def __init__(self, **settings):
        self.__dict__.update(settings)


@dataclass
class Config:
    ratio: float
    inner: object = None


class Sized(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.args, self.lin = settings, nn.Linear(3, 2)


@pytest.mark.parametrize(
    ("settings", "others"),
    [
        (Namespace(ratio=0.1), [Namespace(ratio=0.9), Namespace(ratio=0.1, more=1)]),
        (SimpleNamespace(ratio=0.1), [SimpleNamespace(ratio=0.9)]),
        (Args(ratio=0.1), [Args(ratio=0.9), Args(rate=0.1)]),
        (Config(0.1), [Config(0.9), Config(0.1, Config(0.1)), Config(0.1, Args(a=1))]),
        ({"a": [Args(b={"c": 1})]}, [{"a": [Args(b={"c": 2})]}]),
        ({"a", "b"}, [{"a", "c"}]),
        (torch.ones(3), [torch.zeros(3), torch.ones(4), torch.ones(3).double()]),
        (np.ones(3), [np.zeros(3), np.ones(3, dtype=np.float32)]),
        (Side.LEFT, [Side.RIGHT]),
        (Args(ratio=0.1).__init__, [Config(0.1).__init__]),
    ],
    ids=lambda part: type(part).__name__,
)
def test_settings_inside_objects_show(settings, others):
    own = seeded(lambda: Sized(settings))
    assert seeded(lambda: Sized(deepcopy(settings))) == own
    assert own not in [seeded(lambda other=other: Sized(other)) for other in others]


def test_what_a_function_holds_shows():
    def scaled(factor, more=1):
        return lambda x, power=more: factor * x**power

    own = seeded(lambda: Net(act=scaled(2)))
    assert seeded(lambda: Net(act=scaled(2))) == own
    assert seeded(lambda: Net(act=scaled(3))) != own
    assert seeded(lambda: Net(act=scaled(2, more=2))) != own


def test_an_object_that_holds_itself_is_described_once():
    ring = Args(ratio=0.1)
    ring.itself = ring
    assert seeded(lambda: Sized(ring)) != seeded(lambda: Sized(Args(ratio=0.1)))
    assert "0x" not in Description().of(ring)
    assert "0x" not in Description().of([object(), Args(lock=Lock()), nn.Linear(1, 1).forward])


SOURCE = """
from torch import nn

class Own(nn.Module):
    {doc}
    def __init__(self):
        super().__init__()
        self.scale = 2

    def forward(self, x):
        {doc}
        return {body}
"""


def write(folder, module, doc, body, monkeypatch):
    (folder / f"{module}.py").write_text(SOURCE.format(doc=doc, body=body))
    monkeypatch.syspath_prepend(folder)
    invalidate_caches()
    linecache.checkcache()
    found = model_fingerprint(import_module(module).Own())
    del sys.modules[module]
    return found


def test_comments_and_docstrings_do_not_show_and_code_does(tmp_path, monkeypatch):
    found = [
        write(tmp_path / str(i), "own_module", *variant, monkeypatch)
        for i, variant in enumerate(
            [
                ('"""Says one thing."""', "x + 1"),
                ('"""Says another,\n\n    at length."""', "(x   +  1)  # a comment"),
                ("# nothing", "x + 1"),
                ('"""Says one thing."""', "x + 2"),
            ]
        )
        if not (tmp_path / str(i)).mkdir()
    ]
    assert found[0] == found[1] == found[2] != found[3]


def test_the_module_of_a_class_of_ours_does_not_show(monkeypatch):
    monkeypatch.setattr(description, "_code_of", lambda kind: kind.__name__)  # there it is still

    def of(module):
        kind = type("Pool", (GraclusPool,), {"__module__": module})
        return model_fingerprint(kind(seed=0))

    assert of("graphpool_sanity.here") == of("graphpool_sanity.elsewhere") != of("somebody.elses")


GLOBALS = """
import logging
from functools import cache, partial

import helpers
from torch import nn

SCALE = 2
UNUSED = 1
SETTINGS = {"rate": 0.5, "kinds": {"a", "b"}}
LOG = logging.getLogger("own")


class Sampler:
    ratio = 0.5

    def draw(self, x):
        return x[:2]


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


@cache
def table():
    return [1, 2]


class Base:
    width = 2


class Own(Base, nn.Module):
    def __init__(self):
        super().__init__()
        self.sampler, self.act, self.other = Sampler(), [lambda x: x, lambda x: -x][0], None

    @property
    def size(self):
        return 3

    @staticmethod
    def first(x):
        return x[0]

    def forward(self, x):
        LOG.info("seen")
        if x in {"c", "d"}:
            return [SCALE * y for y in x]
        return odd(SETTINGS["rate"]) + helpers.scaled(x) + helpers.deep.LEVEL + table()[0]
"""
HELPERS = """
from types import ModuleType

BY = 2
deep = ModuleType("deep")
deep.LEVEL = 1

def scaled(x):
    return BY * x
"""
CHANGES = [
    ("SCALE = 2", "SCALE = 3"),
    ('"rate": 0.5', '"rate": 0.6'),
    ("n == 0 or", "n == 1 or"),
    ("[1, 2]", "[1, 3]"),
    ("x[:2]", "x[:3]"),
    ("ratio = 0.5", "ratio = 0.6"),
    ("width = 2", "width = 3"),
    ("return 3", "return 4"),
    ("x[0]", "x[1]"),
    ("[0], None", "[1], None"),
    ("BY = 2", "BY = 3"),
    ("LEVEL = 1", "LEVEL = 2"),
    ("BY * x", "BY + x"),
    ('{"c", "d"}', '{"c", "e"}'),
]
SETTINGS_FROM_OUTSIDE = [
    "Own.width = 3",
    "Own.added = 3",
    "Sampler.ratio = 3",
    "Own.forward = Own.first",
    "SETTINGS['rate'] = 3",
    "helpers.BY = 3",
    "helpers.deep.LEVEL = 3",
]


def defined(folder, monkeypatch, old="", new="", after=""):
    """The fingerprint of ``Own``: from files in a folder, or without any source."""
    sources = {"helpers": HELPERS.replace(old, new), "own": GLOBALS.replace(old, new) + after}
    for name, source in sources.items():
        if folder is None:
            sys.modules[name] = module = ModuleType(name)
            exec(compile(source, f"<no file of {name}>", "exec"), vars(module))
        else:
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.py").write_text(source)
    if folder is not None:
        monkeypatch.syspath_prepend(folder)
        invalidate_caches()
        linecache.checkcache()
    try:
        return model_fingerprint(import_module("own").Own())
    finally:
        for name in sources:
            sys.modules.pop(name, None)


@pytest.mark.parametrize("source", [True, False])
def test_what_a_models_code_uses_shows_and_nothing_else(source, tmp_path, monkeypatch):
    def found(name, *change, **more):
        return defined(tmp_path / name if source else None, monkeypatch, *change, **more)

    own = found("a")
    assert own == found("b") == found("c", "UNUSED = 1", "UNUSED = 2")
    for i, (old, new) in enumerate(CHANGES):
        assert old in GLOBALS + HELPERS
        assert found(f"change{i}", old, new) != own, new
    for i, setting in enumerate(SETTINGS_FROM_OUTSIDE):
        assert found(f"setting{i}", after=setting) != own, setting


@pytest.mark.long
def test_code_without_a_file_is_the_same_in_every_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_fingerprint import defined\n"
        "print(defined(None, None))\n"
    )
    found = [
        subprocess.run(
            [sys.executable, script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    ]
    assert len(set(found)) == 1
    assert len(found[0]) == 17


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (lambda: random.Random(1), lambda: random.Random(2)),
        (lambda: np.random.default_rng(1), lambda: np.random.default_rng(2)),
        (lambda: torch.distributions.Normal(0, 1), lambda: torch.distributions.Normal(0, 2)),
        (lambda: re.compile("a"), lambda: re.compile("b")),
        (lambda: range(3), lambda: range(4)),
        (lambda: deque([1], 2), lambda: deque([1], 3)),
        (lambda: datetime(2026, 1, 1), lambda: datetime(2026, 1, 2)),
        (lambda: torch.tensor([0.2, 0.8]), lambda: torch.tensor([0.8, 0.2])),
        (lambda: torch.tensor([0.2, 0.8]), lambda: torch.tensor([0.2, -0.8])),
        (lambda: Slotted(1), lambda: Slotted(2)),
        (lambda: str.upper, lambda: str.lower),  # as any method of Python's own, of no module
    ],
)
def test_objects_are_what_they_would_be_pickled_by(value, other):
    own = seeded(lambda: Sized(value()))
    assert own == seeded(lambda: Sized(value())) != seeded(lambda: Sized(other()))


class Slotted:
    __slots__ = ("value",)
    plain = str.__repr__

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize("make", [lambda: (i for i in range(3)), Lock, lambda: [Args(a=Lock())]])
def test_what_cannot_be_described_is_never_known_again_and_that_is_said(make):
    with pytest.warns(UserWarning, match="cannot tell one .*its runs are not resumed"):
        first = seeded(lambda: Sized(make()))
    with pytest.warns(UserWarning, match="cannot tell"):
        assert first != seeded(lambda: Sized(make()))


class Stored(InMemoryDataset):
    def __init__(self, transform=None):
        super().__init__(None, transform)
        self.data, self.slices = self.collate([graph(), graph(x=torch.zeros(2, 1))])


def noise(data):
    data.x = data.x + torch.rand(())
    return data


def double(data):
    data.x = 2 * data.x
    return data


def test_graphs_that_are_drawn_anew_are_never_known_again_and_that_is_said():
    state = torch.get_rng_state()
    with pytest.warns(UserWarning, match="draws its graphs anew .*not resumed"):
        first = data_fingerprint(Stored(noise))
    with pytest.warns(UserWarning, match="draws its graphs anew"):
        assert first != data_fingerprint(Stored(noise))
    assert torch.equal(torch.get_rng_state(), state)
    assert data_fingerprint(Stored(double)) == data_fingerprint(Stored(double))
    assert data_fingerprint(Stored(double)) != data_fingerprint(Stored())
    assert data_fingerprint(Stored()) == data_fingerprint(list(Stored()))


def mixed(with_num_nodes):
    graphs = []
    for i in range(12):
        size = 3 + i % 4
        edges = torch.randint(0, size, (2, 2 * i))
        bonds = torch.randint(0, 3, (2 * i, 3))
        graph = Data(torch.rand(size, 2), edges, bonds, torch.full((1, 2), i))
        graph.face, graph.a, graph.z = (
            torch.randint(0, size, (3, 2)),
            torch.ones(1),
            torch.rand(i, 1),
        )
        if with_num_nodes:
            graph.num_nodes = size
        graphs.append(graph)
    return graphs


@pytest.mark.parametrize("with_num_nodes", [False, True])
def test_graphs_end_to_end_are_known_by_what_each_of_them_has(monkeypatch, with_num_nodes):
    graphs = mixed(with_num_nodes)
    dataset = InMemoryDataset()
    dataset.data, dataset.slices = dataset.collate(graphs)
    one_by_one = data_fingerprint([dataset[i] for i in range(12)])
    assert data_fingerprint([dataset[i] for i in (3, 1, 7)]) != one_by_one
    part = data_fingerprint([dataset[i] for i in (3, 1, 7)])
    monkeypatch.setattr(InMemoryDataset, "get", pytest.fail)
    assert data_fingerprint(dataset) == one_by_one
    assert data_fingerprint(dataset[[3, 1, 7]]) == part


def test_the_digits_are_those_of_before():
    assert data_fingerprint(digits().graphs) == "e8ee93b65419c271"
