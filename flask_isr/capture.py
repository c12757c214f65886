"""What one sealed render lets be seen of the view inside it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from dataclasses import field

from flask import Response
from flask import current_app
from werkzeug.exceptions import HTTPException

from .compat import error_answer
from .compat import peek_session
from .core.freshness import Lifetime
from .core.key import PageKey
from .page import StaticPage

# The errors that a view may answer on purpose, and which are stored then.
DELIBERATE = (404, 410)


@dataclass
class ViewAnswer:
    """The answer as the view gave it, before any hook saw it."""

    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    complete: bool
    session_read: bool
    session_written: bool

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


@dataclass
class Capture:
    """Follows one render: the view's own answer, the tags and lifetimes that it asks for.

    :ivar environ: the synthetic request, by which the render knows itself.
    :ivar error: what the view raised, which error handlers made an answer of.
    """

    key: PageKey
    environ: dict[str, t.Any]
    limit: int
    tags: set[str] = field(default_factory=set)
    lifetime: Lifetime = field(default_factory=Lifetime)
    view: ViewAnswer | None = None
    error: Exception | None = None

    def run(
        self, page: StaticPage, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> Response:
        """Call the view as Flask would, and remember what it answered."""
        session = peek_session()
        read, written = False, False
        if session is not None:
            read, written = session.accessed, session.modified
            session.accessed = False
        try:
            response = self._answer(page, args, kwargs)
        finally:
            if session is not None:
                view_read = session.accessed
                session.accessed = read or view_read
        view = ViewAnswer(response.status_code, [], [], False, False, False)
        if session is not None:
            view.session_read = view_read
            view.session_written = view_read and session.modified and not written
        self._record(response, view)
        self.view = view
        return response

    def _answer(
        self, page: StaticPage, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> Response:
        try:
            result = current_app.ensure_sync(page.view)(*args, **kwargs)
        except HTTPException as error:
            if error.code not in DELIBERATE:
                raise
            result = error_answer(current_app._get_current_object(), error)  # type: ignore[attr-defined]
        except Exception as error:
            self.error = error
            raise
        return current_app.make_response(result)

    def _record(self, response: Response, view: ViewAnswer) -> None:
        view.headers = list(response.headers.items())
        if not response.is_streamed:
            view.chunks = [response.get_data()]
            view.complete = True
            return
        response.response = _recorded(response.response, view, self.limit)


def _recorded(chunks: t.Any, view: ViewAnswer, limit: int) -> t.Iterator[bytes]:
    """Pass *chunks* on, and keep them up to *limit* bytes."""
    size = 0
    try:
        for chunk in chunks:
            data = chunk.encode() if isinstance(chunk, str) else chunk
            size += len(data)
            if size <= limit:
                view.chunks.append(data)
            yield data
        view.complete = size <= limit
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
