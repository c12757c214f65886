"""Writers of one process take turns."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from flask_isr.stores.sqlite.database import Database
from tests.support import InThread


def _database(path: Path, turn: threading.Lock, patience: float) -> Database:
    sqlite3.connect(path).close()
    return Database(path, "NORMAL", patience, turn)


def test_who_waits_for_his_turn_leaves_the_file_alone(tmp_path: Path) -> None:
    """He does not take the lock from other processes, nor keep looking at it."""
    turn = threading.Lock()
    ours = _database(tmp_path / "file", turn, 30.0)
    theirs = _database(tmp_path / "file", threading.Lock(), 0.0)
    written = threading.Event()

    def write() -> None:
        with ours.write():
            written.set()

    with turn:
        waiting = InThread(write)
        with theirs.write():
            pass
        assert not written.wait(0.1)
    waiting.result()

    assert written.is_set()


def test_nobody_waits_for_his_turn_for_ever(tmp_path: Path) -> None:
    """He is refused, as where another process keeps the lock; and the next one is not."""
    turn = threading.Lock()
    database = _database(tmp_path / "file", turn, 0.01)

    with (
        turn,
        pytest.raises(sqlite3.OperationalError, match="keep writing"),
        database.write(),
    ):
        pytest.fail("it was not his turn")

    with database.write():
        assert turn.locked()
    assert not turn.locked()


def test_a_writer_that_fails_ends_his_turn(tmp_path: Path) -> None:
    """Whatever goes wrong."""
    turn = threading.Lock()
    database = _database(tmp_path / "file", turn, 0.01)

    with pytest.raises(LookupError), database.write():
        raise LookupError

    assert not turn.locked()
