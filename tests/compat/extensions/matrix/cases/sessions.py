"""Extensions that keep sessions elsewhere than in a cookie."""

from __future__ import annotations

import contextlib
import secrets
import typing as t

from flask import Flask
from flask import Request
from flask import Response
from flask.sessions import SessionInterface
from flask.sessions import SessionMixin
from pymemcache import PooledClient
from redis import Redis

from tests.support.services import memcached_server
from tests.support.services import service

from ..case import case
from ..database import database
from .accounts import add_own_session_page


@contextlib.contextmanager
def _redis() -> t.Iterator[Redis]:
    options = ("--port", "{port}", "--bind", "127.0.0.1", "--save", "")
    with service("redis-server", *options) as port, Redis(port=port) as client:
        yield client


@contextlib.contextmanager
def _memcached() -> t.Iterator[PooledClient]:
    with memcached_server() as port:
        client = PooledClient(("127.0.0.1", port))
        yield client
        client.close()


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


def _flask_session(app: Flask, kind: str, **options: t.Any) -> None:
    from flask_session import Session

    app.config.update(SESSION_TYPE=kind, **options)
    Session(app)
    add_own_session_page(app)


@case("Flask-Session, Redis", server=_redis, known={"own": "session"})
def in_redis(app: Flask) -> None:
    """``redis``."""
    _flask_session(app, "redis", SESSION_REDIS=app.config["CLIENT"])


@case("Flask-Session, Memcached", server=_memcached, known={"own": "session"})
def in_memcached(app: Flask) -> None:
    """``memcached``."""
    _flask_session(app, "memcached", SESSION_MEMCACHED=app.config["CLIENT"])


@case("Flask-Session, cachelib", known={"own": "session"})
def in_cachelib(app: Flask) -> None:
    """``cachelib``."""
    from cachelib import SimpleCache

    _flask_session(app, "cachelib", SESSION_CACHELIB=SimpleCache())


@case("Flask-Session, files", known={"own": "session"})
def in_files(app: Flask) -> None:
    """``filesystem``."""
    _flask_session(app, "filesystem", SESSION_FILE_DIR=f"{app.instance_path}/sessions")


@case("Flask-Session, SQLAlchemy", known={"own": "session"})
def in_a_database(app: Flask) -> None:
    """``sqlalchemy``."""
    _flask_session(app, "sqlalchemy", SESSION_SQLALCHEMY=database(app))


@case("A session interface of one's own", known={"own": "session"})
def own_interface(app: Flask) -> None:
    """As old libraries have it: a session that does not say whether it was looked at."""
    app.session_interface = _Interface()
    add_own_session_page(app)
