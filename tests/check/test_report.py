import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import pytest
from _helpers.reports import report
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from rich.console import Console

from graphpool_sanity.analysis import plot_homogeneity
from graphpool_sanity.check.comparison import compare
from graphpool_sanity.check.figures import plot_scores
from graphpool_sanity.check.findings import overall
from graphpool_sanity.check.report import SanityReport, _short
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.tasks import Unit


def printed(found, width=80):
    console = Console(width=width, file=StringIO())
    with console.capture() as capture:
        console.print(found.table())
    return capture.get()


@pytest.mark.parametrize(
    ("shifts", "verdict", "null"),
    [
        ({"complement": 0.1, "none": 0.0}, "locality helps", "complement"),
        ({"complement": 0.1, "random": 0.0}, "null is as good", "random"),
        ({"complement": 0.1, "random": -0.1, "shuffle": 0.0}, "null is better", "random"),
        ({"none": 0.1}, "locality helps", "none"),
    ],
)
def test_a_layer_must_beat_every_null_that_chooses_otherwise(shifts, verdict, null):
    found = report(shifts=shifts)
    assert found.verdict == verdict
    assert overall(found.comparisons) == (verdict, null)
    assert repr(null) in found.headline


def test_an_open_question_keeps_it_open():
    found = report()
    comparisons = found.comparisons | {
        "random": compare([0.1, -0.1, 0.1], 0.02, test_train_ratio=1 / 8)
    }
    found = report(comparisons=comparisons)
    assert found.verdict == "undecided"
    assert "a verdict takes 5 runs or more; about" in found.headline


def test_against_no_pooling_it_is_pooling_that_helps():
    assert report(shifts={"none": 0.1}).headline.startswith(
        "pooling helps: <Pool & Net> against its"
    )


def test_the_table_fits_a_terminal_and_says_it_all():
    text = printed(report())
    for part in (
        "<Pool & Net> on digits",
        "+10.0",
        "6 of 6",
        "0.5 → 0.8",
    ):
        assert part in re.sub(r"\s+", " ", text)
    for verdict in ("locality helps", "null is as good"):
        assert text.count(verdict) == 1


@pytest.mark.parametrize("metric", ["accuracy", "average_precision", "mae"])
def test_no_word_of_the_table_is_lost_at_50_columns(metric):
    found = report(metric, {"complement": 0.1, "frozen": 0.1, "none": 0.0}, name="SAGPooling")
    found = replace(found, bite={null: {"before": 1e-5, "after": 2e-3} for null in found.bite})
    narrow, wide = printed(found, 50), printed(found, 200)
    assert sorted(narrow.split()) == sorted(wide.split())
    assert "…" not in narrow
    assert max(map(len, narrow.splitlines())) <= 50


def test_the_verdict_is_the_brightest():
    console = Console(width=80, file=StringIO(), force_terminal=True, color_system="standard")
    console.print(report().table())
    bold = re.findall(r"\x1b\[1m(.*?)\x1b", console.file.getvalue())
    assert [said.strip() for said in bold] == ["locality helps", "null is as good"]


def test_a_metric_that_is_no_share_is_shown_as_it_is():
    text = printed(report("mae"))
    assert "+0.100" in text
    assert "0.9" in text


@pytest.mark.parametrize("metric", ["accuracy", "mae"])
def test_the_figure_shows_every_run_mean_interval_and_margin(metric):
    found, scale = report(metric), 100 if metric == "accuracy" else 1
    figure = found.plot()
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["layer − complement", "layer − none"]
    drawn = [line.get_xdata() for line in axes.lines[1:]]
    threes = zip(drawn[::3], drawn[1::3], drawn[2::3], strict=True)
    for null, (own, ends, mean) in zip(found.comparisons, threes, strict=True):
        assert list(own) == pytest.approx([scale * d for d in found.differences[null]])
        assert list(ends) == pytest.approx([scale * e for e in found.comparisons[null].interval])
        assert float(mean[0]) == pytest.approx(scale * found.comparisons[null].difference)
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((-0.02 * scale, 0.02 * scale))


