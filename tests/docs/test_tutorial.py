"""The tutorial: whoever does what it says sees what it shows."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.services import missing

from .walkthrough import Reader
from .walkthrough import blocks

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.rst"


def test_each_step_shows_what_it_says(tmp_path: Path) -> None:
    """From an empty folder to the webhook, with servers and shells that are real."""
    if shutil.which("curl") is None:
        missing("curl")
    reader = Reader(tmp_path, "blog")
    try:
        for block in blocks(PAGE):
            reader.follow(block)
    finally:
        reader.close()


def test_each_command_is_in_a_terminal() -> None:
    """What has no caption would not be tried."""
    text = PAGE.read_text("utf-8")
    assert text.count(".. code-block::") == len(blocks(PAGE))
