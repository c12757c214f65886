"""What was met under one name: the rows of the embedded store that keep it."""

from __future__ import annotations

import sqlite3

from ...core.store import MET

# Of all names.
_ROWS = 1000


def find(db: sqlite3.Connection, name: str) -> list[tuple[str, str]]:
    """Id and note of those that were met under *name*, the last one last."""
    rows = db.execute(
        "SELECT id, note FROM met WHERE name = ? ORDER BY number", (name,)
    ).fetchall()
    return [(str(id), str(note)) for id, note in rows]


def add(db: sqlite3.Connection, name: str, id: str, note: str) -> None:
    """Remember *note* of *id* as the last one of *name*, and forget the oldest."""
    db.execute(
        "INSERT OR REPLACE INTO met"
        " SELECT ?, ?, coalesce(max(number), 0) + 1, ? FROM met",
        (name, id, note),
    )
    older = "ORDER BY number DESC LIMIT -1 OFFSET ?"
    db.execute(
        "DELETE FROM met WHERE number IN"
        f" (SELECT number FROM met WHERE name = ? {older})",
        (name, MET),
    )
    db.execute(
        f"DELETE FROM met WHERE number IN (SELECT number FROM met {older})", (_ROWS,)
    )
