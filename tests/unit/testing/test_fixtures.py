"""The fixture for pytest, from ``docs/testing.rst`` as a newcomer copies it."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/testing.rst"

# Each block begins with the name of the file that it stands in.
_BLOCK = re.compile(
    r"^\.\. code-block:: python\n\n {4}# (\S+)\n((?: {4}.*\n|\n)+)", re.MULTILINE
)


def test_the_page_works_as_it_is_written(tmp_path: Path) -> None:
    """Its files, in a folder of their own, are tests that pass."""
    for name, code in _BLOCK.findall(PAGE.read_text("utf-8")):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(textwrap.dedent(code) + "\n\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^7 passed", result.stdout, re.MULTILINE), result.stdout
