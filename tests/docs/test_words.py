"""What users read calls things by the names that everybody uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flask_isr.cures import CURES

from .test_troubleshooting import logged
from .test_troubleshooting import sentences

ROOT = Path(__file__).parents[2]
TEXTS = {
    path.name: path.read_text("utf-8")
    for path in (
        ROOT / "README.rst",
        ROOT / "CHANGES.rst",
        *sorted((ROOT / "docs").glob("*.rst")),
        ROOT / "docs" / "openapi.yaml",
    )
}
TEXTS["the log"] = "\n".join(sorted({*logged(), *sentences(), *CURES.values()}))

#: Words of this package's own code, and a visitor who is a man.
_PRIVATE = re.compile(
    r"\b(?:strangers?|sealed|the front|inner door|he|him|his|himself)\b", re.IGNORECASE
)


@pytest.mark.parametrize("where", TEXTS)
def test_it_uses_no_private_words(where: str) -> None:
    """They mean nothing to who did not read the code; visitors are *they*."""
    found = [line for line in TEXTS[where].splitlines() if _PRIVATE.search(line)]
    assert not found
