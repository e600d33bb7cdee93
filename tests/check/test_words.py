"""What a report says in words, and what limits it."""

import pytest
from _helpers.reports import report

from graphpool_sanity.check.words import beyond, caveats, changes, paragraphs

QUIET = {v: {"permutation": "holds", "batch": "holds"} for v in ("layer", "complement", "none")}

OUTPUT = {"permutation": "output differs by 2", "batch": "holds"}


def test_nothing_is_said_where_nothing_limits():
    assert caveats(report(invariance=QUIET)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"invariance": QUIET | {"layer": OUTPUT}},
            "The layer depends on more than the graph: renumbered, output differs by 2",
        ),
        (
            {"invariance": QUIET | {"layer": {"permutation": "holds", "batch": "differs by 3"}}},
            "The layer depends on more than the graph: evaluated alone, differs by 3",
        ),
        ({"ties": {"a": 0.01, "b": 0.5}}, "In 50 % of the graphs the cut of b falls among equal"),
        (
            {"shifts": {"complement": 0.1, "none": -0.05}},
            "Without pooling ('none') the network is better: -4.9 points",
        ),
    ],
)
def test_what_limits_the_verdict_stands_in_the_headline(changes, said):
    found = report(**{"invariance": QUIET} | changes)
    (only,) = caveats(found)
    assert only.startswith(said)
    assert only in found.headline


@pytest.mark.parametrize(("after", "said"), [(1e-4, True), (0.5, False), (None, False)])
def test_a_layer_that_is_as_good_without_a_choice_hardly_chooses(after, said):
    bite = {"complement": {"before": 0.5, "after": after}}
    found = report(shifts={"complement": 0.0}, invariance=QUIET, bite=bite)
    assert found.verdict == "null is as good"
    assert ("The layer hardly chooses" in found.headline) == said
    bite = {"none": {"before": 0.5, "after": after}}
    other = report(shifts={"complement": 0.1, "none": 0.0}, invariance=QUIET, bite=bite)
    assert (other.verdict, other.comparisons["none"].verdict) == (
        "locality helps",
        "null is as good",
    )
    assert ("after training the null 'none' changes" in other.headline) == said
    better = report(shifts={"complement": 0.1}, invariance=QUIET, bite=bite)
    assert "hardly chooses" not in better.headline


def test_plans_and_margins_that_were_changed_are_marked():
    plan = {
        "runs": 6,
        "max_runs": 50,
        "first": 10,
        "is_kept": False,
        "is_extended": True,
        "margins": [0.02, 0.1],
    }
    found = report(invariance=QUIET, plan=plan)
    first, second = caveats(found)
    assert f"{first}. {second}." in found.methods
    assert first == "The margin was changed after runs existed: 0.02, 0.1"
    assert second.startswith(
        "A plan of 10 pairs was extended: both looks together err in up to 7.5"
    )


def test_a_paragraph_for_a_paper_has_all_that_is_needed_to_repeat():
    text = report().methods
    for part in (
        "'complement', 'none'", "digits (100 graphs", "80/10/10", "seeds 0 to 5", "0.001",
        "halved after 10", "batches of 64", "at most 9 epochs", "confidence sequence",
        "margin of equivalence is 2 points", "locality helps; the mean difference of 6 paired",
    ):  # fmt: skip
        assert part in text


def test_the_rate_of_an_extended_plan_is_said_only_as_simulated():
    plan = report().plan | {"first": 30, "is_extended": True}
    (said,) = changes(report(plan=plan))
    assert said.endswith("both looks together err more often than in 5 %")
    (said,) = changes(report(plan=plan | {"first": 10}, level=0.8))
    assert said.endswith("both looks together err more often than in 20 %")


def test_how_far_a_verdict_goes_stands_below_it():
    found = report()
    about, none, *_ = paragraphs(found)
    assert about.startswith("complement: ")
    assert about.endswith(f"{beyond(found.comparisons['complement'], 'accuracy')}.")
    assert ". On other graphs like these: [" in about
    assert ". On other graphs like these: [" in none
    assert "by Nadeau and Bengio's variance: against 'complement' [" in found.methods
    official = report(ratio=0)
    assert not any("On other graphs" in text for text in [*paragraphs(official), official.methods])
