"""The engine: train a model under the paper's protocol, keep every run."""

from typing import TYPE_CHECKING

from graphpool_sanity._lazy import attach

if TYPE_CHECKING:
    from graphpool_sanity.training.ledger import Ledger
    from graphpool_sanity.training.protocol import Evaluation, Protocol, Result, evaluate, train
    from graphpool_sanity.training.runs import run_all

__all__ = ["Evaluation", "Ledger", "Protocol", "Result", "evaluate", "run_all", "train"]

_OF_PROTOCOL = ("Evaluation", "Protocol", "Result", "evaluate", "train")
__getattr__, __dir__ = attach(
    __name__,
    dict.fromkeys(_OF_PROTOCOL, f"{__name__}.protocol")
    | {"Ledger": f"{__name__}.ledger", "run_all": f"{__name__}.runs"},
)
