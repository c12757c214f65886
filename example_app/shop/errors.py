"""What visitors see when something is missing or the CMS does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from flask import current_app
from flask import render_template
from requests import RequestException
from werkzeug.exceptions import NotFound

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def init_app(app: Flask) -> None:
    """Register the error pages."""
    app.register_error_handler(NotFound, not_found)
    app.register_error_handler(RequestException, cms_failed)


def not_found(_error: NotFound) -> ResponseReturnValue:
    """Answer 404 with a way back."""
    return render_template("404.html"), 404


def cms_failed(error: RequestException) -> ResponseReturnValue:
    """Answer 503, for the few visitors of a page that was never rendered before.

    Flask-ISR counts a 503 as a failed render, as it would the exception itself: all
    others keep seeing the last good page.
    """
    current_app.logger.warning("the CMS did not answer: %s", error)
    return render_template("503.html"), 503, {"Retry-After": "10"}
