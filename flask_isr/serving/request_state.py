"""One request on its way through the middleware and Flask."""

from __future__ import annotations

import contextvars
import typing as t

from flask import after_this_request
from flask import has_request_context
from flask import request

from ..core.decision import Decision
from ..core.decision import PageRequest
from ..core.decision import ServeEntry

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from flask import Response

    from ..pages.invalidation import Invalidation

#: The key of the request state in the WSGI environ.
REQUEST_STATE = "flask_isr.visit"

#: The state of the request that is inside Flask in this context. Teardowns of the
#: application context find it here: their request context is gone already.
inside: contextvars.ContextVar[RequestState | None] = contextvars.ContextVar(
    "flask_isr.visit", default=None
)


def current_request_state() -> RequestState | None:
    """The state of the current request, if the middleware let it in."""
    if has_request_context():
        return t.cast("RequestState | None", request.environ.get(REQUEST_STATE))
    return inside.get()


def _swallow(data: bytes) -> None:
    """Stand in for the ``write`` of an answer that is not sent."""


class RequestState:
    """What the middleware, the decorated view and ``revalidate_*`` tell each other.

    It is also the ``start_response`` that Flask is given, and the body that the server is
    given if its end must be noticed. A request that has nothing to do with static pages
    thus costs one object. To keep that cheap, the defaults are class attributes, and the
    caller sets :attr:`start_response`, which is cheaper than a constructor.

    :ivar start_response: the server's.
    :ivar entry_path: the path as it came to the middleware; ``None`` on the second way
        through Flask.
    :ivar unsafe: whether the method that came to the middleware may write something.
    :ivar reads_page: whether Flask asks a static page for an answer, by GET or HEAD.
    :ivar has_work: whether a decorated view or ``revalidate_*`` wrote into the state, or,
        because the request is unsafe, still may.
    :ivar follow: called with status and headers of the answer to an unsafe request.
    :ivar has_session: whether the visitor is signed in; known when a decorated view ran.
    :ivar page_request: written by the decorated view: "answer with this page".
    :ivar decided: the Engine's decision on that page, if it is known already.
    :ivar decision: read by the decorated view: what the Engine decided already.
    :ivar served: written by the decorated view: "I answered with this".
    :ivar started: status and headers of an answer that the middleware keeps back.
    :ivar released: whether that answer went out, or would go out at once.
    :ivar deferred: invalidations to be repeated when Flask has finished.
    :ivar finished: whether Flask has finished.
    :ivar body: the body that Flask returned.
    """

    entry_path: str | None = None
    unsafe = False
    reads_page = False
    has_work = False
    has_session = False
    page_request: PageRequest | None = None
    decision: Decision | None = None
    decided: Decision | None = None
    served: ServeEntry | None = None
    started: tuple[str, list[tuple[str, str]]] | None = None
    released = False
    follow: t.Callable[[str, list[tuple[str, str]]], None] | None = None
    deferred: dict[tuple[str, str], Invalidation] | None = None
    finished = False
    _streamed = False
    body: t.Any = ()

    start_response: StartResponse
    _write: t.Callable[[bytes], object]
    _repeat: t.Callable[[list[Invalidation]], None]

    def __call__(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: t.Any = None,
    ) -> t.Callable[[bytes], object]:
        """The ``start_response`` for Flask.

        Some servers send the headers from within their own ``start_response``: an answer
        without a body would be out before pages are invalidated for the second time.
        """
        if self.has_work and not self.released:
            self.started = (status, headers)
            if self.page_request is not None or self.served is not None:
                return _swallow
            if self.follow is not None:
                self.follow(status, headers)
            return self._write_early
        if exc_info is not None:
            return self.start_response(status, headers, exc_info)
        return self.start_response(status, headers)

    def answer_with(
        self,
        page_request: PageRequest,
        *,
        has_session: bool,
        decided: Decision | None = None,
    ) -> None:
        """Have the middleware answer with *page_request* when Flask has finished.

        :param decided: the Engine's decision, if it is known already.
        """
        self.page_request = page_request
        self.decided = decided
        self.has_session = has_session
        self.has_work = True

    def answered_with(self, serve: ServeEntry) -> None:
        """Tell the middleware that the view answered with *serve*."""
        self.served = serve
        self.has_work = True

    def postpone(
        self,
        invalidations: t.Sequence[Invalidation],
        run_deferred: t.Callable[[list[Invalidation]], None],
    ) -> None:
        """Have *run_deferred* called with *invalidations* when Flask has finished;
        duplicates merge."""
        self._repeat = run_deferred
        first = self.deferred is None
        deferred = self.deferred or {}
        for item in invalidations:
            deferred.setdefault((item.tag, item.mode), item)
        # Set again: another thread may have ended the request meanwhile.
        self.deferred = deferred
        self.has_work = True
        if self.finished:
            # Another thread ended the request meanwhile.
            self.run_deferred()
        elif first and has_request_context():
            after_this_request(self._note)

    def _note(self, response: Response) -> Response:
        self._streamed = response.is_streamed
        return response

    @property
    def streamed(self) -> bool:
        """Whether the body is generated while it is sent, as far as can be told."""
        if self._streamed or self.started is None:
            return self._streamed
        status, headers = self.started
        # Werkzeug sets the length of every complete body; a 204 or 304 has no body.
        return not status.startswith(("204", "304")) and not any(
            name.lower() == "content-length" for name, _ in headers
        )

    def release(self, *, complete: bool) -> None:
        """Send an answer that was kept back, after the pending invalidations. It goes ahead
        of them if its body is still being generated.

        :param complete: whether the body is known to be complete.
        """
        if complete or not self.streamed:
            self.run_deferred()
        if not self.released:
            self._start()

    def _start(self) -> None:
        self.released = True
        self.follow = None
        if self.started is not None:
            self._write = self.start_response(*self.started)

    def _write_early(self, data: bytes) -> object:
        """Be the ``write`` of an answer that is kept back, and send it: more follows."""
        if not self.released:
            self._start()
        return self._write(data)

    def run_deferred(self) -> None:
        """Repeat the pending invalidations."""
        deferred, self.deferred = self.deferred, None
        if deferred:
            self._repeat(list(deferred.values()))

    def finish(self) -> None:
        """Repeat the request's invalidations, now that Flask has finished with it and its
        transactions are closed."""
        self.finished = True
        if self.has_work:
            self.run_deferred()

    def __iter__(self) -> t.Iterator[bytes]:
        return self._to_the_end() if self.has_work else iter(self.body)

    def _to_the_end(self) -> t.Iterator[bytes]:
        try:
            yield from self.body
        finally:
            # Before the visitor sees the end; and some servers close no body.
            self.close()

    def close(self) -> None:
        """Close the body, and repeat what waited for the end of the request."""
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        finally:
            self.body = ()
            self.finished = True
            if self.has_work:
                self.run_deferred()
