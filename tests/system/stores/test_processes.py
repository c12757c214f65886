"""Real processes that die in the middle of something, or fork."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import typing as t
from pathlib import Path

import pytest

from flask_isr.core.key import path_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.store import LeaseHeld
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from tests.support import PATIENCE
from tests.unit.stores.conftest import MakeStore

_HEAD = """
import os, signal, sys, threading
from pathlib import Path
from flask_isr.core.key import path_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.stores.sqlite.shared_counter import SharedCounter
from flask_isr.testing.store_kit.records import FOX, entry
from flask_isr.testing.store_kit.helpers import TAGS, lease_of, validity, write

store = SQLiteStore(Path(sys.argv[1]), limit=10**9, clock=lambda: 1_000_000.0)
"""


@contextlib.contextmanager
def _process(folder: Path, program: str) -> t.Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore::DeprecationWarning", "-c"),
            _HEAD + textwrap.dedent(program),
            str(folder),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_lease_is_void_when_its_process_was_killed(
    make_store: MakeStore, folder: Path
) -> None:
    """The kernel tells at once: nobody waits for the deadline of a dead process."""
    store = make_store()
    write(store)
    with _process(
        folder, "lease_of(store); print('leased', flush=True); sys.stdin.read()"
    ) as holder:
        assert _says(holder) == "leased"
        assert store.busy(FOX, TAGS)
        assert isinstance(store.acquire(FOX, TAGS, 60.0), LeaseHeld)
        holder.kill()
        holder.wait(PATIENCE)
        assert not store.busy(FOX, TAGS)
        lease_of(store)


def test_a_lease_stands_while_a_child_of_a_dead_process_lives_on(
    make_store: MakeStore, folder: Path
) -> None:
    """A child that was forked in the middle of a render does not keep it alive."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this platform")
    store = make_store()
    write(store)
    with _process(
        folder,
        """
        lease_of(store)
        if os.fork() == 0:
            # By the child: what happens at a fork has happened then.
            print(os.getpid(), flush=True)
        sys.stdin.read()
        """,
    ) as holder:
        child = int(_says(holder))
        try:
            assert store.busy(FOX, TAGS)
            holder.kill()
            holder.wait(PATIENCE)
            lease_of(store)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, 9)


_DYING_WRITER = """
    write(store)
    announce = SharedCounter.write

    def announce_and_die(self, clock):
        announce(self, clock)
        os.kill(os.getpid(), signal.SIGKILL)

    SharedCounter.write = announce_and_die
    store.invalidate(expired=[path_tag(FOX.path)])
"""


def test_a_writer_that_dies_before_its_commit_hides_nothing(
    make_store: MakeStore, folder: Path
) -> None:
    """It announced what it never committed: the others ask, find the old state, and see
    the next invalidation, though that gets the number that was announced in vain."""
    store, other = make_store(), make_store()
    memory = LocalCache(store, 10**8)
    memory.sync()
    with _process(folder, _DYING_WRITER) as writer:
        writer.wait(PATIENCE)
    order = store.changes(None).order
    assert store.change_counter() != order
    assert validity(store) is FRESH
    stored = store.load(FOX)
    assert stored is not None
    memory.sync()
    memory.add(stored, ())
    assert memory.get(FOX) is not None
    other.invalidate(expired=[path_tag(FOX.path)])
    assert memory.get(FOX) is None
    assert validity(store) is EXPIRED


def test_the_announced_number_is_healed_after_a_writer_died(
    make_store: MakeStore, folder: Path
) -> None:
    """Readers that find nothing changed put it right, and need not ask any more."""
    store = make_store()
    store.current_version()
    with _process(folder, _DYING_WRITER) as writer:
        writer.wait(PATIENCE)
    order = store.changes(None).order
    assert store.change_counter() != order
    for _ in range(3):
        store.changes(order)
    assert store.change_counter() == order


def test_a_killed_writer_leaves_no_half_of_an_invalidation(
    make_store: MakeStore, folder: Path
) -> None:
    """SIGKILL at any moment: what was reported as done is there, and the store works."""
    store = make_store()
    write(store)
    with _process(
        folder,
        """
        for number in range(10**6):
            mark = store.invalidate(expired=[f"tag:{number}", f"tag:twin {number}"])
            print(number, flush=True)
        """,
    ) as writer:
        done = [int(_says(writer)) for _ in range(20)]
        writer.kill()
        writer.wait(PATIENCE)
    changes = store.changes(store.changes(None).order - 20)
    assert changes.complete
    mark = write(store)
    for number in done:
        assert store.validity_of(0, [f"tag:{number}"], mark) is EXPIRED
        assert store.validity_of(0, [f"tag:twin {number}"], mark) is EXPIRED
    assert validity(store) is FRESH


def test_a_forked_process_uses_files_of_its_own(
    make_store: MakeStore, folder: Path
) -> None:
    """After a fork of a warmed-up server parent and child both read, write, and hold
    leases against each other."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this platform")
    with _process(
        folder,
        """
        memory = LocalCache(store, 10**8)
        store.on_restart = memory.clear
        write(store, body=b"before the fork")
        memory.add(store.load(FOX), ())
        lease_of(store)
        child = os.fork()
        if child == 0:
            print("leased by the parent:", store.busy(FOX, TAGS), flush=True)
            memory.get(FOX)
            memory.add(store.load(FOX), ())
            print("remembers:", memory.get(FOX).record.body, flush=True)
            store.invalidate(expired=[path_tag(FOX.path)])
            lease_of(store)
            os._exit(0)
        os.waitpid(child, 0)
        print("parent remembers:", memory.get(FOX), flush=True)
        print("parent finds:", validity(store).name, flush=True)
        print("leased by the child that is gone:", store.busy(FOX, TAGS), flush=True)
        write(store)
        print("parent writes:", validity(store).name, flush=True)
        """,
    ) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert out.split("\n") == [
        "leased by the parent: True",
        "remembers: b'before the fork'",
        "parent remembers: None",
        "parent finds: EXPIRED",
        "leased by the child that is gone: False",
        "parent writes: FRESH",
        "",
    ]


def test_processes_write_side_by_side(make_store: MakeStore, folder: Path) -> None:
    """Several processes that write as fast as they can lose none of it."""
    store = make_store()
    start = store.changes(None).order
    program = """
        for number in range(50):
            store.invalidate(stale=[f"tag:{os.getpid()} {number}"])
        """
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(_process(folder, program)) for _ in range(3)]
        for writer in writers:
            assert writer.wait(PATIENCE) == 0
    changes = store.changes(start)
    assert changes.complete
    assert len(changes.stale) == 150
    assert store.change_counter() == changes.order == start + 150
    assert path_tag(FOX.path) not in changes.expired
