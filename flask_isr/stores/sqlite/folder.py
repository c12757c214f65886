"""The folder of the embedded store, as one process has it open."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .database import Database
from .files import MAIN_FILES
from .files import Identity
from .files import exclusively
from .files import identity
from .files import move_aside
from .files import move_torn
from .liveness import Liveness
from .liveness import anybody_lives
from .ownership import check_ownership
from .shared_counter import SharedCounter

logger = logging.getLogger("flask_isr.store")

# Seconds to wait for another writer: on a visitor's time, and for an invalidation, which
# must not be lost.
_PATIENCE = 1.0
_DURABLE_PATIENCE = 10.0

#: Seconds between two looks at whether the folder is still the one that was opened.
IDENTITY_CHECK = 1.0

# Seconds after which each process that serves anything has looked.
_LOOKED = IDENTITY_CHECK + 0.1

# Advanced whenever the tables change.
_FORMAT = 4

_PAGES = """
CREATE TABLE IF NOT EXISTS clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL,     -- advanced by each write that others must notice
    floor INTEGER NOT NULL,     -- what was written up to here may be forgotten
    invalidated INTEGER NOT NULL,  -- value at the last invalidation of anything
    boot TEXT NOT NULL,         -- the machine's start that `shift` belongs to
    shift REAL NOT NULL,        -- store time minus time since the machine's start
    seen REAL NOT NULL          -- store time of the last write
);
CREATE TABLE IF NOT EXISTS builds (
    site TEXT NOT NULL,
    build TEXT NOT NULL,        -- a deployment
    number INTEGER NOT NULL,    -- the highest is the one whose process started last
    PRIMARY KEY (site, build)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    written INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    began REAL NOT NULL,
    build TEXT,                 -- the deployment that made it
    gone INTEGER NOT NULL,      -- whether it is a 404 or the like
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS records_written ON records (written, id, size);
CREATE INDEX IF NOT EXISTS records_path ON records (path);
CREATE INDEX IF NOT EXISTS records_gone ON records (written) WHERE gone;
CREATE TABLE IF NOT EXISTS tags (
    tag TEXT PRIMARY KEY,
    stale INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    written INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_written ON tags (written);
CREATE TABLE IF NOT EXISTS lists (
    name TEXT PRIMARY KEY,
    written INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    asked_at REAL NOT NULL,
    paths TEXT NOT NULL
) WITHOUT ROWID;
"""

_WORK = """
CREATE TABLE IF NOT EXISTS leases (
    id INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,
    token TEXT NOT NULL,
    mark INTEGER NOT NULL,
    began REAL NOT NULL,
    deadline REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS failures (
    id INTEGER PRIMARY KEY,
    mark INTEGER NOT NULL,
    at REAL NOT NULL,
    retry_at REAL NOT NULL,
    count INTEGER NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    error BLOB
);
CREATE INDEX IF NOT EXISTS failures_at ON failures (at);
CREATE TABLE IF NOT EXISTS met (
    name TEXT NOT NULL,         -- an application, and its build
    id TEXT NOT NULL,           -- its configuration
    number INTEGER NOT NULL,    -- the last one met has the highest
    note TEXT NOT NULL,
    PRIMARY KEY (name, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage (
    id INTEGER PRIMARY KEY,
    used_at REAL NOT NULL
);
"""


class OlderFormat(sqlite3.DatabaseError):
    """The database was made by an earlier release with other tables."""


@dataclass(slots=True)
class OpenFolder:
    """The embedded store as one process has it open.

    :param durable: the pages, by connections whose commits survive a power cut.
    :param shift: store time minus the time since the machine's start, in seconds.
    """

    identity: Identity
    pages: Database
    durable: Database
    work: Database
    word: SharedCounter
    liveness: Liveness
    shift: float
    checked_at: float

    @classmethod
    def open(cls, folder: Path, before: Identity | None = None) -> OpenFolder:
        """Open *folder*, and make what is missing in it.

        :param before: the files that this process had open there until now, and that are
            not those which it finds.
        :raises OSError, sqlite3.Error: where that is not possible.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_ownership(folder)
        with exclusively(folder):
            move_torn(folder, before)
            try:
                opened = cls._open(folder)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if is_corrupt(error):
                    logger.error(
                        "the page store in %s is damaged and set aside; pages are rendered"
                        " anew: %s",
                        folder,
                        error,
                    )
                elif isinstance(error, OlderFormat):
                    logger.warning(
                        "the page store in %s is set aside; pages are rendered anew: %s",
                        folder,
                        error,
                    )
                else:
                    raise
                move_aside(folder)
                opened = cls._open(folder)
        opened.liveness.sweep()
        if before is None:
            # Else this process told all who map the file before to look.
            opened.wait_for_others()
        return opened

    @classmethod
    def _open(cls, folder: Path) -> OpenFolder:
        paths = folder / "pages.sqlite", folder / "work.sqlite"
        lived = anybody_lives(folder / "processes")
        used = lived or paths[0].exists()
        for path in paths:
            _make_private_file(path)
        word = SharedCounter(folder / "clock")
        if word.is_new and used:
            word.replaced_at = time_since_start()
        files = identity(folder, MAIN_FILES)
        turn = threading.Lock()
        pages = Database(paths[0], "NORMAL", _PATIENCE, turn)
        work = Database(paths[1], "NORMAL", _PATIENCE, threading.Lock())
        try:
            _make_tables(work, _WORK)
            shift = _prepare(pages, word, lived=lived)
            pages.hold()
            work.hold()
            opened = identity(folder)
            if not files.items() <= opened.items():
                raise OSError("somebody is replacing its files")
        except BaseException:
            pages.close()
            work.close()
            raise
        return cls(
            identity=opened,
            pages=pages,
            durable=Database(paths[0], "FULL", _DURABLE_PATIENCE, turn),
            work=work,
            word=word,
            shift=shift,
            liveness=Liveness(folder / "processes"),
            checked_at=time.monotonic(),
        )

    def wait_for_others(self) -> None:
        """Wait until processes that may map a file that was here before have looked."""
        age = time_since_start() - self.word.replaced_at
        if 0 <= age < _LOOKED:
            time.sleep(_LOOKED - age)

    def is_current(self, folder: Path) -> bool:
        """Whether *folder* still holds the files that were opened."""
        self.checked_at = time.monotonic()
        try:
            return identity(folder) == self.identity and self.liveness.is_there()
        except OSError:
            return False

    def abandon(self) -> None:
        """Forget all in a child process after a fork, without touching the parent's."""
        for database in (self.pages, self.durable, self.work):
            database.abandon()
        self.liveness.disown()

    def close(self) -> None:
        """Close the files; leases of this process are void from now on."""
        # First: who lives has all files of a database open, which the last one removes.
        self.liveness.close()
        for database in (self.pages, self.durable, self.work):
            database.close()


def is_corrupt(error: BaseException) -> bool:
    """Whether *error* says that a database is damaged, or no database at all."""
    if isinstance(error, UnicodeDecodeError):
        # SQLite's message quotes what is damaged, and Python cannot read that.
        return True
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_ERROR:
        # It was cut to nothing under a process: SQLite takes that for an empty database.
        return str(error).startswith("no such table")
    # A log that is cut short under a process (a restored backup) never heals by itself.
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or code & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )


def time_since_start() -> float:
    """Seconds that all processes of the machine count alike and no clock step changes."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # Elsewhere a start is known by its moment, good to ten seconds.
    return f"{(time.time() - time_since_start()) / 10:.0f}"


def _make_private_file(path: Path) -> None:
    """Make *path* readable by its owner alone, if it is not there; SQLite gives its side
    files the mode of the main file.

    A database that exists must not be opened but by SQLite: to close any descriptor of a
    file drops all locks of the process on it (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with contextlib.suppress(FileExistsError):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(path, flags, 0o600))


def _make_tables(database: Database, schema: str) -> None:
    with database.read() as db:
        # Two processes that open a new folder at once: only one can switch to WAL.
        _insist(lambda: db.execute("PRAGMA journal_mode=WAL"))
    with database.write() as db:
        (found,) = db.execute("PRAGMA user_version").fetchone()
        made = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
        if made and found < _FORMAT:
            raise OlderFormat(f"it is of format {found}, and {_FORMAT} is used now")
        if found > _FORMAT:
            # A newer release uses it: taking it away would lose its invalidations.
            raise sqlite3.DatabaseError(
                f"it is of format {found}, which this release does not know ({_FORMAT})"
            )
        for statement in schema.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={_FORMAT}")


def _insist(action: t.Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            action()
        except sqlite3.OperationalError:
            # The busy handler is not asked when the journal mode changes.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _prepare(pages: Database, word: SharedCounter, *, lived: bool) -> float:
    _make_tables(pages, _PAGES)
    with pages.write() as db:
        row = db.execute("SELECT value, boot, shift, seen FROM clock").fetchone()
        boot, since_start = _boot(), time_since_start()
        # Far above any clock of a folder that stood here before: versions of renders that
        # began there are below the floor, so that they are never fresh here.
        start = time.time_ns() // 1000
        if row is None:
            shift = time.time() - since_start
            db.execute(
                "INSERT INTO clock (one, value, floor, invalidated, boot, shift, seen)"
                " VALUES (1, ?, ?, ?, ?, ?, ?)",
                (start, start, start, boot, shift, time.time()),
            )
            word.write(start)
            return shift
        clock, last_boot, shift, seen = row
        if boot != last_boot:
            shift = max(time.time(), seen) - since_start
            db.execute("UPDATE clock SET boot = ?, shift = ?", (boot, shift))
        if not lived and word.is_ahead_of(clock):
            # A log was lost, or the last process died in the middle of a commit.
            logger.warning(
                "the page store may lack what was written last: all stored pages count as"
                " old, and are rendered anew"
            )
            clock = max(start, clock + 1)
            db.execute("UPDATE clock SET value = ?, floor = ?", (clock, clock))
        word.write(clock)
        return float(shift)
