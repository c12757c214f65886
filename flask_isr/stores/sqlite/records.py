"""Pages: the rows of the embedded store that keep them."""

from __future__ import annotations

import logging
import sqlite3

from ...core.deployment import is_later
from ...core.deployment import is_protected
from ...core.entry import Entry
from ...core.entry import Record
from ...core.entry import Unreadable
from ...core.entry import Version
from ...core.entry import decode
from ...core.freshness import Freshness
from ...core.key import PageKey
from ...core.store import Stored
from . import builds
from .order import Writing
from .order import after
from .order import validity_of

logger = logging.getLogger("flask_isr.store")

# Roughly what a row costs beside its data, in bytes.
_ROW = 256


def load(
    db: sqlite3.Connection, key: PageKey, arrival: Version | None
) -> Stored | None:
    """The record of *key*, judged for a visitor who arrived at *arrival*, or now."""
    row = db.execute(
        "SELECT data, written, value, floor, invalidated FROM records, clock WHERE id = ?",
        (key.id,),
    ).fetchone()
    if row is None:
        return None
    data, written, order, floor, invalidated = row
    record = _read(data, key)
    if record is None:
        return None
    current = Freshness.FRESH
    if int(record.version) < max(floor, invalidated):
        current = validity_of(db, record.version, record.tags, order)
    early = arrival is not None and after(record.version, arrival)
    validity = Freshness.FRESH if early else current
    return Stored(record, validity, current, order, written)


def write(writing: Writing, record: Record, data: bytes) -> Stored | None:
    """Write *record* unless a newer one is there; see :meth:`.Store.put`.

    :param data: the encoded record: no writer need wait for that.
    """
    db = writing.db
    row = db.execute(
        "SELECT mark, began, build FROM records WHERE id = ?", (record.key.id,)
    ).fetchone()
    if row is not None:
        version, began, build = row
        # Nothing may have been written between two renders: their versions are equal.
        if (version, began) > (record.version, record.began):
            return None
        if _is_protected(writing, build, record):
            return None
    if int(record.version) >= writing.clock:
        # It began under another folder, which stood here before.
        return None
    db.execute(
        "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.key.id,
            writing.clock,
            record.version,
            record.began,
            record.build,
            isinstance(record, Entry) and record.status != 200,
            record.key.path,
            len(data) + _ROW,
            data,
        ),
    )
    writing.changed = True
    current = validity_of(db, record.version, record.tags, writing.clock)
    return Stored(record, current, current, writing.clock, writing.clock)


def _is_protected(writing: Writing, build: str | None, new: Record) -> bool:
    """Whether the page of *build* that is there stays, whatever *new* is."""
    if not is_later(build, new.build, builds.order(writing.db, new.key.namespace)):
        return False
    there = find(writing.db, new.key.id)
    if there is None:
        return False
    validity = validity_of(writing.db, there.version, there.tags, writing.clock)
    return is_protected(there, validity, new.began)


def variants(db: sqlite3.Connection, path: str, limit: int) -> list[Record]:
    """The records of one path, at most *limit*."""
    rows = db.execute(
        "SELECT data FROM records WHERE path = ? LIMIT ?", (path, limit)
    ).fetchall()
    return [record for (data,) in rows if (record := _read(data)) is not None]


def ids(db: sqlite3.Connection) -> list[int]:
    """The ids of all pages, in the order of their paths."""
    return [id for (id,) in db.execute("SELECT id FROM records ORDER BY path, id")]


def find(db: sqlite3.Connection, id: int) -> Record | None:
    """The record of whichever page has this *id*."""
    row = db.execute("SELECT data FROM records WHERE id = ?", (id,)).fetchone()
    return None if row is None else _read(row[0])


def _read(data: bytes, key: PageKey | None = None) -> Record | None:
    try:
        return decode(data, key)
    except Unreadable as error:
        logger.warning("a stored page is not readable, and is rendered anew: %s", error)
        return None
