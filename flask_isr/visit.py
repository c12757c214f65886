"""One request on its way through the Front and Flask."""

from __future__ import annotations

import contextvars
import typing as t

from flask import has_request_context
from flask import request

from .core.answer import RunView
from .core.answer import Serve
from .core.answer import Target

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    from .capture import Capture

#: Where a request finds its visit in the WSGI environ.
VISIT = "flask_isr.visit"

#: The render that is going on in this context, if it is one.
current_capture: contextvars.ContextVar["Capture | None"] = contextvars.ContextVar(
    "flask_isr.capture", default=None
)


def rendering() -> bool:
    """Whether the code runs inside a sealed render: for rate limiters, analytics and
    hooks that must skip it."""
    return current_capture.get() is not None


def current_visit() -> Visit | None:
    """The visit of the current request, if the Front let it in."""
    if not has_request_context():
        return None
    return t.cast("Visit | None", request.environ.get(VISIT))


def _swallow(data: bytes) -> None:
    """Stand in for the ``write`` of an answer that nobody gets."""


class Visit:
    """What the Front, the decorated view and ``revalidate_*`` tell each other.

    It is also the ``start_response`` that Flask is given, and the body that is handed to
    the server where somebody must know when that is closed: one object for a request
    that has nothing to do with static pages.

    :ivar target: written by the decorated view: "answer with this page".
    :ivar verdict: read by the decorated view: what the Engine decided already.
    :ivar served: written by the decorated view: "I answered with this".
    :ivar started: status and headers of an answer that the Front keeps back, or that goes
        out while invalidations are pending.
    :ivar pending: invalidations to be repeated when Flask has finished.
    :ivar finished: whether that moment is over.
    """

    __slots__ = (
        "_start_response",
        "body",
        "finish",
        "finished",
        "pending",
        "served",
        "started",
        "target",
        "verdict",
    )

    def __init__(
        self,
        start_response: StartResponse,
        finish: t.Callable[[Visit], None],
        verdict: Serve | RunView | None = None,
    ) -> None:
        self._start_response = start_response
        self.finish = finish
        self.verdict = verdict
        self.target: Target | None = None
        self.served: Serve | None = None
        self.started: tuple[str, list[tuple[str, str]]] | None = None
        self.pending: list[t.Any] | None = None
        self.finished = False
        self.body: t.Any = None

    def start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: t.Any = None,
    ) -> t.Callable[[bytes], object]:
        """The ``start_response`` for Flask."""
        if self.target is None and self.served is None:
            if self.pending is not None:
                self.started = (status, headers)
            if exc_info is None:
                return self._start_response(status, headers)
            return self._start_response(status, headers, exc_info)
        self.started = (status, headers)
        return _swallow

    def __iter__(self) -> t.Iterator[bytes]:
        return iter(self.body)

    def close(self) -> None:
        """Close the body, and let what waited for the end of the request happen."""
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        finally:
            self.finish(self)
