"""The fixture for pytest, from ``docs/testing.rst`` as a newcomer copies it."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flask_isr.testing.store_kit import StoreKit

PAGE = Path(__file__).parents[3] / "docs/testing.rst"

# Each block begins with the name of the file that it stands in.
_BLOCK = re.compile(
    r"^\.\. code-block:: python\n\n {4}# (\S+)\n((?: {4}.*\n|\n)+)", re.MULTILINE
)


@pytest.mark.slow
def test_the_page_works_as_it_is_written(tmp_path: Path) -> None:
    """Its files, in a folder of their own, are tests that pass."""
    for name, code in _BLOCK.findall(PAGE.read_text("utf-8")):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(textwrap.dedent(code) + "\n\n")

    assert _passed(tmp_path, ".", "--ignore=test_store.py") == 7
    # The kit's own, many of them for several cases.
    tests = [name for name in vars(StoreKit) if name.startswith("test_")]
    assert _passed(tmp_path, "test_store.py") > len(tests) > 30


def _passed(folder: Path, *arguments: str) -> int:
    """How many tests in *folder* passed; none failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (number,) = re.findall(r"^(\d+) passed", result.stdout, re.MULTILINE)
    return int(number)
