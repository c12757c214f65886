"""The site whose history is checked: ``tests.system.history.site:app``."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from pathlib import Path

from flask import Flask
from flask import Response
from flask import abort
from flask import jsonify

from flask_isr import ISR
from flask_isr import static_page

from .checker import LIFETIME
from .checker import is_gone

NAMES = ("a", "b", "c")


class Data:
    """The versions of the pages' data, in a database that survives whoever dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "data.sqlite"

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=20, isolation_level=None)

    def create(self) -> None:
        """Make the database."""
        db = self._open()
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE facts (page TEXT PRIMARY KEY, version INT NOT NULL)")
        db.close()

    def version(self, page: str) -> int:
        """The version of *page* now."""
        db = self._open()
        row = db.execute("SELECT version FROM facts WHERE page = ?", (page,)).fetchone()
        db.close()
        return 1 if row is None else int(row[0])

    def publish(self, page: str) -> int:
        """Change the data of *page*; the new version."""
        db = self._open()
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT OR IGNORE INTO facts VALUES (?, 1)", (page,))
        db.execute("UPDATE facts SET version = version + 1 WHERE page = ?", (page,))
        (version,) = db.execute(
            "SELECT version FROM facts WHERE page = ?", (page,)
        ).fetchone()
        db.execute("COMMIT")
        db.close()
        return int(version)


class Pages:
    """The views, one for each kind of page."""

    def __init__(self, app: Flask, data: Data) -> None:
        self._data = data
        for rule, view in {
            "/time/<name>": static_page(LIFETIME)(self.by_time),
            "/expire/<name>": static_page(tags=["expire:{name}"])(self.by_tag),
            "/stale/<name>": static_page(tags=["stale:{name}"])(self.by_stale_tag),
            "/failing/<name>": static_page(tags=["failing:{name}"])(self.failing),
            "/missing/<name>": static_page()(self.missing),
            "/listed/<name>": static_page(paths=self.list, fallback=False)(self.listed),
        }.items():
            app.add_url_rule(rule, rule.split("/")[1], view)

    def _show(self, page: str) -> tuple[int, Response]:
        version = self._data.version(page)
        # A render takes its time after it has read the data.
        time.sleep(random.uniform(0, 0.03))
        return version, jsonify(version=version)

    def by_time(self, name: str) -> Response:
        """A page that is renewed by time."""
        return self._show(f"/time/{name}")[1]

    def by_tag(self, name: str) -> Response:
        """A page that expires by its tag."""
        return self._show(f"/expire/{name}")[1]

    def by_stale_tag(self, name: str) -> Response:
        """A page that is made stale by its tag."""
        return self._show(f"/stale/{name}")[1]

    def failing(self, name: str) -> Response:
        """A page whose source is down for every fifth second."""
        version, answer = self._show(f"/failing/{name}")
        # The first version always comes.
        if version > 1 and int(time.time()) % 5 == 0:
            raise RuntimeError("the source is down for this second")
        return answer

    def missing(self, name: str) -> Response:
        """A page that comes and goes."""
        version, answer = self._show(f"/missing/{name}")
        if is_gone(version):
            abort(404)
        return answer

    def listed(self, name: str) -> Response:
        """A page that comes and goes, and is on a list while it is there."""
        version, answer = self._show(f"/listed/{name}")
        if is_gone(version):
            abort(404)
        return answer

    def list(self) -> list[dict[str, str]]:
        """The names on the list; never none, since such a list would not be taken."""
        found = [n for n in NAMES if not is_gone(self._data.version(f"/listed/{n}"))]
        return [{"name": name} for name in (*found, "always")]


def create_app() -> Flask:
    """The application, as each worker has it."""
    folder = Path(os.environ["SITE_FOLDER"])
    # What a release consists of, for the digest that tells it from others.
    root = os.environ.get("SITE_ROOT")
    app = Flask(__name__, instance_path=str(folder), root_path=root)
    app.config.from_prefixed_env()
    isr = ISR(app)
    app.register_blueprint(isr.blueprint, url_prefix="/api")
    Pages(app, Data(folder))

    @app.get("/process")
    def process() -> Response:
        return jsonify(folder=str(folder))

    @app.after_request
    def name_process(response: Response) -> Response:
        response.headers["X-Process"] = str(os.getpid())
        return response

    return app


app = create_app() if "SITE_FOLDER" in os.environ else Flask(__name__)
