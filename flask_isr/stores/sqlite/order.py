"""The order of the embedded store: a counter, and what invalidations did to it."""

from __future__ import annotations

import sqlite3
import typing as t

from ...core.entry import Version
from ...core.freshness import Freshness
from ...core.store import Changes

# Writes since the last look beyond which a process had better forget its copies.
_MANY_CHANGES = 10_000


class Writing:
    """A write transaction of the pages, and the clock that it will have."""

    def __init__(self, db: sqlite3.Connection, clock: int) -> None:
        self.db = db
        self.clock = clock
        self.changed = False

    def invalidate(
        self, *, stale: t.Collection[str] = (), expired: t.Collection[str] = ()
    ) -> None:
        """Make the tags stale or expired in this transaction."""
        invalidate(self.db, self.clock, stale=stale, expired=expired)
        self.changed = True


def clock_of(db: sqlite3.Connection) -> int:
    """The counter as it stands."""
    return int(db.execute("SELECT value FROM clock").fetchone()[0])


def after(version: Version, arrival: Version) -> bool:
    """Whether a render that began at *version* saw what was there at *arrival*."""
    return int(version) >= int(arrival)


def last(db: sqlite3.Connection, tags: t.Collection[str], column: str) -> int:
    """When one of *tags* was invalidated last; *column* says in which way."""
    marks = ",".join("?" * len(tags))
    row = db.execute(
        f"SELECT max({column}) FROM tags WHERE tag IN ({marks})", (*tags,)
    ).fetchone()
    return row[0] or 0


def validity_of(
    db: sqlite3.Connection, version: Version, tags: t.Collection[str], arrival: Version
) -> Freshness:
    """What invalidations say of a render; see :meth:`.Store.validity_of`."""
    if after(version, arrival):
        return Freshness.FRESH
    marks = ",".join("?" * len(tags))
    stale, expired, floor = db.execute(
        "SELECT max(stale), max(expired), (SELECT floor FROM clock)"
        f" FROM tags WHERE tag IN ({marks})",
        (*tags,),
    ).fetchone()
    began = int(version)
    if (expired or 0) > began:
        return Freshness.EXPIRED
    if (stale or 0) > began or floor > began:
        return Freshness.STALE
    return Freshness.FRESH


def invalidate(
    db: sqlite3.Connection,
    clock: int,
    *,
    stale: t.Collection[str] = (),
    expired: t.Collection[str] = (),
) -> None:
    """Note at *clock* that the tags became stale or expired."""
    rows = [(tag, clock, 0, clock) for tag in stale]
    rows += [(tag, 0, clock, clock) for tag in expired]
    db.executemany(
        "INSERT INTO tags VALUES (?, ?, ?, ?) ON CONFLICT (tag) DO UPDATE SET"
        " stale = max(stale, excluded.stale), expired = max(expired, excluded.expired),"
        " written = excluded.written",
        rows,
    )
    db.execute("UPDATE clock SET invalidated = ?", (clock,))


def changes(db: sqlite3.Connection, since: int | None) -> Changes:
    """What was written after *since*; see :meth:`.Store.changes`."""
    clock, floor = db.execute("SELECT value, floor FROM clock").fetchone()
    if since is None or since == clock:
        return Changes(clock, since is not None, {}, {}, {})
    # `since` ahead of the clock: commits were lost with the power, or another folder.
    if not floor <= since < clock or clock - since > _MANY_CHANGES:
        return Changes(clock, False, {}, {}, {})
    tags = db.execute(
        "SELECT tag, stale, expired FROM tags WHERE written > ?", (since,)
    ).fetchall()
    records = db.execute(
        "SELECT id, written FROM records WHERE written > ?", (since,)
    ).fetchall()
    return Changes(
        clock,
        True,
        dict(records),
        {tag: stale for tag, stale, _ in tags if stale > since},
        {tag: expired for tag, _, expired in tags if expired > since},
    )
