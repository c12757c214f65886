"""A writer that is killed before any one of its system calls loses and breaks nothing."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flask_isr.core.entry import Entry
from flask_isr.core.key import path_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.store import Lease
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from flask_isr.testing.store_kit.records import entry
from tests.support.tracing import find_strace

from .writers import LEASED
from .writers import open_store

pytestmark = pytest.mark.promise(3, 4)

ROOT = Path(__file__).parents[3]
OLD, NEW = b"a page", b"new" * 3000

# The calls with which a write begins and ends are the writer's own.
_CALL = re.compile(r"^(\w+)\(", re.MULTILINE)

# Memory is taken once, ahead: when a writer asks for more depends on what its process has,
# and so the second run would not make the calls of the first.
_NO_CALLS_FOR_MEMORY = {
    "PYTHONMALLOC": "malloc",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TOP_PAD_": str(64 * 1024 * 1024),
}


class Writers:
    """The process that forks writers; see :mod:`tests.system.stores.writers`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.stores.writers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **_NO_CALLS_FOR_MEMORY},
        )
        self._strace = find_strace()

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _line(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def run(
        self,
        folder: Path,
        name: str,
        *options: str,
        on_ready: t.Callable[[], object] = lambda: None,
    ) -> tuple[int, list[str]]:
        """Have one write done under strace: how its writer ended, and the names of its
        system calls in their order.

        :param on_ready: called when the writer is about to write.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{folder} {name}\n")
        self._process.stdin.flush()
        pid = self._line()
        log = folder.with_suffix(".log")
        with subprocess.Popen(
            [self._strace, "-o", str(log), "-p", str(pid), *options],
            stderr=subprocess.PIPE,
            text=True,
        ) as strace:
            assert strace.stderr is not None
            assert "attached" in strace.stderr.readline()
            on_ready()
            os.kill(pid, signal.SIGUSR1)
            ended = self._line()
        calls = _CALL.findall(log.read_text())
        # The first is the one in which it waited.
        return ended, calls[1:] if calls[:1] == ["rt_sigtimedwait"] else calls


@pytest.fixture(scope="module")
def writers() -> t.Iterator[list[Writers]]:
    """Two of them: the tests use both processors."""
    found = [Writers(), Writers()]
    yield found
    for one in found:
        one.close()


class Observer:
    """A process that has the store open, and a page in its memory, all the time."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder)
        self.memory = LocalCache(self.store, 10**6)

    def prepare(self) -> None:
        """Store two pages and a list, and keep one of the pages."""
        write(self.store, FOX, OLD, tags=["animals"])
        write(self.store, OWL, OLD)
        self.store.put_list("animals", [FOX.path, OWL.path], self.store.next_version())
        stored = self.store.load(FOX)
        assert stored is not None
        self.memory.sync()
        self.memory.add(stored, ())
        self.serve_from_memory()

    def serve_from_memory(self) -> None:
        """A visitor gets the page, and the store need not be asked for the next one."""
        assert self.served() == OLD
        assert self.store.change_counter() == self.memory.synced

    def served(self) -> bytes | None:
        """What a visitor would get from memory."""
        item = self.memory.get(FOX)
        if item is None:
            return None
        assert isinstance(item.record, Entry)
        return item.record.body if item.validity is FRESH else None


def check(folder: Path, observer: Observer, name: str) -> None:
    """All processes see one state, which is old or new, and go on."""
    fresh = open_store(folder)
    with contextlib.closing(fresh):
        # Once before anybody else looks, and once more after.
        served = observer.served()
        for store in (observer.store, fresh):
            check_pages(store, name)
            if validity(store) is not FRESH:
                assert served is None
            if served is not None:
                assert body(store) == served
        assert validity(fresh) is validity(observer.store)
        assert body(fresh) == body(observer.store)
        check_life(fresh, observer)


def check_pages(store: SQLiteStore, name: str) -> None:
    """Whatever is there is whole, and is what was there before or came of the write."""
    found, judged = body(store), validity(store)
    expected: dict[str, set[t.Any]] = {
        "invalidate": {(OLD, FRESH), (OLD, EXPIRED)},
        "put": {(OLD, FRESH), (NEW, FRESH)},
        "list": {(OLD, FRESH), (OLD, EXPIRED)},
        "clear": {(OLD, FRESH), (None, None)},
        "maintain": {(OLD, FRESH)},
    }
    assert (found, judged) in expected[name]
    listed = store.closed_list("animals")
    assert listed is not None
    # A path that the list lacks is expired with it, not before and not after.
    if name == "list":
        assert (FOX.path in listed.paths) is (judged is FRESH)


def check_life(one: SQLiteStore, observer: Observer) -> None:
    """The dead writer holds nothing up, and what is written now is seen by all."""
    assert isinstance(one.acquire(LEASED, LEASED.implicit_tags, 60.0), Lease)
    assert isinstance(one.acquire(FOX, FOX.implicit_tags, 60.0), Lease)
    one.put(entry(FOX, one.current_version(), b"next"))
    assert body(observer.store) == b"next"
    one.invalidate(expired=[path_tag(FOX.path)])
    assert observer.served() is None
    assert validity(observer.store) is EXPIRED


def interruptions(calls: list[str]) -> list[tuple[str, int]]:
    """Each call as strace names it: which one, and the how manieth of its kind. Memory is
    asked for when it happens to be needed, and that leaves nothing behind."""
    counts: collections.Counter[str] = collections.Counter()
    found = []
    for call in calls:
        if call in ("brk", "madvise", "mremap"):
            continue
        counts[call] += 1
        found.append((call, counts[call]))
    return found


def kill(writers: Writers, folder: Path, name: str, call: str, nth: int) -> None:
    """Kill a writer when it makes the *nth* system call called *call*."""
    observer = Observer(folder)
    with contextlib.closing(observer.store):
        observer.prepare()
        inject = f"inject={call}:signal=SIGKILL:when={nth}"
        # It sees what the writer did before, so that nothing but the write is new to it.
        ended, _ = writers.run(
            folder, name, "-e", inject, on_ready=observer.serve_from_memory
        )
        assert ended == -signal.SIGKILL, f"{call} {nth} was not made"
        check(folder, observer, name)


@pytest.mark.parametrize("name", ["invalidate", "put", "list", "clear", "maintain"])
def test_a_writer_killed_at_any_system_call(
    writers: list[Writers], tmp_path: Path, name: str
) -> None:
    """At each of them: pages are old or new and whole, all processes agree, leases of the
    dead are void, and nobody serves from memory what the store says is invalid."""
    reference = Observer(tmp_path / "reference")
    with contextlib.closing(reference.store):
        reference.prepare()
        ended, calls = writers[0].run(tmp_path / "reference", name)
        assert ended == 0
        check(tmp_path / "reference", reference, name)
    points = interruptions(calls)
    assert len(points) > 10

    def work(which: int) -> None:
        for number, (call, nth) in list(enumerate(points))[which::2]:
            kill(writers[which], tmp_path / str(number), name, call, nth)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))


