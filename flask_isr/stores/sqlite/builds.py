"""Builds: the rows of the embedded store that keep their order."""

from __future__ import annotations

import sqlite3

# Builds remembered, of all applications; the earliest are forgotten.
_KEPT = 1000


def order(db: sqlite3.Connection, namespace: str) -> list[str]:
    """The builds of *namespace*, the latest last."""
    rows = db.execute(
        "SELECT build FROM builds WHERE site = ? ORDER BY number", (namespace,)
    )
    return [build for (build,) in rows]


def meet(db: sqlite3.Connection, namespace: str, build: str) -> None:
    """Make *build* the latest of *namespace*."""
    db.execute(
        "INSERT OR REPLACE INTO builds"
        " SELECT ?, ?, coalesce(max(number), 0) + 1 FROM builds",
        (namespace, build),
    )
    db.execute(
        "DELETE FROM builds WHERE number <="
        " (SELECT number FROM builds ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (_KEPT,),
    )
