"""Keeping the embedded store within its bounds: the Runner's work, never a visitor's."""

from __future__ import annotations

import sqlite3
import typing as t

from .folder import OpenFolder

# The share of the bytes that pages read only once may keep when the store is full: a
# flood of unknown paths pushes out itself, not the pages that people read.
_PROBATION = 0.1

# How far below the limit an eviction goes, so that not every write starts one.
_LOW_WATER = 0.9

# Tags remembered; beyond, the oldest are forgotten and pages older than them are stale.
_TAGS = 100_000

# Seconds after which failures and leases are forgotten that nobody asked for again.
_OLD_FAILURE = 3600.0

# Failures kept, and how many of them with the error answer that their followers share:
# strangers can make up any number of addresses at which a view breaks.
_FAILURES = 10_000
_ERRORS = 100

# Rows and bytes deleted in one transaction, so that writers never wait long.
_BATCH_ROWS = 500
_BATCH_BYTES = 8 * 1024 * 1024

# Seconds for which writers may be held up by readers, until a log can be emptied.
_CHECKPOINT_PATIENCE = 0.05

# Stored 404s, 410s and 451s kept: an address that does not exist costs its asker nothing.
_GONE = 1000


def evict(folder: OpenFolder, limit: int) -> int:
    """Delete pages until they take at most *limit* bytes; how many went."""
    with folder.pages.read() as db:
        total = db.execute("SELECT coalesce(sum(size), 0) FROM records").fetchone()[0]
        if total <= limit:
            return 0
        with folder.work.read() as work:
            used_at = dict(work.execute("SELECT id, used_at FROM usage"))
        doomed = list(_doomed(_Rows(db), used_at, total, limit))
    _delete(folder, doomed)
    return len(doomed)


def _delete(folder: OpenFolder, doomed: t.Sequence[tuple[int, int]]) -> None:
    for batch in _batches(doomed):
        with folder.pages.write() as db:
            db.executemany("DELETE FROM records WHERE id = ?", batch)


class _Rows:
    """Id and size of all pages, the oldest first. Read anew each time: there may be too
    many for the memory of a process."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __iter__(self) -> t.Iterator[tuple[int, int]]:
        return self._db.execute("SELECT id, size FROM records ORDER BY written")


def _doomed(
    rows: t.Iterable[tuple[int, int]],
    used_at: t.Mapping[int, float],
    total: int,
    limit: int,
) -> t.Iterator[tuple[int, int]]:
    often = sorted(
        ((id, size) for id, size in rows if id in used_at),
        key=lambda row: used_at[row[0]],
    )
    probation = total - sum(size for _, size in often)
    for id, size in rows:
        if id in used_at:
            continue
        if total <= limit * _LOW_WATER or probation <= limit * _PROBATION:
            break
        probation -= size
        total -= size
        yield id, size
    for id, size in often:
        if total <= limit * _LOW_WATER:
            break
        total -= size
        yield id, size


def _batches(doomed: t.Iterable[tuple[int, int]]) -> t.Iterator[list[tuple[int]]]:
    batch: list[tuple[int]] = []
    size = 0
    for id, bytes_ in doomed:
        batch.append((id,))
        size += bytes_
        if len(batch) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def forget(folder: OpenFolder, now: float) -> None:
    """Drop tags and 404s beyond their number, what failed long ago, dead processes."""
    with folder.pages.read() as db:
        count = db.execute("SELECT count(*) FROM tags").fetchone()[0]
    if count > _TAGS:
        with folder.pages.write() as db:
            _raise_floor(db, count - int(_TAGS * _LOW_WATER))
    with folder.pages.read() as db:
        gone = db.execute(
            "SELECT id, size FROM records WHERE gone"
            " ORDER BY written DESC LIMIT -1 OFFSET ?",
            (_GONE,),
        ).fetchall()
    _delete(folder, gone)
    unknown = _unknown_usage(folder)
    with folder.work.write() as work:
        work.executemany("DELETE FROM usage WHERE id = ?", unknown)
        work.execute("DELETE FROM leases WHERE deadline < ?", (now - _OLD_FAILURE,))
        work.execute("DELETE FROM failures WHERE retry_at < ?", (now - _OLD_FAILURE,))
        older = "SELECT id FROM failures ORDER BY at DESC LIMIT -1 OFFSET ?"
        work.execute(f"DELETE FROM failures WHERE id IN ({older})", (_FAILURES,))
        work.execute(
            f"UPDATE failures SET error = NULL WHERE id IN ({older})"
            " AND error IS NOT NULL",
            (_ERRORS,),
        )
    folder.liveness.sweep()


def _unknown_usage(folder: OpenFolder) -> list[tuple[int]]:
    """The usage of pages that are not there any more."""
    with folder.work.read() as work:
        used = work.execute("SELECT id FROM usage").fetchall()
    with folder.pages.read() as db:
        find = "SELECT 1 FROM records WHERE id = ?"
        return [row for row in used if db.execute(find, row).fetchone() is None]


def _raise_floor(db: sqlite3.Connection, excess: int) -> None:
    (floor,) = db.execute(
        "SELECT max(written) FROM (SELECT written FROM tags ORDER BY written LIMIT ?)",
        (excess,),
    ).fetchone()
    db.execute("DELETE FROM tags WHERE written <= ?", (floor,))
    db.execute("UPDATE clock SET floor = max(floor, ?)", (floor,))


def checkpoint(folder: OpenFolder) -> None:
    """Move what the write-ahead logs hold into the databases, and empty the logs."""
    for database in (folder.pages, folder.work):
        with database.impatient(_CHECKPOINT_PATIENCE) as db:
            # Most of it beside those who write. While they do, a log never comes to its
            # end by itself: for the rest they wait.
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
