"""The store in memory passes the kit, the strict part included."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from flask_isr.core.key import PageKey
from flask_isr.core.key import user_tag
from flask_isr.stores import memory
from flask_isr.stores.memory import MemoryStore
from flask_isr.testing.store_kit import OrderedSharedStoreKit
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import STALE
from flask_isr.testing.store_kit.helpers import MakeStore
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from tests.support import PATIENCE
from tests.support import Clock


class TestMemoryStore(OrderedSharedStoreKit):
    """One process has one instance: it is its own other one."""

    @pytest.fixture
    def make_store(self, clock: Clock) -> MakeStore:
        """Always the same."""
        store = MemoryStore(clock)
        return lambda: store


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_fork_waits_for_no_thread_that_it_lacks() -> None:
    """A thread of the parent process is at work in the store meanwhile."""
    script = """
        import os, signal, threading
        from flask_isr.core.key import PageKey
        from flask_isr.stores.memory import MemoryStore

        inside, gate = threading.Event(), threading.Event()

        def clock():
            inside.set()
            gate.wait()
            return 0.0

        store = MemoryStore(clock)
        lease = (PageKey("/", "/"), (), 60.0)
        threading.Thread(target=store.acquire, args=lease).start()
        inside.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            store.next_version()
            os._exit(0)
        print(os.waitpid(child, 0)[1])
        gate.set()
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout == "0\n", done.stderr


def test_pages_beyond_their_number_go(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go; what was forgotten of a tag makes older pages stale, never fresh."""
    monkeypatch.setattr(memory, "_KEPT", 3)
    store = MemoryStore(clock)
    pages = [PageKey("/<n>", f"/{number}") for number in range(4)]
    for page in pages:
        write(store, page, tags=["t"])
    assert [validity(store, page) is None for page in pages] == [True] + [False] * 3

    store.invalidate(expired=[user_tag("t")])
    assert validity(store, pages[3]) is EXPIRED
    for number in range(3):
        store.invalidate(expired=[user_tag(str(number))])
    assert validity(store, pages[3]) is STALE