@pytest.mark.parametrize(("dark", "ink"), [(False, "#1f2328"), (True, "#e6edf3")])
def test_figures_are_legible_in_light_and_dark(dark, ink):
    found = report()
    for figure in (found.plot(dark), plot_scores(found.scores, Unit(found.metric), dark)):
        (axes,) = figure.axes
        legend = figure.legends[0] if figure.legends else axes.get_legend()
        texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), *legend.get_texts()]
        texts += [axes.xaxis.label, axes.yaxis.label]
        assert {to_hex(text.get_color()) for text in texts} == {ink}


def test_to_dict_is_json_and_complete():
    found = report().to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["verdict"] == "locality helps"
    assert found["comparisons"]["none"]["asks"].startswith("must nodes be pooled")
    assert found["comparisons"]["complement"]["answer"] == "locality helps"
    assert len(found["comparisons"]["complement"]["interval"]) == 2
    assert "records" not in found


def test_what_is_saved_is_loaded(tmp_path):
    found = report()
    page = found.save(tmp_path / "deep" / "folder")
    assert page == tmp_path / "deep" / "folder" / "report.html"
    assert {path.name for path in page.parent.iterdir()} == {
        "report.html", "report.json", "differences.svg", "scores.svg", "ledger.jsonl"
    }  # fmt: skip
    loaded = SanityReport.load(page.parent)
    assert loaded == found
    assert loaded.records == found.records
    before = page.read_bytes()
    loaded.save(page.parent)
    assert page.read_bytes() == before
    assert len(list(Ledger(page.parent / "ledger.jsonl"))) == 18


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", '{"name": "a"}'])
def test_a_folder_without_a_report_is_named(tmp_path, text):
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    with pytest.raises(ValueError, match=r"folder must hold the report.json of a check, got /"):
        SanityReport.load(tmp_path)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.words = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_in_one_piece(tmp_path):
    found = report()
    text = found.save(tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    words = re.sub(r"\s+", " ", " ".join(page.words))
    links = [v for _, a in page.tags for k, v in a.items() if k in ("src", "srcset", "href")]
    assert len(links) == 5
    assert all(link.startswith("data:") for link in links)
    assert not re.search(r"https?://|@import|url\(", text)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2
    assert all("complement" in image["alt"] for image in images)
    for part in ("locality helps", "<Pool & Net>", "1,234", "differs by 2", "0.400", *found.scope):
        assert part in words
    assert "<Pool" not in text


def test_a_page_without_homogeneity_says_nothing_of_it(tmp_path):
    found = report(homogeneity={v: {} for v in ("layer", "complement", "none")})
    assert "How alike" not in found.save(tmp_path).read_text(encoding="utf-8")


def test_a_report_shows_its_headline_and_in_a_notebook_its_page():
    class Tags(HTMLParser):
        def __init__(self):
            super().__init__()
            self.found = []

        def handle_starttag(self, tag, attrs):
            self.found.append((tag, dict(attrs)))

    found, shown, page = report(), Tags(), Tags()
    assert repr(found) == f"SanityReport({found.headline})"
    shown.feed(found._repr_html_())
    ((tag, attributes),) = shown.found  # whose styles are not those of the notebook
    assert tag == "iframe"
    page.feed(attributes["srcdoc"])
    assert {"html", "style", "table", "img"} <= {tag for tag, _ in page.found}
    assert "&lt;Pool &amp; Net&gt;" in attributes["srcdoc"]


def test_a_notebook_shows_its_figures():
    found = report()
    assert found.plot()._repr_svg_().startswith("<?xml")
    assert plot_homogeneity({"layer": {"before": 0.5}})._repr_svg_().startswith("<?xml")


@pytest.mark.parametrize(
    ("bite", "shown"),
    [(None, "?"), (0, "0"), (3e-7, "3e-07"), (0.25, "0.25"), (2.13, "2.1"), (104.2, "104")],
)
def test_bites_are_shown_in_two_digits_and_without_powers_of_ten_above_one(bite, shown):
    assert _short(bite) == shown
