"""What users read calls things by the names that everybody uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flask_isr.observe.cures import CURES

from .test_links import ROOT
from .test_links import name
from .test_links import pages
from .test_troubleshooting import logged
from .test_troubleshooting import sentences

TEXTS = {
    name(path): path.read_text("utf-8")
    for path in (*pages(), ROOT / "docs" / "openapi.yaml", ROOT / "SECURITY.md")
}
TEXTS["the log"] = "\n".join(sorted({*logged(), *sentences(), *CURES.values()}))

#: Words of this package's own code, and a visitor who is a man.
_PRIVATE = re.compile(
    r"\b(?:strangers?|sealed|the front|inner door|he|him|his|himself)\b", re.IGNORECASE
)


#: Pages for those who read the code, and what they say of it.
_FOR_DEVELOPERS = {"docs/architecture.rst", "docs/glossary.rst"}
_SEALED = re.compile(r"\bsealed render\b", re.IGNORECASE)


@pytest.mark.parametrize("where", TEXTS)
def test_it_uses_no_private_words(where: str) -> None:
    """They mean nothing to who did not read the code; visitors are *they*."""
    text = TEXTS[where]
    if where in _FOR_DEVELOPERS:
        text = _SEALED.sub("render", text)
    found = [line for line in text.splitlines() if _PRIVATE.search(line)]
    assert not found


@pytest.mark.parametrize("page", pages(), ids=name)
def test_no_line_is_long(page: Path) -> None:
    """At most 92 characters, but for what a session prints."""
    lines = page.read_text("utf-8").splitlines()
    long = [line for line in lines if len(line) > 92]
    assert not [line for line in long if not line.startswith("    flask_isr.errors.")]
