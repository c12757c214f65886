"""What one sealed render lets be seen of the view inside it."""

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

# The errors that a view may answer on purpose, and which are stored then.
DELIBERATE = (404, 410, 451)


@dataclass
class ViewAnswer:
    """The answer as the view gave it, before any hook saw it.

    :ivar complete: whether the body was read to its end, within the size limit.
    :ivar session_read: whether the view or a hook before it looked at the session.
    :ivar written: what the view wrote to it, but for what belongs to nobody.
    :ivar session_filled: whether it held something already when the view ran.
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
    :ivar tags: the page's, with those that the view adds.
    :ivar reads: what the page did not declare, as far as it was read.
    :ivar nobodys: keys of the session that tell nobody from others.
    :ivar started: when the render began, by the wall clock.
    :ivar environ: the synthetic request, by which the render knows itself.
    :ivar error: what the view raised, but for answers that it asked for by ``abort``.
    :ivar aborted: the status that the view asked for by ``abort``, whatever error handlers
        make of it.
    :ivar lifetimes: that the view asks for; a list, since threads may add to it.
    :ivar begun: whether the view was called.
    :ivar answered: whether it gave its answer, or an error handler gave one for it.
    :ivar session: the session of the render, which no visitor has.
    :ivar globals: its ``g``.
    :ivar csrf_name: what Flask-WTF calls its token there.
    :ivar refused: what the view said that cannot be, so that the page is not stored: of
        what (``"tags"``, ``"lifetime"``), and for people.
    :ivar writes: what is written to the session, once the view was called.
    :ivar token: how its token came into the session, if the view made one.
    :ivar invalidations: that were asked for in the render, and where; ``None`` when it has
        ended.
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
        # It is kept there, whoever asked for it first.
        token = None if self.globals is None else self.globals.get(self.csrf_name)
        return token if isinstance(token, str) else None

    @property
    def stage(self) -> Stage:
        """How far the render is. What error handlers and context processors do while
        there is no answer is the view's, on whichever thread."""
        if self.answered and not self.streaming:
            return "after"
        return "view" if self.begun else "before"

    def expects(self, page: StaticPage) -> bool:
        """Whether the answer of *page* is the one to remember. What hooks, error handlers
        and the view itself call is another page, or this one with values of their own."""
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
            # What the view registered with after_this_request belongs to its answer: it
            # does not run again when that is served. Flask runs these before all other
            # hooks too.
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
                # Such as the CSRF token of a form that is not shown.
                writes.undo()
            self.view = ViewAnswer(
                response.status_code,
                [*response.headers.items()],
                [],
                complete=False,
                # By hooks before the view as well: what they found may show in the page.
                session_read=session is not None and session.accessed,
                written=written,
                session_filled=filled,
            )
            self._record(response, self.view)
            return response

        def handled(response: Response) -> Response:
            # Of what nobody handles, Flask makes an answer while it still handles it.
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
            # Flask asks the error handlers, in whatever way others have wrapped them, and
            # then calls this before all hooks.
            later.insert(0, handled)
            raise
        return remember(response, first)

    def _note(self, error: Exception) -> None:
        if not isinstance(error, HTTPException):
            self.error = error
        elif error.code is not None:
            # Without a code it is the whole answer that `abort` was given.
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
        """*chunks*; what is read while one is made counts as read by the view."""
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
        # Hooks after the view wrote to it: that belongs to each visitor's own request.
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
                # Too late for Flask to say so in a header, or to save what was written.
                view.session_read = view.session_read or session.accessed
                session.accessed = session.accessed or read
            view.written = view.written or self._written(writes)
            close = getattr(chunks, "close", None)
            if close is not None:
                close()


def active_capture() -> Capture | None:
    """What the render that the code works for lets be seen; ``None`` outside of one."""
    return t.cast("Capture | None", active_render())
