"""The check: a model and its nulls trained in pairs, judged and reported."""

from typing import TYPE_CHECKING

from graphpool_sanity._lazy import attach

if TYPE_CHECKING:
    from graphpool_sanity.check.backbone import Backbone
    from graphpool_sanity.check.comparison import Comparison, compare
    from graphpool_sanity.check.report import SanityReport
    from graphpool_sanity.check.sanity import sanity_check

__all__ = ["Backbone", "Comparison", "SanityReport", "compare", "sanity_check"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Backbone": f"{__name__}.backbone",
        "Comparison": f"{__name__}.comparison",
        "SanityReport": f"{__name__}.report",
        "compare": f"{__name__}.comparison",
        "sanity_check": f"{__name__}.sanity",
    },
)
