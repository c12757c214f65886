"""Tells signed-in visitors from anonymous ones, by their sessions."""

from __future__ import annotations

import typing as t

from flask import Flask
from flask import Request
from flask.sessions import SessionMixin

from ..compat import peek_session

# Keys that Flask, Flask-WTF and Flask-Login keep in the sessions of all visitors.
_NOBODYS: t.Final = frozenset({"_permanent", "csrf_token", "_fresh"})

_REMEMBER_COOKIE = "remember_token"


def default_cookies(app: Flask) -> tuple[str, ...]:
    """The cookies by which Flask and Flask-Login know a visitor."""
    remember = app.config.get("REMEMBER_COOKIE_NAME", _REMEMBER_COOKIE)
    return session_cookie(app), remember


def session_cookie(app: Flask) -> str:
    """The name of the session's cookie. If that depends on the request it is ``""``, which
    is in the name of each cookie."""
    try:
        return app.session_interface.get_cookie_name(app)
    except Exception:
        return ""


def has_session(app: Flask, request: Request) -> bool:
    """Whether the visitor of the current request is signed in: their session holds
    something, or Flask-Login remembers them.

    A cookie that does not verify does not count, so that nobody can have pages rendered by
    making cookies up. The call does not count as a look at the session.
    """
    somebodys = is_somebodys(peek_session(), nobodys(app))
    return somebodys or _is_remembered(app, request)


def nobodys(app: Flask) -> frozenset[str]:
    """Keys of sessions that do not tell a visitor from others: all may have them."""
    settings = app.extensions["isr"].settings
    return _NOBODYS | {app.config.get("WTF_CSRF_FIELD_NAME"), *settings.session_ignore}


def is_somebodys(session: SessionMixin | None, nobodys: frozenset[str]) -> bool:
    """Whether *session* holds any key that is not one of *nobodys*."""
    return session is not None and not session.keys() <= nobodys


def _is_remembered(app: Flask, request: Request) -> bool:
    if "HTTP_COOKIE" not in request.environ or not hasattr(app, "login_manager"):
        return False
    from flask_login.utils import decode_cookie

    name = app.config.get("REMEMBER_COOKIE_NAME", _REMEMBER_COOKIE)
    cookie = request.cookies.get(name)
    return cookie is not None and decode_cookie(cookie) is not None
