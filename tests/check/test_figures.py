"""What a reader sees of the figures of a check: every word of them."""

import numpy as np
import pytest

from graphpool_sanity.check.comparison import compare
from graphpool_sanity.check.figures import ForestLine, plot_differences, plot_forest, plot_scores
from graphpool_sanity.training.tasks import Unit

NULLS = {
    "one": ["none"],
    "two": ["complement", "none"],
    "long": ["shuffle", "a-null-of-my-own-making"],
}
GAPS = list(np.linspace(-0.03, 0.04, 10))


def figures(nulls, metric):
    unit, gaps = Unit(metric), dict.fromkeys(nulls, GAPS)
    lines = [ForestLine(f"{null}, on TUDataset/IMDB", 0.01, (-0.02, 0.03)) for null in nulls]
    yield plot_differences({null: compare(GAPS, 0.02) for null in nulls}, gaps, unit)
    yield plot_forest(lines, unit, 0.02)
    yield plot_scores(dict.fromkeys(["layer", *nulls], GAPS), unit)


@pytest.mark.parametrize("metric", ["accuracy", "mae", "average_precision", "balanced_accuracy"])
@pytest.mark.parametrize("nulls", NULLS.values(), ids=NULLS)
def test_no_word_is_cut_off_at_the_edge(nulls, metric):
    for figure in figures(nulls, metric):
        figure.draw_without_rendering()
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(drawn.x0, drawn.y0) >= 0, drawn
        assert drawn.x1 <= width, drawn
        assert drawn.y1 <= height, drawn
