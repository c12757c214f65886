"""A database in memory, by Flask-SQLAlchemy."""

from __future__ import annotations

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import StaticPool


def database(app: Flask) -> SQLAlchemy:
    """Give *app* one, on one connection for all threads."""
    app.config |= {
        "SQLALCHEMY_DATABASE_URI": "sqlite://",
        "SQLALCHEMY_ENGINE_OPTIONS": {"poolclass": StaticPool},
    }
    return SQLAlchemy(app)


def close_database(app: Flask) -> None:
    """Close that of *app*, if it has one."""
    db: SQLAlchemy | None = app.extensions.get("sqlalchemy")
    if db is not None:
        with app.app_context():
            db.engine.dispose()
