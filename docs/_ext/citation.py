"""BibTeX of this package and of the paper, from ``CITATION.cff``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CFF = Path(__file__).parents[2] / "CITATION.cff"


def citation() -> str:
    """Both entries, the paper's first."""
    package = yaml.safe_load(CFF.read_text(encoding="utf-8"))
    entries = [*map(paper, package["references"]), software(package)]
    return "\n".join(["```bibtex", *entries, "```"])


def paper(found: Mapping[str, Any]) -> str:
    """A paper of a conference."""
    key = f"{found['authors'][0]['family-names']}{found['year']}".lower()
    fields = {"booktitle": found["collection-title"], "year": found["year"], "url": found["url"]}
    return _entry("inproceedings", key, found, fields)


def software(found: Mapping[str, Any]) -> str:
    """A version of the package."""
    fields = {"year": found["date-released"].year, "version": found["version"]}
    if "repository-code" in found:
        fields["url"] = found["repository-code"]
    return _entry("software", found["title"].partition(":")[0], found, fields)


def _entry(kind: str, key: str, found: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    names = " and ".join(map(_name, found["authors"]))
    all_fields = {"author": names, "title": f"{{{found['title']}}}", **fields}
    lines = [f"  {name} = {{{value}}}," for name, value in all_fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _name(author: Mapping[str, str]) -> str:
    if "name" in author:
        return f"{{{author['name']}}}"
    return f"{author['family-names']}, {author['given-names']}"
