"""The pages of the documentation name each other by names that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").glob("*.rst"))]
README = PAGES[0].read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_is_named_exists(page: Path) -> None:
    """Whether a link leads to it, or its name alone."""
    text = page.read_text("utf-8")
    named = re.findall(r"(?<![\w/])(?:docs|tests|example_app)/[\w./-]*\w", text)
    for name in named:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_each_page_is_linked_from_the_readme(page: Path) -> None:
    """Where newcomers begin."""
    assert f"<docs/{page.name}>`__" in " ".join(README.split())
