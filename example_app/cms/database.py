"""The SQLite file: made and seeded once, one connection for each request."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from flask import Flask
from flask import current_app
from flask import g

from .seed import seed


def init_app(app: Flask) -> None:
    """Create the database of *app* when it is missing, and close what it opens."""
    path = Path(app.config["DATABASE"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(_connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript((Path(__file__).parent / "schema.sql").read_text("utf-8"))
        db.execute("BEGIN IMMEDIATE")
        if db.execute("SELECT count(*) FROM products").fetchone()[0] == 0:
            seed(db)
        db.commit()
    app.teardown_appcontext(_close)


def get_db() -> sqlite3.Connection:
    """Return the connection of this request."""
    if "db" not in g:
        g.db = _connect(current_app.config["DATABASE"])
    db: sqlite3.Connection = g.db
    return db


def _connect(path: str | Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10)
    db.row_factory = sqlite3.Row
    return db


def _close(_error: BaseException | None) -> None:
    db: sqlite3.Connection | None = g.pop("db", None)
    if db is not None:
        db.close()
