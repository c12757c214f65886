"""Tells tests who waits in a process."""

from __future__ import annotations

from flask_isr.core.singleflight import Flight
from flask_isr.core.singleflight import FlightResult

from .control import Control


def note_waiting(control: Control) -> None:
    """Have *control* told how many wait in this process. A visitor's wait begins anew each
    time that the store's clock is looked at, so that the last number told is right."""

    wait = Flight.wait

    def noted(flight: Flight, timeout: float) -> FlightResult | None:
        page = flight.key.path.rpartition("/")[2]
        control.note_waiting(page, flight.waiting + 1)
        return wait(flight, timeout)

    Flight.wait = noted  # type: ignore[assignment]
