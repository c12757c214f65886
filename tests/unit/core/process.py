"""An Engine as one process has it: a real store, real threads, a scripted renderer."""

from __future__ import annotations

import queue
import threading
import typing as t
from pathlib import Path

from flask_isr.background.pool import ThreadRunner
from flask_isr.core.decision import Decision
from flask_isr.core.decision import Limits
from flask_isr.core.decision import PageRequest
from flask_isr.core.decision import ServeEntry
from flask_isr.core.deployment import Build
from flask_isr.core.engine import Engine
from flask_isr.core.entry import Entry
from flask_isr.core.entry import Level
from flask_isr.core.entry import Version
from flask_isr.core.freshness import Lifetime
from flask_isr.core.key import PageKey
from flask_isr.core.key import user_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import PerVisitor
from flask_isr.core.outcome import Rendered
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.records import FOX
from tests.support import PATIENCE
from tests.support import Clock
from tests.support import Gate
from tests.support import InThread

#: The tag that the page of these tests carries.
TAG = user_tag("animals")


def target(key: PageKey = FOX, level: Level | None = None) -> PageRequest:
    """The page as its visitors ask for it."""
    return PageRequest(key, key.implicit_tags | {TAG}, level=level)


class Source:
    """The data of the page, and how its renders go; shared by the processes of a test.

    :ivar text: what the page says; read when a render begins.
    :ivar lifetime: of the pages rendered from now on; `level` and `tags` likewise.
    :ivar script: what the renders do, in their order; a render without a line in the
        script gives a page. A line gets the page that the data gave.
    :ivar renders: how many began.
    :ivar most: how many ran at a time.
    """

    def __init__(self) -> None:
        self.text = "first"
        self.lifetime = Lifetime()
        self.level: Level = "wsgi"
        self.tags: frozenset[str] = frozenset({TAG})
        self.script: list[t.Callable[[Rendered], Outcome]] = []
        self.renders = 0
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()

    def page(self, key: PageKey) -> Rendered:
        """The page as the data is now."""
        return Rendered(
            status=200,
            headers=(("Content-Type", "text/plain"),),
            body=self.text.encode(),
            etag=f'"{self.text}"',
            level=self.level,
            lifetime=self.lifetime,
            tags=key.implicit_tags | self.tags,
        )

    def render(self, key: PageKey) -> Outcome:
        """One render, by the next line of the script."""
        with self._lock:
            self.renders += 1
            self._running += 1
            self.most = max(self.most, self._running)
            act = self.script.pop(0) if self.script else None
            page = self.page(key)
        try:
            return page if act is None else act(page)
        finally:
            with self._lock:
                self._running -= 1


class Journal:
    """What the Engine told its observer, as words."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def rendered(self, entry: Entry) -> None:
        """Note a page."""
        self.lines.append(f"rendered {entry.key}")

    def failed(self, key: PageKey, cause: str) -> None:
        """Note a failure."""
        self.lines.append(f"failed {key}: {cause}")

    def not_static(self, key: PageKey, verdict: PerVisitor) -> None:
        """Note a page that is personal."""
        self.lines.append(f"not static {key}: {verdict.reason}")

    def declined(self, key: PageKey, reason: str) -> None:
        """Note an answer that is not stored."""
        self.lines.append(f"declined {key}: {reason}")

    def stale_served(self, entry: Entry) -> None:
        """Note a page that is not fresh."""
        self.lines.append(f"stale {entry.key}")


class WatchedStore(SQLiteStore):
    """The real store, which says who has arrived.

    :ivar arrivals: the threads that read the order, as they do before they wait.
    """

    def __init__(self, folder: Path, *, limit: int, clock: Clock) -> None:
        super().__init__(folder, limit=limit, clock=clock)
        self.arrivals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def current_version(self) -> Version:
        """Read the order, and note the thread."""
        mark = super().current_version()
        self.arrivals.put(threading.get_ident())
        return mark


class Process:
    """One process: its store, memory, threads and Engine."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        source: Source,
        *,
        wait: float = PATIENCE,
        stale_if_error: float | None = None,
        store: type[WatchedStore] | None = None,
        workers: int = 2,
        build: Build | None = None,
    ) -> None:
        self.store = (store or WatchedStore)(folder, limit=10**9, clock=clock)
        self.memory = LocalCache(self.store, 10**8)
        self.store.on_restart = self.memory.clear
        self.runner = ThreadRunner(workers=workers)
        self.journal = Journal()
        self.engine = Engine(
            store=self.store,
            memory=self.memory,
            runner=self.runner,
            render=source.render,
            limits=Limits(render=60.0, wait=wait, stale_if_error=stale_if_error),
            random=lambda: 0.0,
            observer=self.journal,
            build=build,
        )

    def visit(
        self,
        key: PageKey = FOX,
        *,
        own_stack: bool = False,
        level: Level | None = None,
    ) -> Decision:
        """What a visitor of the page gets."""
        return self.engine.visit(target(key, level), own_stack=own_stack)

    def visitor(self, key: PageKey = FOX) -> InThread:
        """A visitor in a thread of his own; he waits for a render when this returns."""
        thread = InThread(lambda: self.visit(key))
        while self.store.arrivals.get(timeout=PATIENCE) != thread.ident:
            pass
        return thread

    def expire(self, *tags: str) -> None:
        """Invalidate, as ``revalidate_tag`` does."""
        self.store.invalidate(expired=tags or [TAG])

    def settle(self) -> None:
        """Wait until nothing runs in the background."""
        assert self.runner.drain(PATIENCE)

    def close(self) -> None:
        """End the process."""
        self.runner.drain(PATIENCE)
        self.store.close()


def told(answer: Decision) -> tuple[str, str]:
    """State and text of an answer that is a page."""
    assert isinstance(answer, ServeEntry), answer
    return answer.state, answer.entry.body.decode()


def held(gate: Gate) -> t.Callable[[Rendered], Outcome]:
    """A render that stands at *gate* after it has read its data."""

    def act(page: Rendered) -> Outcome:
        gate.pass_through()
        return page

    return act
