"""The write-ahead logs of the embedded store take no more than is written between two
tidy-ups, however steadily that goes on."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import typing as t
from pathlib import Path

import pytest

from flask_isr.core.key import PageKey
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import write
from tests.support import PATIENCE
from tests.support import InThread
from tests.unit.stores.conftest import MakeStore

pytestmark = pytest.mark.promise(7)

_MIB = 1024 * 1024

# What is written takes 800 of them, 50 MiB.
_PAGE = b"x" * 64 * 1024


def _write(store: SQLiteStore, name: str, times: int) -> None:
    for number in range(times):
        write(store, PageKey("/p/<n>", f"/p/{name}-{number % 10}"), _PAGE)


def _log(folder: Path) -> int:
    return (folder / "pages.sqlite-wal").stat().st_size


@contextlib.contextmanager
def _reading(folder: Path) -> t.Iterator[None]:
    """Somebody looks at the pages as they are now, and is in no hurry."""
    with contextlib.closing(sqlite3.connect(folder / "pages.sqlite")) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM records").fetchone()
        yield


def test_a_log_is_emptied_at_each_tidy_up(make_store: MakeStore, folder: Path) -> None:
    """Its file is cut, so that the disk has the room again after a flood."""
    store = make_store()
    _write(store, "a", 20)
    assert _log(folder) > _MIB
    store.maintain()
    assert [path.stat().st_size for path in folder.glob("*-wal")] == [0, 0]
    assert body(store, PageKey("/p/<n>", "/p/a-9")) == _PAGE


def test_a_log_is_emptied_while_others_write(
    make_store: MakeStore, folder: Path
) -> None:
    """In this process or another. Else it would grow as long as somebody does: half a
    gigabyte in two seconds."""
    tidier = make_store()
    _write(tidier, "a", 1)
    stores = {"a": tidier, "b": tidier, "c": make_store(), "d": make_store()}
    writers = [
        InThread(functools.partial(_write, store, name, 200))
        for name, store in stores.items()
    ]
    most = 0
    while any(writer.is_alive() for writer in writers):
        most = max(most, _log(folder))
        tidier.maintain()
    for writer in writers:
        writer.result()
    assert most < 16 * _MIB


def test_who_reads_for_long_holds_up_no_writer(
    make_store: MakeStore, folder: Path
) -> None:
    """The log is left as it is then, and emptied by a later tidy-up."""
    store, other = make_store(), make_store()
    _write(store, "a", 20)
    with _reading(folder):
        _write(store, "a", 20)
        tidying = InThread(store.maintain)
        _write(other, "b", 20)
        tidying.join(PATIENCE)
        tidying.result()
        assert _log(folder) > _MIB
    store.maintain()
    assert _log(folder) == 0
