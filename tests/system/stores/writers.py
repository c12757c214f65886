"""Processes that write to the embedded store and are killed: ``python -m`` this module.

For each line ``FOLDER WRITE`` on its input it forks a writer, which opens the store, says
its number, waits for SIGUSR1, writes, and ends. How it ended is told in a second line.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
import typing as t
from pathlib import Path

from flask_isr.core.key import PageKey
from flask_isr.core.key import path_tag
from flask_isr.core.key import user_tag
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from flask_isr.testing.store_kit.records import entry

NOW = 1_000_000.0
LEASED = PageKey("/animals/<name>", "/animals/leased")

#: The writes, by name.
WRITES: t.Final[t.Mapping[str, t.Callable[[SQLiteStore], object]]] = {
    "invalidate": lambda store: store.invalidate(
        expired=[path_tag(FOX.path), user_tag("animals")]
    ),
    "put": lambda store: store.put(entry(FOX, store.current_version(), b"new" * 3000)),
    "list": lambda store: store.put_list("animals", [OWL.path], store.next_version()),
    "clear": lambda store: store.clear(),
    "maintain": lambda store: store.maintain(),
    # Opens the folder, which nobody did before.
    "open": lambda store: store.current_version(),
}


def open_store(folder: Path) -> SQLiteStore:
    """The store as each process of these tests has it."""
    return SQLiteStore(folder, limit=10**9, clock=lambda: NOW)


def _write(folder: Path, name: str) -> None:
    store = open_store(folder)
    if name != "open":
        # Open all connections, and hold the lease of a page.
        store.invalidate(stale=[user_tag("other")])
        store.acquire(LEASED, LEASED.implicit_tags, 60.0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    _say(os.getpid())
    signal.sigwait([signal.SIGUSR1])
    WRITES[name](store)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    """Fork a writer for each line of the input."""
    for line in sys.stdin:
        folder, name = line.rsplit(maxsplit=1)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _write(Path(folder), name)
                code = 0
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
