"""Extensions that keep sessions elsewhere than in a cookie."""

from __future__ import annotations

import secrets
import typing as t

from flask import Flask
from flask import Request
from flask import Response
from flask.sessions import SessionInterface
from flask.sessions import SessionMixin

from ..case import case
from .accounts import add_own_session_page


class _Session(dict[str, t.Any], SessionMixin):
    sid: str


class _Interface(SessionInterface):
    """Sessions in a dictionary."""

    def __init__(self) -> None:
        self._sessions: dict[str, dict[str, t.Any]] = {}

    def open_session(self, app: Flask, request: Request) -> _Session:
        sid = request.cookies.get(self.get_cookie_name(app)) or secrets.token_hex()
        session = _Session(self._sessions.get(sid, {}))
        session.sid = sid
        return session

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        assert isinstance(session, _Session)
        if dict(session) != self._sessions.get(session.sid, {}):
            self._sessions[session.sid] = dict(session)
            response.set_cookie(self.get_cookie_name(app), session.sid)


@case("A session interface of one's own", known={"own": "session"})
def own_interface(app: Flask) -> None:
    """As old libraries have it: a session that does not say whether it was looked at."""
    app.session_interface = _Interface()
    add_own_session_page(app)
