import os
from zlib import crc32

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side

import pytest
import torch
from hypothesis import HealthCheck, settings
from torch_geometric import seed_everything

# The same examples in every run; HYPOTHESIS_PROFILE=explore looks for new ones.
shared = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fixed", max_examples=60, derandomize=True, database=None, **shared)
settings.register_profile("explore", max_examples=2000, **shared)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

torch.sparse.check_sparse_tensor_invariants.enable()


# What a module draws as it is imported, and each fixture and test as it runs, follows from its
# name: it does not hang on what was run before it in the same worker.


def pytest_collectstart(collector):
    seed_by(collector.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    seed_by(f"{request.node.nodeid} {fixturedef.argname}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    seed_by(item.nodeid)


def seed_by(name):
    seed_everything(crc32(name.encode()))
