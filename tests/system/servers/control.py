"""What a test and the application in the servers' processes share: files in a folder.

The test sets the clock, the data and the gates; the application's views read them and
write down each of their runs.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import struct
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import poll

# Seconds after which whoever waits here gives up: never reached where the code is right.
PATIENCE = 30.0

# Seconds between two looks at a file.
_LOOK = 0.004

T = t.TypeVar("T")


class SharedClock:
    """The time of a store, in a file that all processes map: the test sets it."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", 1_000_000.0).ljust(4096, b"\0"))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 4096)
        self._cells = memoryview(self._map).cast("d")

    def __call__(self) -> float:
        """Seconds, as the store is to count them."""
        return self._cells[0]

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass in all processes at once."""
        self._cells[0] += seconds


@dataclass(frozen=True)
class Run:
    """One run of a view.

    :param event: ``began`` or ``ended``.
    :param sealed: whether it was a render, and not a view answering its visitor.
    """

    event: str
    page: str
    version: int
    process: int
    sealed: bool


class Control:
    """The folder that they share; both sides use the same object."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pages").mkdir(exist_ok=True)
        self.clock = SharedClock(folder / "clock")
        with self._data() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(
                "CREATE TABLE IF NOT EXISTS facts (page TEXT PRIMARY KEY, version INT)"
            )
        db.close()

    # -- the test's side --------------------------------------------------------------

    def publish(self, page: str) -> int:
        """Change the data of *page*; their new version."""
        with self._data() as db:
            db.execute("INSERT OR IGNORE INTO facts VALUES (?, 1)", (page,))
            db.execute("UPDATE facts SET version = version + 1 WHERE page = ?", (page,))
        db.close()
        return self.version(page)

    def close_gate(self, page: str) -> None:
        """Let the next run of the view of *page*, and no other, stop once it has read its
        data."""
        self._file(page, "gate").touch()

    def open_gate(self, page: str) -> None:
        """Let the run that stands at the gate go on."""
        for state in ("gate", "held"):
            self._file(page, state).unlink(missing_ok=True)

    def open_all_gates(self) -> None:
        """Let all go on: before a server is stopped."""
        for file in (self.folder / "pages").iterdir():
            file.unlink(missing_ok=True)

    def break_down(self, page: str) -> None:
        """Let the view of *page* raise from now on."""
        self._file(page, "broken").touch()

    def mend(self, page: str) -> None:
        """Let the view of *page* work again."""
        self._file(page, "broken").unlink()

    def take_away(self, page: str) -> None:
        """Let the view of *page* answer 404 from now on."""
        self._file(page, "missing").touch()

    def make_personal(self, page: str) -> None:
        """Let the view of *page* set a cookie from now on."""
        self._file(page, "personal").touch()

    def slow_down(self, page: str, seconds: float) -> None:
        """Let each run of the view of *page* take *seconds*."""
        self._file(page, "slow").write_text(str(seconds))

    def runs(self, page: str, event: str = "began") -> list[Run]:
        """The runs of the view of *page* so far, in order."""
        log = self.folder / "runs.log"
        runs = []
        for line in log.read_text().splitlines() if log.exists() else ():
            kind, name, version, process, sealed = line.split()
            if name == page and kind == event:
                runs.append(
                    Run(kind, name, int(version), int(process), sealed == "True")
                )
        return runs

    def wait_for_runs(self, page: str, number: int, event: str = "began") -> list[Run]:
        """Wait until that many runs began, or ended."""

        def enough() -> list[Run] | None:
            runs = self.runs(page, event)
            return runs if len(runs) >= number else None

        return poll(enough)

    @property
    def visits(self) -> int:
        """How many requests came in, in all processes."""
        log = self.folder / "visits.log"
        return log.stat().st_size if log.exists() else 0

    def waiting(self, page: str) -> int:
        """How many visitors were last seen to wait for a render of *page*."""
        file = self._file(page, "waiting")
        return int(file.read_text() or 0) if file.exists() else 0

    # -- the application's side -------------------------------------------------------

    def version(self, page: str) -> int:
        """The version of the data of *page*."""
        with self._data() as db:
            row = db.execute(
                "SELECT version FROM facts WHERE page = ?", (page,)
            ).fetchone()
        db.close()
        return 1 if row is None else int(row[0])

    def run_view(self, page: str, sealed: bool) -> int:
        """Be the view of *page*: the version of the data that it shows.

        :raises RuntimeError: where the test wants the view to fail.
        """
        version = self.version(page)
        # First the gate: whoever kills a run that began must not find it taken by none.
        held = self._take_gate(page)
        self._note("began", page, version, sealed)
        try:
            if held is not None:
                poll(lambda: not held.exists())
            if self._file(page, "slow").exists():
                time.sleep(float(self._file(page, "slow").read_text()))
            if self._file(page, "broken").exists():
                raise RuntimeError(f"the source of {page} is down")
        finally:
            self._note("ended", page, version, sealed)
        return version

    def is_missing(self, page: str) -> bool:
        """Whether the view of *page* is to answer 404."""
        return self._file(page, "missing").exists()

    def is_personal(self, page: str) -> bool:
        """Whether the view of *page* is to set a cookie."""
        return self._file(page, "personal").exists()

    def list_pages(self) -> list[dict[str, str]]:
        """Be the list of the closed route: whoever asks for it is noted as a run."""
        self._note("began", "list", 1, sealed=False)
        return [{"name": "listed"}]

    def _take_gate(self, page: str) -> Path | None:
        """The file that is there until this run may go on, if a gate is closed for it."""
        held = self._file(page, "held")
        try:
            # Only one run can take the gate, whichever process it is in.
            return self._file(page, "gate").rename(held)
        except FileNotFoundError:
            return None

    def note_visit(self) -> None:
        """Count a request that came in."""
        self._append("visits.log", b".")

    def note_waiting(self, page: str, number: int) -> None:
        """Tell the test that so many wait for a render of *page*: to have come in is not
        yet to wait."""
        self._file(page, "waiting").write_text(str(number))

    def _note(self, event: str, page: str, version: int, sealed: bool) -> None:
        line = f"{event} {page} {version} {os.getpid()} {sealed}\n"
        self._append("runs.log", line.encode())

    def _append(self, name: str, line: bytes) -> None:
        # One write to a file opened so is not mixed with those of other processes.
        log = os.open(self.folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(log, line)
        finally:
            os.close(log)

    def _file(self, page: str, state: str) -> Path:
        return self.folder / "pages" / f"{page}.{state}"

    def _data(self) -> sqlite3.Connection:
        return sqlite3.connect(self.folder / "data.sqlite", timeout=PATIENCE)
