"""Which views ran, written down by the servers' processes and read by the test."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One run of a view.

    :param page: the path of its page, as the view was given it.
    :param sealed: whether it was a render, and not a view answering its visitor.
    """

    page: str
    sealed: bool


class Journal:
    """A file in the folder that tests and servers share."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal"

    def note(self, run: Run) -> None:
        """Write down one run."""
        line = json.dumps([run.page, run.sealed]).encode() + b"\n"
        # One write to a file opened so is not mixed with those of other processes.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        log = os.open(self._path, flags, 0o600)
        try:
            os.write(log, line)
        finally:
            os.close(log)

    def __iter__(self) -> t.Iterator[Run]:
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                page, sealed = json.loads(line)
                yield Run(page, sealed)

    def renders(self, name: str) -> int:
        """How many pages with *name* in their path were rendered to be stored."""
        return sum(run.sealed and name in run.page for run in self)

    def visits(self, name: str) -> int:
        """How often the view itself answered a visitor of such a page."""
        return sum(not run.sealed and name in run.page for run in self)
