"""A small content management system: products and posts, an API, an editor.

It knows nothing of Flask-ISR. What it shares with the systems that people really
use is what matters to a site in front of it: a JSON API, and a webhook that is
fired after a change was committed. It has no login, so keep it on 127.0.0.1.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from flask import Flask

from . import api
from . import database
from . import pages
from .webhooks import Webhooks


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """Make the CMS; settings come from ``CMS_*`` variables, then from *config*.

    ``DATABASE`` is the SQLite file, which is created and seeded when it is new.
    ``WEBHOOK_URL`` and ``WEBHOOK_SECRET`` say whom to tell about changes, and
    ``SHOP_URL`` where the editor finds the published pages.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE=str(Path(app.instance_path) / "cms.sqlite3"),
        SECRET_KEY=secrets.token_hex(),
        SHOP_URL="",
        WEBHOOK_URL="",
        WEBHOOK_SECRET="",
    )
    app.config.from_prefixed_env("CMS")
    app.config.from_mapping(config or {})
    app.extensions["webhooks"] = Webhooks(
        str(app.config["WEBHOOK_URL"]), str(app.config["WEBHOOK_SECRET"])
    )
    database.init_app(app)
    app.register_blueprint(api.bp)
    app.register_blueprint(pages.bp)
    return app