def test_a_process_killed_while_it_makes_the_folder(
    writers: list[Writers], tmp_path: Path
) -> None:
    """Whatever it left, the next one opens it and stores pages there."""
    ended, calls = writers[0].run(tmp_path / "reference", "open")
    assert ended == 0
    points = interruptions(calls)

    def work(which: int) -> None:
        for number, (call, nth) in list(enumerate(points))[which::2]:
            folder = tmp_path / str(number)
            inject = f"inject={call}:signal=SIGKILL:when={nth}"
            ended, _ = writers[which].run(folder, "open", "-e", inject)
            assert ended == -signal.SIGKILL, f"{call} {nth} was not made"
            observer = Observer(folder)
            with contextlib.closing(observer.store):
                observer.prepare()
                check(folder, observer, "maintain")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))


def test_an_invalidation_is_on_disk_when_it_returns(
    writers: list[Writers], tmp_path: Path
) -> None:
    """Its commit is synced before the call returns; that of a page need not be."""
    synced = {}
    for name in ("invalidate", "put"):
        observer = Observer(tmp_path / name)
        with contextlib.closing(observer.store):
            observer.prepare()
            _, calls = writers[0].run(tmp_path / name, name)
        synced[name] = bool({"fsync", "fdatasync"} & set(calls))

    assert synced == {"invalidate": True, "put": False}
