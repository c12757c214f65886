"""Which tests prove which of the promises of ``docs/what-to-expect.rst``.

A test, a class or a module says so by ``@pytest.mark.promise(4)``, or with several numbers.
``pytest --promises`` prints the promises, each with its tests, and runs none.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

_PAGE = Path(__file__).parents[2] / "docs" / "what-to-expect.rst"
_PROMISE = re.compile(r"^(\d)\. \*\*(.+?)\.\*\*", re.MULTILINE)

#: Number to name.
PROMISES = {
    int(number): name for number, name in _PROMISE.findall(_PAGE.read_text("utf-8"))
}

#: Number to the tests of each file, in the order in which they run.
Proofs: t.TypeAlias = dict[int, dict[str, list[str]]]


class Marked(t.Protocol):
    """What of a test counts."""

    @property
    def nodeid(self) -> str:
        """Its file and its name."""

    def iter_markers(self, name: str) -> t.Iterator[pytest.Mark]:
        """The marks of this name: its own, and those of its class and module."""


def proofs(items: t.Iterable[Marked]) -> Proofs:
    """The tests by what they prove; the cases of one test count as one."""
    found: Proofs = {number: {} for number in PROMISES}
    for item in items:
        file, _, test = item.nodeid.partition("[")[0].partition("::")
        for number in _numbers(item):
            tests = found[number].setdefault(file, [])
            if test not in tests:
                tests.append(test)
    return found


def _numbers(item: Marked) -> set[int]:
    """The promises that a test says it proves."""
    marks = list(item.iter_markers("promise"))
    numbers = {number for mark in marks for number in mark.args}
    if (marks and not numbers) or not numbers <= PROMISES.keys():
        raise pytest.UsageError(f"{item.nodeid}: no promise has one of {numbers}")
    return numbers


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take ``--promises``."""
    parser.addoption(
        "--promises",
        action="store_true",
        help="print the promises, each with the tests that prove it, and run none",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a mark with a number that no promise has."""
    proofs(items)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Print instead of running, if that was asked for."""
    if not session.config.getoption("--promises"):
        return None
    terminal: t.Any = session.config.pluginmanager.get_plugin("terminalreporter")
    for line in _lines(proofs(session.items)):
        terminal.write_line(line)
    return True


def _lines(found: Proofs) -> t.Iterator[str]:
    for number, files in found.items():
        yield f"{number}. {PROMISES[number]}: {sum(map(len, files.values()))} tests"
        for file, tests in files.items():
            yield f"  {file}"
            for test in tests:
                yield f"    {test}"
        yield ""
