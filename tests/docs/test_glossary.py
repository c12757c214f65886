"""The glossary: few words, and no other than those that are used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_links import pages

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.rst"
TERMS = re.findall(r"^   (\w.*)$", GLOSSARY.read_text("utf-8"), flags=re.MULTILINE)
TEXT = "\n".join(
    path.read_text("utf-8").replace("\n", " ") for path in pages() if path != GLOSSARY
).lower()


def test_it_is_short_enough_to_be_read() -> None:
    """Whoever needs more words invents them."""
    assert 30 < len(TERMS) <= 50
    assert len(set(TERMS)) == len(TERMS)


@pytest.mark.parametrize("term", TERMS)
def test_each_word_is_used(term: str) -> None:
    """On another page than its own."""
    assert re.search(rf"\b{re.escape(term)}", TEXT)
