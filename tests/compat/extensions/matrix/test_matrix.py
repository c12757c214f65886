"""Each extension, each page, each visitor; and the table in the docs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .case import HIT
from .case import Case
from .cases import CASES
from .measure import expected
from .measure import measure
from .table import table

pytestmark = [
    pytest.mark.promise(8),
    *(
        pytest.mark.filterwarnings(f"ignore:{message}:DeprecationWarning")
        for message in (
            "'SESSION_FILE_DIR' is deprecated",
            "FileSystemSessionInterface is deprecated",
            "datetime.datetime.utcnow",
            "Flask recommends accessing the app instance",
        )
    ),
]

DOCS = Path(__file__).parents[4] / "docs" / "extensions.rst"


def _measure_alone(case: Case, folder: Path) -> dict[str, str]:
    """In a process of its own, which the extension may change as it likes."""
    command = [sys.executable, "-m", __package__, case.name, str(folder)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    measured: dict[str, str] = json.loads(result.stdout)
    return measured


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_who_gets_hits(case: Case, tmp_path: Path) -> None:
    """A stranger and a known visitor with a browser's headers, directly and through a
    proxy, whoever of them is the first; nothing of one is shown to the other."""
    measured = (_measure_alone if case.alone else measure)(case, tmp_path)
    wanted = expected(case, measured)
    # Sentences go on with lines of code.
    begins = {
        name: wanted[name] if outcome.startswith(wanted[name]) else outcome
        for name, outcome in measured.items()
    }
    assert begins == wanted


def test_the_docs_have_the_table() -> None:
    """``python -m tests.compat.extensions.matrix`` gives it."""
    assert table(CASES.values()) in DOCS.read_text("utf-8")


def test_who_takes_hits_from_strangers() -> None:
    """Of pages that show nothing of anybody: nobody but those that are known to."""
    takers = {
        case.name
        for case in CASES.values()
        if {case.stranger[page] for page in case.stranger if page != "own"} != {HIT}
    }
    assert takers == {"Flask-Paranoid", "Flask-SeaSurf"}
