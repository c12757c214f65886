"""Whether visitors have sessions of their own, so that anonymous pages are not for them."""

from __future__ import annotations

import typing as t

from flask import Flask
from flask import Request
from flask.sessions import SessionMixin

from ..compat import peek_session

# What Flask, Flask-WTF and Flask-Login keep in the session of everybody.
_NOBODYS: t.Final = frozenset({"_permanent", "csrf_token", "_fresh"})

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
    """Whether the visitor of the current request is somebody: their session holds
    something, or Flask-Login remembers them.

    A cookie that does not verify is nobody's, so that strangers cannot have pages
    rendered by making cookies up. Does not count as a look at the session.
    """
    somebodys = is_somebodys(peek_session(), nobodys(app))
    return somebodys or _is_remembered(app, request)


def nobodys(app: Flask) -> frozenset[str]:
    """Keys of sessions that tell nobody from others: everybody may have them."""
    settings = app.extensions["isr"].settings
    return _NOBODYS | {app.config.get("WTF_CSRF_FIELD_NAME"), *settings.session_ignore}


def is_somebodys(session: SessionMixin | None, nobodys: frozenset[str]) -> bool:
    """Whether *session* holds anything but *nobodys*."""
    return session is not None and not session.keys() <= nobodys


def _is_remembered(app: Flask, request: Request) -> bool:
    if "HTTP_COOKIE" not in request.environ or not hasattr(app, "login_manager"):
        return False
    from flask_login.utils import decode_cookie

    name = app.config.get("REMEMBER_COOKIE_NAME", _REMEMBER_COOKIE)
    cookie = request.cookies.get(name)
    return cookie is not None and decode_cookie(cookie) is not None
