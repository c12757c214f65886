"""What one sealed render lets be seen of the view inside it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime

from flask import Flask
from flask import Response
from flask import current_app
from flask import g
from flask.sessions import SessionMixin
from werkzeug.exceptions import HTTPException

from .compat import after_request_functions
from .compat import error_answer
from .compat import peek_session
from .core.freshness import Lifetime
from .core.key import PageKey
from .page import StaticPage
from .reads import Reads

# The errors that a view may answer on purpose, and which are stored then.
DELIBERATE = (404, 410, 451)


@dataclass
class ViewAnswer:
    """The answer as the view gave it, before any hook saw it.

    :ivar complete: whether the body was read to its end, within the size limit.
    """

    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    complete: bool
    session_read: bool = False
    session_written: bool = False
    csrf_token: str | None = None

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


@dataclass
class Capture:
    """Follows one render: the view's own answer, the tags and lifetimes that it asks for.

    :ivar page: what is rendered.
    :ivar tags: the page's, with those that the view adds.
    :ivar reads: what the page did not declare, as far as it was read.
    :ivar started: when the render began, by the wall clock.
    :ivar environ: the synthetic request, by which the render knows itself.
    :ivar error: what the view raised, but for answers that it asked for by ``abort``.
    :ivar begun: whether the view was called.
    :ivar session: the session of the render, which no visitor has.
    """

    key: PageKey
    page: StaticPage
    environ: dict[str, t.Any]
    limit: int
    tags: set[str]
    reads: Reads
    started: datetime
    lifetime: Lifetime = field(default_factory=Lifetime)
    view: ViewAnswer | None = None
    error: Exception | None = None
    begun: bool = False
    session: SessionMixin | None = None

    def expects(self, page: StaticPage) -> bool:
        """Whether the answer of *page* is the one to remember. What hooks, error handlers
        and the view itself call is another page, or this one with values of their own."""
        return page is self.page and not self.begun

    def run(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> Response:
        """Call the view as Flask would, and remember what it answered."""
        self.begun = True
        session = self.session = peek_session()
        before = dict(session or {})
        modified = session is not None and session.modified
        later = after_request_functions()
        first = len(later)
        response = self._answer(args, kwargs)
        # What the view registered with after_this_request belongs to its answer: it does
        # not run again when that is served. Flask runs these before all other hooks too.
        own, later[first:] = later[first:], []
        for function in own:
            response = current_app.ensure_sync(function)(response)
        self.view = view = ViewAnswer(response.status_code, [], [], False)
        # Read by hooks before the view as well: what they found may show in the page.
        if session is not None:
            view.session_read = session.accessed
            # By the view itself: what hooks write belongs to each visitor's own request.
            changed = session.modified and not modified
            view.session_written = changed or dict(session) != before
        # Flask-WTF keeps the token there, whoever asked for it first.
        token = g.get(current_app.config.get("WTF_CSRF_FIELD_NAME", ""))
        view.csrf_token = token if isinstance(token, str) else None
        self._record(response, view, session)
        return response

    def _answer(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> Response:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        try:
            return app.make_response(app.ensure_sync(self.page.view)(*args, **kwargs))
        except HTTPException as error:
            # Without a code it is the whole answer that `abort` was given.
            if error.code not in (None, *DELIBERATE):
                self.error = error if error.code >= 500 else None
                raise
            result = error_answer(app, error)
        except Exception as error:
            self.error = error
            # Where no handler makes an answer of it, it is raised again.
            result = error_answer(app, error)
        return app.make_response(result)

    def _record(
        self, response: Response, view: ViewAnswer, session: SessionMixin | None
    ) -> None:
        view.headers = list(response.headers.items())
        if not response.is_streamed:
            view.chunks = [response.get_data()]
            view.complete = len(view.chunks[0]) <= self.limit
            return
        response.response = _recorded(response.response, view, session, self.limit)


def _recorded(
    chunks: t.Any, view: ViewAnswer, session: SessionMixin | None, limit: int
) -> t.Iterator[bytes]:
    """Pass *chunks* on, and keep them up to *limit* bytes."""
    size = 0
    read = session is not None and session.accessed
    if session is not None:
        session.accessed = False
    try:
        for chunk in chunks:
            data = chunk.encode() if isinstance(chunk, str) else chunk
            size += len(data)
            if size <= limit:
                view.chunks.append(data)
            yield data
        view.complete = size <= limit
    finally:
        if session is not None:
            # Too late for Flask to say so in a header.
            view.session_read = view.session_read or session.accessed
            session.accessed = session.accessed or read
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
