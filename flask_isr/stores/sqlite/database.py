"""One SQLite file and its connections."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import typing as t
from pathlib import Path

# Connections kept open while nobody uses them; more are made when more are needed.
_IDLE = 8

# Connections of a parent process, after a fork: closing them in the child, which the
# garbage collector would do, may take the write-ahead log from under the parent.
_abandoned: list[sqlite3.Connection] = []


class Database:
    """A pool of connections to one SQLite file in WAL mode.

    A pool and not a connection per thread: under gevent each request is a thread.

    :param synchronous: ``"FULL"`` where a commit must survive a power cut, else
        ``"NORMAL"``.
    :param patience: seconds to wait for this process's turn at the write lock, and again
        for the lock itself.
    :param turn: of the writers of this file in this process. Among themselves they would
        wait for SQLite's lock by looking again and again, and some would wait in vain.
    """

    def __init__(
        self, path: Path, synchronous: str, patience: float, turn: threading.Lock
    ) -> None:
        self._path = path
        self._synchronous = synchronous
        self._patience = patience
        self._turn = turn
        self._idle: list[sqlite3.Connection] = []
        self._held: list[sqlite3.Connection] = []
        self._closed = False

    def hold(self) -> None:
        """Have one connection open from now on: with the last one, which may be closed
        after an error, SQLite would remove the side files."""
        connection = self._connect()
        self._held.append(connection)
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            # URI and mode=rw: a file that is gone is an error, never an empty new one.
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # The Runner empties the log; this is the net below it (64 MiB).
            connection.execute("PRAGMA wal_autocheckpoint=16384")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute("PRAGMA trusted_schema=OFF")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def read(self) -> t.Iterator[sqlite3.Connection]:
        """A connection; it goes back to the pool unless the block raised."""
        try:
            connection = self._idle.pop()
        except IndexError:
            if self._closed:
                # Its path may lead to another folder by now, whose word nobody writes here.
                raise sqlite3.ProgrammingError("it was closed meanwhile") from None
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < _IDLE and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()

    @contextlib.contextmanager
    def write(self) -> t.Iterator[sqlite3.Connection]:
        """A connection that holds the write lock; commits, or rolls back when the block
        raises.

        :raises sqlite3.OperationalError: where others hold the lock for too long.
        """
        with self._taking_turn(), self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                # Best effort: closing the connection, which follows, rolls back too.
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _taking_turn(self) -> t.Iterator[None]:
        if not self._turn.acquire(timeout=self._patience):
            raise sqlite3.OperationalError("others of this process keep writing")
        try:
            yield
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def impatient(self, patience: float) -> t.Iterator[sqlite3.Connection]:
        """A connection that waits for no lock longer than *patience* seconds."""
        with self.read() as connection:
            _wait_for_locks(connection, patience)
            try:
                yield connection
            finally:
                _wait_for_locks(connection, self._patience)

    def try_write_lock(self, action: t.Callable[[sqlite3.Connection], None]) -> bool:
        """Do *action* under the write lock if it is free at this moment."""
        with self.impatient(0) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            action(connection)
            connection.execute("COMMIT")
            return True

    def abandon(self) -> None:
        """Forget the connections without closing them: they are a parent process's."""
        _abandoned.extend(self._idle + self._held)
        self._idle, self._held = [], []

    def close(self) -> None:
        """Close the connections: those that are in use when they are given back."""
        self._closed = True
        for connections in (self._idle, self._held):
            with contextlib.suppress(IndexError):
                # Another thread may take the last one.
                while True:
                    connections.pop().close()


def _wait_for_locks(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
