"""Ledgers of runs that nobody ran."""

from graphpool_sanity.reproduce.study import Runs
from graphpool_sanity.training.ledger import Ledger


def keep(folder, row, dataset, tests, **fields):
    """Keep a run of the row for each test metric, seed by seed."""
    path, configs = Runs(folder, len(tests))._configs(row, row.experiment, dataset)
    for config, test in zip(configs, tests, strict=True):
        Ledger(path).append(config, {"test": test, "seconds": 10.0, "epochs": 5, **fields})
