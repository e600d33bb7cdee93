"""Where the paper is cited, in docstrings and on pages: what is named stands in the paper."""

import re

from reading import ROOT

OTHERS = re.compile(r"[^.;]*(Dhillon|Nadeau)[^.;]*")
"""Of other papers' sections."""

PAPER = {  # Mesquita, Souza, Kaski, NeurIPS 2020, with its supplement: gone through by hand
    "Section": {
        "1": "Introduction",
        "2": "Exposing local pooling",
        "2.1": "Experimental setup",
        "3": "Analysis",
        "3.1": "Additional results",
        "4": "Related works",
        "5": "Conclusion",
    },
    "Appendix": {
        "A": "Implementation details",
        "A.1": "Datasets",
        "A.2": "Models",
        "B": "Additional experiments",
        "C": "Permutation Invariance",
        "C.1": "Graclus",
        "C.2": "DiffPool",
        "C.3": "GMN",
        "D": "Further details on Remark 2",
        "E": "Additional embeddings",
    },
    "Case": {
        "1": "Pooling with off-the-shelf graph clustering",
        "2": "Differential pooling",
        "3": "Graph memory networks",
    },
    "Equation": {
        "1": "the convolution",
        "2": "max-pooling of the nodes of a cluster",
        "3": "the coarsened adjacency",
        "4": "DiffPool's assignment",
        "5": "DiffPool's coarsening",
        "6": "the three distributions",
        "7": "the kernel of a memory layer",
        "8": "its pooled queries",
    },
    "Remark": {
        "1": "the invariant fix",
        "2": "the purity loss has uniform assignments for minimisers",
        "3": "on the invariance of Graclus and Complement",
    },
    "Theorem": {"1": "of randomized DiffPool", "2": "of simplified GMN, by distances"},
    "Figure": {str(n) for n in range(1, 9)} | {f"S{n}" for n in range(1, 14)},
    "Table": {"1", "2", "3", "S1", "S2", "S3", "S4", "S5"},
}
PARAGRAPHS = {
    ("Section", "2.1"): {"Models", "Tasks and datasets", "Evaluation"},
    ("Case", "1"): {"Clustering the complement graph", "Results"},
    ("Case", "2"): {"Random assignments", "Results"},
    ("Case", "3"): {"Simplifying GMN", "Results"},
    ("Section", "3"): {
        "Pooling learns approximately homogeneous node representations",
        "Discouraging smoothness",
        "Is pooling overrated?",
    },
    ("Section", "3.1"): {"More datasets", "Sensitivity to hyperparameters"},
}

KINDS = "|".join(PAPER)
LABEL = r"\(?(?:S?\d+(?:\.\d+)?|[A-Z](?:\.\d+)?)\)?\b\)?"
CITED = re.compile(
    rf"\b({KINDS}|Appendice)s? ({LABEL}(?:(?:, | and | to ){LABEL})*)", re.IGNORECASE
)
TITLED = re.compile(rf"\b({KINDS}) ({LABEL}),\s+\*([^*]+)\*", re.IGNORECASE)
"""A section, and the paragraph of it that is meant."""


def cited(text):
    """Kind and label of all that a text names: of "Figures 5, 6 and S2 to S13" four."""
    for kind, labels in CITED.findall(text):
        for label in re.findall(r"S?\d+(?:\.\d+)?|[A-Z](?:\.\d+)?", labels):
            yield kind.capitalize().replace("Appendice", "Appendix"), label


def texts():
    """Each file that may cite the paper, without what it says of other papers."""
    folders = {"src": "*.py", "examples": "*.py", "benchmarks": "*.py", "docs": "*.[mr][ds]*"}
    for folder, pattern in folders.items():
        for path in sorted((ROOT / folder).rglob(pattern)):
            if not {"_build", "_generated"} & set(path.parts):
                flat = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
                yield path.relative_to(ROOT), OTHERS.sub("", flat)


def test_what_is_cited_stands_in_the_paper():
    unknown = []
    for path, text in texts():
        unknown += [(str(path), *pair) for pair in cited(text) if pair[1] not in PAPER[pair[0]]]
        for kind, label, title in TITLED.findall(text):
            if title not in PARAGRAPHS.get((kind.capitalize(), label), ()):
                unknown.append((str(path), kind, label, title))
    assert not unknown


def test_citations_are_found():
    found = {pair for _, text in texts() for pair in cited(text)}
    for kind in PAPER:
        assert any(kind == named for named, _ in found), kind
    assert {("Figure", "S13"), ("Equation", "3"), ("Theorem", "2"), ("Appendix", "A.1")} <= found
    assert sum(len(TITLED.findall(text)) for _, text in texts()) > 3
