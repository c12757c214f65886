"""A tag that expires again and again, while people read a page that carries it."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass

import pytest

from tests.support import InThread

from .conftest import StartFarm
from .running import Answer
from .running import Farm

# How long it goes on, seconds from one invalidation to the next, and of each render.
DURATION, INTERVAL, RENDER = 2.0, 0.03, 0.12
READERS = 10


@pytest.fixture(scope="module", params=["gthread", "gevent"])
def farm(request: pytest.FixtureRequest, start_module_farm: StartFarm) -> Farm:
    """Two processes that readers and the editor reach in turn."""
    return start_module_farm(request.param, 2)


@dataclass(frozen=True)
class Edit:
    """A change that was published.

    :param done: when the call of the revalidate route was answered.
    """

    version: int
    done: float


class History:
    """What an editor did and what readers saw, in one time."""

    def __init__(self, farm: Farm, page: str) -> None:
        self._farm = farm
        self._page = page
        self._over = threading.Event()
        self.edits: list[Edit] = []
        self.answers: list[Answer] = []

    def record(self) -> None:
        """Let everybody work for the whole time."""
        readers = [InThread(self._read) for _ in range(READERS)]
        editor = InThread(self._edit)
        self._over.wait(DURATION)
        self._over.set()
        for thread in (editor, *readers):
            thread.result()

    def _edit(self) -> None:
        while not self._over.wait(INTERVAL):
            version = self._farm.control.publish(self._page)
            answer = self._farm.servers[0].revalidate(f"tag=page:{self._page}")
            assert answer.status == 200, answer.body
            self.edits.append(Edit(version, time.monotonic()))

    def _read(self) -> None:
        while not self._over.is_set():
            self.answers.append(self._farm.servers[0].ask(f"/pages/{self._page}"))

    def outdated(self) -> list[tuple[Answer, int]]:
        """Answers that show less than what was published before they were asked for, and
        what they should show at least."""
        found = []
        for answer in self.answers:
            due = [edit.version for edit in self.edits if edit.done < answer.asked]
            if due and answer.version < max(due):
                found.append((answer, max(due)))
        return found


def test_readers_get_current_pages_in_about_a_render(farm: Farm, page: str) -> None:
    """With a tag that expires faster than a render takes, nobody is kept waiting for more
    than two renders, and nobody gets what had expired when he asked."""
    farm.control.slow_down(page, RENDER)
    farm.servers[0].ask(f"/pages/{page}")
    history = History(farm, page)
    history.record()

    assert len(history.edits) >= 10
    assert len(history.answers) >= 3 * READERS
    assert {200} == {answer.status for answer in history.answers}
    assert {"MISS", "HIT"} >= {answer.state for answer in history.answers}
    assert history.outdated() == []
    took = [answer.took for answer in history.answers]
    # Two renders at most, and a machine that does other things too.
    assert statistics.median(took) < 3 * RENDER
    assert max(took) < 12 * RENDER
    # And it settles: nothing is left that would make the next visitor's page old.
    farm.settle(f"/pages/{page}", farm.control.version(page))
