"""Whether a visitor has a session of his own, so that anonymous pages are not for him."""

from __future__ import annotations

from flask import Flask
from flask import Request
from flask.sessions import SessionMixin

from .compat import peek_session

# What Flask, Flask-WTF and Flask-Login keep in the session of everybody.
_NOBODYS = {"_permanent", "csrf_token", "_fresh"}

_REMEMBER_COOKIE = "remember_token"


def default_cookies(app: Flask) -> tuple[str, ...]:
    """The cookies by which Flask and Flask-Login know a visitor."""
    remember = app.config.get("REMEMBER_COOKIE_NAME", _REMEMBER_COOKIE)
    return session_cookie(app), remember


def session_cookie(app: Flask) -> str:
    """The cookie by which the application's own sessions are found; empty, which is in
    each cookie, where its name hangs on the request."""
    try:
        return app.session_interface.get_cookie_name(app)
    except Exception:
        return ""


def has_session(app: Flask, request: Request) -> bool:
    """Whether the visitor of the current request is somebody: his session holds
    something, or Flask-Login remembers him.

    A cookie that does not verify is nobody's, so that strangers cannot have pages
    rendered by making cookies up. Does not count as a look at the session.
    """
    return is_somebodys(peek_session()) or _is_remembered(app, request)


def is_somebodys(session: SessionMixin | None) -> bool:
    """Whether *session* holds anything that tells its owner from others."""
    return session is not None and not session.keys() <= _NOBODYS


def _is_remembered(app: Flask, request: Request) -> bool:
    if "HTTP_COOKIE" not in request.environ or not hasattr(app, "login_manager"):
        return False
    from flask_login.utils import decode_cookie

    name = app.config.get("REMEMBER_COOKIE_NAME", _REMEMBER_COOKIE)
    cookie = request.cookies.get(name)
    return cookie is not None and decode_cookie(cookie) is not None
