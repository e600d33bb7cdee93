import pytest

from graphpool_sanity.check.collect import _still_improves


@pytest.mark.parametrize(
    ("epochs", "best", "said"), [(40, 40, True), (40, 37, True), (40, 36, False), (30, 30, False)]
)
def test_a_run_still_improves_if_its_best_epoch_was_among_the_last_of_all(epochs, best, said):
    assert _still_improves({"epochs": epochs, "best_epoch": best}, limit=40) == said
