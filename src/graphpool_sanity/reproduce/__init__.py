"""The paper: its experiments, studies, tables and numbers."""

from typing import TYPE_CHECKING

from graphpool_sanity._lazy import attach

if TYPE_CHECKING:
    from graphpool_sanity.reproduce.command import reproduce
    from graphpool_sanity.reproduce.experiment import Experiment
    from graphpool_sanity.reproduce.study import Row, Study

__all__ = ["Experiment", "Row", "Study", "reproduce"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Experiment": f"{__name__}.experiment",
        "Row": f"{__name__}.study",
        "Study": f"{__name__}.study",
        "reproduce": f"{__name__}.command",
    },
)
