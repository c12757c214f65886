"""Flask-ISR switched on for one test."""

from __future__ import annotations

import dataclasses
import types
import typing as t

from flask import Flask
from werkzeug.wrappers import Response

from .. import signals
from ..runtime import Runtime
from ..stores.memory import MemoryStore
from .clock import Clock
from .runner import AtOnce

CacheState: t.TypeAlias = t.Literal["HIT", "STALE", "MISS", "BYPASS"]

_MEANING: t.Final[t.Mapping[str | None, str]] = {
    "HIT": "it came from the store, and is fresh",
    "STALE": "it came from the store, and is not fresh",
    "MISS": "it was rendered for this visitor, and stored",
    "BYPASS": "the view answered, and nothing was stored",
    None: "no view with @static_page answered",
}


class ISRTester:
    """Serves the static pages of *app* as in production, inside a ``with`` block.

    Pages are kept in memory, and none is there at first. Background work is done when the
    visitor's answer is there. Time passes by :attr:`clock` alone. Afterwards the
    application is as it was, so that one application serves any number of tests, one after
    the other. Nothing else of it is changed: ``TESTING``, hooks and database are its own.

    :param app: an application with Flask-ISR, before or after its first request.
    :raises RuntimeError: if it has no Flask-ISR; on entry, if it is in a tester already.
    """

    def __init__(self, app: Flask) -> None:
        before = app.extensions.get("isr")
        if not isinstance(before, Runtime):
            raise RuntimeError(
                f"the application {app.name!r} has no Flask-ISR: create it with ISR(app)."
            )
        self._app = app
        self._before = before
        #: The time that pages are judged by; advance it to let pages grow old.
        self.clock = Clock()
        #: The paths that were rendered and stored, in order; a list to clear at will.
        self.renders: list[str] = []
        #: The paths whose render failed, in order.
        self.failures: list[str] = []
        #: The paths and tags that were invalidated, in order; an invalidation that a
        #: request made is listed once.
        self.revalidated: list[str] = []

    def __enter__(self) -> t.Self:
        before: Runtime = self._app.extensions["isr"]
        if before.application.exclusive:
            raise RuntimeError(
                f"the application {self._app.name!r} is in an ISRTester already: leave that"
                " one first."
            )
        self._before = before
        settings = dataclasses.replace(
            before.settings, enabled=True, runner=AtOnce(), cache=None, sign=False
        )
        runtime = before.elsewhere(settings, MemoryStore(self.clock), self.clock)
        runtime.serve_in(before.middleware)
        for signal, receiver in self._receivers():
            signal.connect(receiver, self._app)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        for signal, receiver in self._receivers():
            signal.disconnect(receiver, self._app)
        self._before.serve_in(self._before.middleware)

    def _receivers(self) -> list[tuple[t.Any, t.Callable[..., None]]]:
        return [
            (signals.page_rendered, self._note_render),
            (signals.render_failed, self._note_failure),
            (signals.revalidated, self._note_revalidation),
        ]

    def _note_render(self, app: Flask, *, path: str, **rest: t.Any) -> None:
        self.renders.append(path)

    def _note_failure(self, app: Flask, *, path: str, **rest: t.Any) -> None:
        self.failures.append(path)

    def _note_revalidation(
        self, app: Flask, *, paths: list[str], tags: list[str], **rest: t.Any
    ) -> None:
        self.revalidated += [*paths, *tags]

    # -- answers ----------------------------------------------------------------------

    def assert_hit(self, response: Response) -> None:
        """Assert that *response* came from the store, and is fresh."""
        _assert_state(response, "HIT")

    def assert_stale(self, response: Response) -> None:
        """Assert that *response* came from the store, and was not fresh any more."""
        _assert_state(response, "STALE")

    def assert_miss(self, response: Response) -> None:
        """Assert that *response* was rendered for its visitor, and stored."""
        _assert_state(response, "MISS")

    def assert_bypass(self, response: Response) -> None:
        """Assert that the view answered with *response*, and nothing was stored."""
        _assert_state(response, "BYPASS")


def _assert_state(response: Response, expected: CacheState) -> None:
    __tracebackhide__ = True
    found = response.headers.get("X-ISR-Cache")
    if found == expected:
        return
    request = getattr(response, "request", None)
    asked = "the answer" if request is None else f"{request.method} {request.path}"
    raise AssertionError(
        f"{asked} is {found or 'no static page'} ({_MEANING.get(found, '?')}), and not"
        f" {expected} ({_MEANING[expected]}). Status: {response.status}; Cache-Status:"
        f" {response.headers.get('Cache-Status', 'none')}."
    )
