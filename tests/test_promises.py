"""The promises are proved, and who asks finds by which tests."""

from __future__ import annotations

import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from .support.promises import PROMISES
from .support.promises import proofs

ROOT = Path(__file__).parents[1]


class Case(t.NamedTuple):
    """A test with a mark."""

    nodeid: str
    mark: pytest.Mark

    def iter_markers(self, name: str) -> t.Iterator[pytest.Mark]:
        """Its mark."""
        return iter([self.mark] if name == self.mark.name else [])


def test_there_are_eight() -> None:
    """They are numbered, and named once: in the documentation."""
    assert list(PROMISES) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert PROMISES[4] == "Invalidation wins"


def test_each_has_tests_in_this_process() -> None:
    """Three at the least, which need no server; ``make promises`` names them."""
    done = subprocess.run(
        [*(sys.executable, "-m", "pytest", "--quiet"), "--promises", "tests/unit"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    _, *parts = re.split(r"^(\d)\. .*: \d+ tests$", done.stdout, flags=re.MULTILINE)
    tests = {
        int(number): re.findall(r"^    \S", part, re.MULTILINE)
        for number, part in zip(parts[::2], parts[1::2], strict=True)
    }
    assert {number for number in PROMISES if len(tests[number]) >= 3} == set(PROMISES)


def test_the_cases_of_a_test_count_as_one() -> None:
    """Its name is printed once, below its file."""
    mark = pytest.mark.promise(3, 4).mark
    cases = [Case(f"tests/test_a.py::test_b[{case}]", mark) for case in "xy"]
    found = proofs(cases)
    assert found[3] == found[4] == {"tests/test_a.py": ["test_b"]}
    assert found[5] == {}


@pytest.mark.parametrize("numbers", [(), (9,), (1, 0), ("4",)])
def test_a_mark_names_promises(numbers: tuple[object, ...]) -> None:
    """A number that none has is an error, and so is no number."""
    with pytest.raises(pytest.UsageError, match="test_a"):
        proofs([Case("tests/test_a.py::test_a", pytest.mark.promise(*numbers).mark)])
