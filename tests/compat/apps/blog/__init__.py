"""A blog in the shape of Flask's own tutorial, with what people add to it."""

from __future__ import annotations

import typing as t
from pathlib import Path

from flask import Flask

from tests.support import SECRET

from . import auth
from . import posts
from .extensions import csrf
from .extensions import db
from .extensions import isr

KEY = "a key that only the tests know"


def create_app(folder: Path, **config: t.Any) -> Flask:
    """Make the application.

    :param folder: for database and pages.
    :param config: ``LOGIN`` is ``"by hand"``, as in the tutorial, or ``"Flask-Login"``.
    """
    app = Flask(__name__, instance_path=str(folder))
    app.config.from_mapping(
        SECRET_KEY=KEY,
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'blog.sqlite'}",
        ISR_SECRET=SECRET,
        LOGIN="by hand",
    )
    app.config.from_mapping(config)
    for extension in (db, csrf, isr):
        extension.init_app(app)
    auth.init_app(app)
    app.register_blueprint(posts.bp)
    return app
