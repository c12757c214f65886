"""What is recorded of the view while one sealed render runs."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime

from flask import Response
from flask import current_app
from flask import g
from flask import request
from flask.sessions import SessionMixin
from werkzeug.exceptions import HTTPException

from ..compat import after_request_functions
from ..compat import peek_session
from ..core.freshness import Lifetime
from ..core.key import PageKey
from ..pages.decorator import StaticPage
from ..pages.invalidation import Invalidation
from ..pages.sessions import is_somebodys
from .context import active_render
from .inputs.callsite import Caller
from .inputs.reads import Reads
from .inputs.reads import Stage
from .inputs.watch import is_watched
from .session_writes import SessionWrite
from .session_writes import SessionWrites

# The error statuses that a view may answer on purpose: these answers are stored.
DELIBERATE = (404, 410, 451)


@dataclass
class ViewAnswer:
    """The answer as the view gave it, before any hook saw it.

    :ivar complete: whether the body was read to its end, within the size limit.
    :ivar session_read: whether the view or a hook before it looked at the session.
    :ivar written: what the view wrote to the session, except keys in ``nobodys``.
    :ivar session_filled: whether the session held something before the view ran.
    """

    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    complete: bool
    session_read: bool
    written: list[SessionWrite]
    session_filled: bool

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


@dataclass
class Capture:
    """Follows one render: the view's own answer, the tags and lifetimes that it asks for.

    :ivar page: what is rendered.
    :ivar tags: the tags of the page, with those that the view adds.
    :ivar reads: what the render read, and the page did not declare.
    :ivar nobodys: keys of the session that do not tell a visitor from others.
    :ivar started: when the render began, by the wall clock.
    :ivar environ: the environ of the synthetic request, by which code finds its render.
    :ivar error: what the view raised, except answers that it asked for by ``abort``.
    :ivar aborted: the status that the view asked for by ``abort``, whatever error handlers
        make of it.
    :ivar lifetimes: those that the view asks for; a list, since threads may add to it.
    :ivar begun: whether the view was called.
    :ivar answered: whether the view, or an error handler for it, gave an answer.
    :ivar session: the session of the render, which no visitor has.
    :ivar globals: the ``g`` of the render.
    :ivar csrf_name: the name of Flask-WTF's token in ``g`` and in the session.
    :ivar refused: an impossible tag or lifetime of the view, for which the page is not
        stored: the subject (``"tags"``, ``"lifetime"``), and a text for people.
    :ivar writes: what is written to the session after the view was called.
    :ivar token: the write of the CSRF token to the session, if the view made one.
    :ivar invalidations: those that were asked for in the render, and where; ``None`` when
        the render has ended.
    :ivar streaming: whether the view makes a piece of its body at this moment.
    :ivar watched: whether what the view reads of its request is noted.
    """

    key: PageKey
    page: StaticPage
    environ: dict[str, t.Any]
    limit: int
    tags: set[str]
    reads: Reads
    nobodys: frozenset[str]
    started: datetime
    lifetimes: list[Lifetime] = field(default_factory=list)
    view: ViewAnswer | None = None
    error: Exception | None = None
    aborted: int | None = None
    begun: bool = False
    answered: bool = False
    session: SessionMixin | None = None
    globals: t.Any = None
    csrf_name: str = "csrf_token"
    refused: tuple[str, str] | None = None
    writes: SessionWrites | None = None
    token: SessionWrite | None = None
    streaming: bool = False
    invalidations: list[tuple[Invalidation, Caller | None]] | None = field(
        default_factory=list
    )
    watched: bool = True

    @property
    def csrf_token(self) -> str | None:
        """The token that Flask-WTF made, if it did: a stream may need one late."""
        # Flask-WTF keeps it in `g`, whoever asked for it first.
        token = None if self.globals is None else self.globals.get(self.csrf_name)
        return token if isinstance(token, str) else None

    @property
    def stage(self) -> Stage:
        """How far the render is. Until there is an answer, what error handlers and
        context processors do counts as the view's, on any thread."""
        if self.answered and not self.streaming:
            return "after"
        return "view" if self.begun else "before"

    def expects(self, page: StaticPage) -> bool:
        """Whether the answer of *page* is the one to remember. Hooks, error handlers and
        the view itself may call another page, or this one with other values."""
        return page is self.page and not self.begun

    def run(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> Response:
        """Call the view as Flask would, and remember what it answers, or what error
        handlers make of what it raises."""
        self.begun = True
        self.watched = is_watched(request._get_current_object())  # type: ignore[attr-defined]
        session = self.session = peek_session()
        self.globals = g._get_current_object()
        self.csrf_name = current_app.config.get("WTF_CSRF_FIELD_NAME", self.csrf_name)
        writes = self.writes = SessionWrites(session, self.reads.places)
        filled = is_somebodys(session, self.nobodys)
        later = after_request_functions()
        first = len(later)
        handling = sys.exception()

        def remember(response: Response, first: int) -> Response:
            # What functions of after_this_request do belongs to the view's answer: they
            # do not run again when it is served. Flask too runs them before all other
            # hooks.
            own, later[first:] = later[first:], []
            try:
                for function in own:
                    response = current_app.ensure_sync(function)(response)
            finally:
                writes.stop()
                self.answered = True
            found = writes.found()
            self.token = next((w for w in found if w.key == self.csrf_name), None)
            written = self._written(writes)
            if not written:
                # What is left may be the CSRF token of a form that is not shown.
                writes.undo()
            self.view = ViewAnswer(
                response.status_code,
                [*response.headers.items()],
                [],
                complete=False,
                # Reads by hooks before the view count: the page may show what they found.
                session_read=session is not None and session.accessed,
                written=written,
                session_filled=filled,
            )
            self._record(response, self.view)
            return response

        def handled(response: Response) -> Response:
            # Flask answers an unhandled exception while that is still being handled.
            if sys.exception() is not handling:
                writes.stop()
                self.answered = True
                return response
            return remember(response, first + 1)

        try:
            view = current_app.ensure_sync(self.page.view)
            response = current_app.make_response(view(*args, **kwargs))
        except Exception as error:
            self._note(error)
            # Flask asks the error handlers, however extensions have wrapped them, and then
            # calls this before all hooks.
            later.insert(0, handled)
            raise
        return remember(response, first)

    def _note(self, error: Exception) -> None:
        if not isinstance(error, HTTPException):
            self.error = error
        elif error.code is not None:
            # Without a code, the error is a whole response that `abort` was given.
            self.aborted = error.code
            self.error = error if error.code >= 500 else None

    def _record(self, response: Response, view: ViewAnswer) -> None:
        if not response.is_streamed:
            view.chunks = [response.get_data()]
            view.complete = len(view.chunks[0]) <= self.limit
            return
        response.response = self._recorded(response.response, view)

    def _written(self, writes: SessionWrites) -> list[SessionWrite]:
        return [write for write in writes.found() if write.key not in self.nobodys]

    def _streamed(self, chunks: t.Any) -> t.Iterator[t.Any]:
        """Yield *chunks*; what is read while one is made counts as read by the view."""
        pieces = iter(chunks)
        while True:
            self.streaming = True
            try:
                chunk = next(pieces)
            except StopIteration:
                return
            finally:
                self.streaming = False
            yield chunk

    def _recorded(self, chunks: t.Any, view: ViewAnswer) -> t.Iterator[bytes]:
        """Pass *chunks* on, and keep them up to the limit."""
        size = 0
        session = self.session
        # What hooks after the view wrote to the session belongs to each visitor's own
        # request.
        writes = SessionWrites(session, self.reads.places)
        writes.stop()
        read = session is not None and session.accessed
        if session is not None:
            session.accessed = False
        try:
            for chunk in self._streamed(chunks):
                data = chunk.encode() if isinstance(chunk, str) else chunk
                size += len(data)
                if size <= self.limit:
                    view.chunks.append(data)
                yield data
            view.complete = size <= self.limit
        finally:
            if session is not None:
                # It is too late for Flask to say so in a header, or to save the session.
                view.session_read = view.session_read or session.accessed
                session.accessed = session.accessed or read
            view.written = view.written or self._written(writes)
            close = getattr(chunks, "close", None)
            if close is not None:
                close()


def active_capture() -> Capture | None:
    """The capture of the render that this code runs in; ``None`` outside of one."""
    return t.cast("Capture | None", active_render())
