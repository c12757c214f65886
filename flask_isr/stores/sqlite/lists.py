"""Closed lists: the rows of the embedded store that keep them."""

from __future__ import annotations

import json
import sqlite3
import typing as t

from ...core.entry import DAMAGE
from ...core.entry import Version
from ...core.key import path_tag
from ...core.store import Listed
from .order import Writing
from .order import last


def find(db: sqlite3.Connection, name: str) -> Listed | None:
    """The list called *name*; nothing where it cannot be read."""
    row = db.execute(
        "SELECT paths, asked_at FROM lists WHERE name = ?", (name,)
    ).fetchone()
    paths = None if row is None else _paths(row[0])
    return None if paths is None else Listed(paths, float(row[1]))


def version(db: sqlite3.Connection, name: str) -> Version | None:
    """The order in which the list called *name* was written."""
    row = db.execute("SELECT written FROM lists WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def replace(
    writing: Writing, name: str, paths: t.Collection[str], version: Version, now: float
) -> bool:
    """Replace the list called *name*, and expire the pages that it lacks now; see
    :meth:`.Store.put_list`."""
    if int(version) >= writing.clock:
        # Asked under another folder, which stood here before.
        return False
    row = writing.db.execute(
        "SELECT paths, mark FROM lists WHERE name = ?", (name,)
    ).fetchone()
    if row is not None and row[1] > version:
        return True
    before = None if row is None else _paths(row[0])
    gone = (before or frozenset()) - set(paths)
    # Of a path that was invalidated after the question, the answer tells nothing.
    unknown = {path for path in gone if _renewed(writing.db, path) > int(version)}
    gone -= unknown
    paths = unknown.union(paths)
    writing.db.execute(
        "INSERT OR REPLACE INTO lists VALUES (?, ?, ?, ?, ?)",
        (name, writing.clock, version, now, json.dumps(sorted(paths))),
    )
    writing.changed = True
    if gone:
        writing.invalidate(expired=[path_tag(path) for path in gone])
    return True


def _renewed(db: sqlite3.Connection, path: str) -> int:
    return last(db, (path_tag(path),), "max(stale, expired)")


def _paths(text: str) -> frozenset[str] | None:
    try:
        return frozenset(map(str, json.loads(text)))
    except DAMAGE:
        return None
