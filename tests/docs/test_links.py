"""The pages of the documentation name each other by names that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INDEX = DOCS / "index.rst"
README = ROOT / "README.rst"


def pages() -> list[Path]:
    """Each page of the site, and what it includes."""
    found = (path for path in DOCS.rglob("*.rst") if "_build" not in path.parts)
    return [*ROOT.glob("*.rst"), *sorted(found)]


def name(path: Path) -> str:
    """*path* from the root of the repository on."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", pages(), ids=name)
def test_each_file_that_is_named_exists(page: Path) -> None:
    """Whether a link leads to it, or its name alone."""
    text = page.read_text("utf-8")
    named = re.findall(r"(?<![\w/])(?:docs|tests|example_app)/[\w./-]*\w", text)
    for found in named:
        assert (ROOT / found).exists(), found


def test_each_page_is_in_the_table_of_contents() -> None:
    """All but the one that it stands on."""
    listed = set()
    for line in INDEX.read_text("utf-8").splitlines():
        if re.fullmatch(r"   [\w/*-]+", line):
            listed |= {*DOCS.glob(f"{line.strip()}.rst")}
    found = {page for page in pages() if DOCS in page.parents}
    assert found - {INDEX} == listed


def test_the_readme_leads_to_the_table_of_contents() -> None:
    """And so to each page: newcomers begin there."""
    assert "<docs/index.rst>`__" in " ".join(README.read_text("utf-8").split())
