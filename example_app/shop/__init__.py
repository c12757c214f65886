"""The shop: static pages that regenerate themselves when the CMS changes."""

from __future__ import annotations

from typing import Any

from flask import Flask

from . import errors
from . import filters
from . import pages
from . import webhooks
from .extensions import isr


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """Make the shop; settings come from ``FLASK_*`` variables, then from *config*.

    ``FLASK_CMS_URL`` says where the content is, ``FLASK_ISR_SECRET`` what a caller
    of ``/api/revalidate`` and ``/webhooks/cms`` must know. Every other ``ISR_*``
    key of Flask-ISR can be set in the same way.
    """
    app = Flask(__name__)
    app.config.from_mapping(CMS_URL="http://127.0.0.1:8001", CMS_TIMEOUT=2)
    app.config.from_prefixed_env()
    app.config.from_mapping(config or {})

    isr.init_app(app)
    filters.init_app(app)
    errors.init_app(app)
    app.register_blueprint(pages.bp)
    app.register_blueprint(webhooks.bp)
    app.register_blueprint(isr.blueprint, url_prefix="/api")
    return app
