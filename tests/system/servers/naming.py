"""Tells tests which process answered, and who waits in it."""

from __future__ import annotations

import os
import typing as t

from flask_isr.core.singleflight import Flight
from flask_isr.core.singleflight import FlightResult

from .control import Control

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment


class NameProcess:
    """Middleware that counts requests, and adds ``X-Process`` to each answer."""

    def __init__(self, inner: WSGIApplication, control: Control) -> None:
        self._inner = inner
        self._control = control

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Answer one request."""

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: t.Any = None
        ) -> t.Callable[[bytes], object]:
            named = [*headers, ("X-Process", str(os.getpid()))]
            return start_response(status, named, exc_info)

        self._control.note_visit()
        return self._inner(environ, start)


def note_waiting(control: Control) -> None:
    """Have *control* told how many wait in this process. A visitor's wait begins anew each
    time that the store's clock is looked at, so that the last number told is right."""

    wait = Flight.wait

    def noted(flight: Flight, timeout: float) -> FlightResult | None:
        page = flight.key.path.rpartition("/")[2]
        control.note_waiting(page, flight.waiting + 1)
        return wait(flight, timeout)

    Flight.wait = noted  # type: ignore[assignment]
