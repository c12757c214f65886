"""What an editor publishes while people read, and who of them got less than he should."""

from __future__ import annotations

import http.client
import threading
import time
import typing as t
from dataclasses import dataclass

from tests.support import InThread

from .running import Answer
from .running import Farm


@dataclass(frozen=True)
class Edit:
    """A change that was published.

    :param done: when the call of the revalidate route was answered.
    """

    version: int
    done: float


class History:
    """What an editor did and what readers saw, in one time.

    :param path: the page that is read, of :class:`.control.Control`'s page *page*.
    :param readers: how many read at a time.
    :param interval: seconds from one change to the next.
    :ivar broken: connections that ended without an answer.
    """

    def __init__(
        self, farm: Farm, page: str, path: str, *, readers: int, interval: float
    ) -> None:
        self._farm = farm
        self._page = page
        self._path = path
        self._readers = readers
        self._interval = interval
        self._over = threading.Event()
        self.edits: list[Edit] = []
        self.answers: list[Answer] = []
        self.broken = 0

    def record(self, during: t.Callable[[], object]) -> None:
        """Let everybody work as long as *during* takes."""
        threads = [InThread(self._read) for _ in range(self._readers)]
        threads.append(InThread(self._edit))
        try:
            during()
        finally:
            self._over.set()
        for thread in threads:
            thread.result()

    def _edit(self) -> None:
        while not self._over.wait(self._interval):
            version = self._farm.control.publish(self._page)
            answer = self._answer_of(
                lambda: self._farm.servers[0].revalidate(f"tag=page:{self._page}")
            )
            if answer is not None:
                assert answer.status == 200, answer.body
                self.edits.append(Edit(version, time.monotonic()))

    def _read(self) -> None:
        while not self._over.is_set():
            answer = self._answer_of(lambda: self._farm.servers[0].ask(self._path))
            if answer is not None:
                self.answers.append(answer)

    def _answer_of(self, ask: t.Callable[[], Answer]) -> Answer | None:
        try:
            return ask()
        except (OSError, http.client.HTTPException):
            self.broken += 1
            return None

    def outdated(self) -> list[tuple[Answer, int]]:
        """Answers that show less than what was published before they were asked for, and
        what they should show at least."""
        found = []
        for answer in self.answers:
            due = [edit.version for edit in self.edits if edit.done < answer.asked]
            if due and answer.version < max(due):
                found.append((answer, max(due)))
        return found
