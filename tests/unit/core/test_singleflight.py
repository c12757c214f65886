"""Single flight: who joins a render of this process, and who leads the next."""

from __future__ import annotations

import pytest

from flask_isr.core.singleflight import CheckStore
from flask_isr.core.singleflight import Flight
from flask_isr.core.singleflight import SingleFlight
from flask_isr.core.singleflight import Succeeded
from flask_isr.core.store import Lease
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from flask_isr.testing.store_kit.records import entry
from tests.support import PATIENCE
from tests.support import InThread

pytestmark = pytest.mark.promise(2)

_PAGE = Succeeded(entry(FOX, 1), stored=True)


def _useful(flight: Flight) -> bool:
    return True


def _useless(flight: Flight) -> bool:
    return False


def _under_lease(flight: Flight, deadline: float) -> Flight:
    flight.lease = Lease(flight.key, "token", 1, 0.0, deadline)
    return flight


def test_the_first_leads_and_the_others_join() -> None:
    """Of all who want a page, one renders it."""
    flights = SingleFlight()
    first, leads = flights.join_or_start(FOX, 0.0, _useful)
    assert leads
    for _ in range(3):
        assert flights.join_or_start(FOX, 0.0, _useful) == (first, False)


def test_only_one_of_many_threads_leads() -> None:
    """Threads that come at the same moment find one leader among them."""
    flights = SingleFlight()
    threads = [
        InThread(lambda: flights.join_or_start(FOX, 0.0, _useful)) for _ in range(20)
    ]
    boarded = [thread.result() for thread in threads]
    assert sum(leads for _, leads in boarded) == 1
    assert len({id(flight) for flight, _ in boarded}) == 1


def test_pages_have_flights_of_their_own() -> None:
    """Nobody waits for another page."""
    flights = SingleFlight()
    flights.join_or_start(FOX, 0.0, _useful)
    _, leads = flights.join_or_start(OWL, 0.0, _useful)
    assert leads


def test_a_flight_that_landed_takes_nobody_on_board() -> None:
    """Who comes after the landing leads a flight of his own."""
    flights = SingleFlight()
    first, _ = flights.join_or_start(FOX, 0.0, _useful)
    flights.finish(first, _PAGE)
    second, leads = flights.join_or_start(FOX, 0.0, _useful)
    assert leads
    assert second is not first


def test_all_who_wait_hear_of_the_landing() -> None:
    """One landing answers everybody on board, and those who look later."""
    flight, _ = SingleFlight().join_or_start(FOX, 0.0, _useful)
    waiting = [InThread(lambda: flight.wait(PATIENCE)) for _ in range(5)]
    flight.finish(_PAGE)
    assert [thread.result() for thread in waiting] == [_PAGE] * 5
    assert flight.wait(0) is _PAGE


def test_waiting_ends_with_the_patience() -> None:
    """Who waited long enough is told that nothing is known, and is not counted any more."""
    flight, _ = SingleFlight().join_or_start(FOX, 0.0, _useful)
    assert flight.wait(0.001) is None
    assert flight.waiting == 0


def test_a_flight_that_began_too_early_gets_one_successor() -> None:
    """Of a page that expires all the time two renders run, and no third."""
    flights = SingleFlight()
    first, _ = flights.join_or_start(FOX, 0.0, _useless)
    second, leads = flights.join_or_start(FOX, 0.0, _useless)
    assert leads
    assert second is not first
    for _ in range(3):
        assert flights.join_or_start(FOX, 0.0, _useless) == (second, False)
    flights.finish(first, _PAGE)
    third, leads = flights.join_or_start(FOX, 0.0, _useless)
    assert leads
    assert flights.join_or_start(FOX, 0.0, _useless) == (third, False)


def test_no_third_render_runs_while_the_first_is_slow() -> None:
    """A slow first render counts as running also after its successor has landed."""
    flights = SingleFlight()
    flights.join_or_start(FOX, 0.0, _useless)
    second, _ = flights.join_or_start(FOX, 0.0, _useless)
    flights.finish(second, _PAGE)
    third, leads = flights.join_or_start(FOX, 0.0, _useless)
    assert leads
    assert flights.join_or_start(FOX, 0.0, _useless) == (third, False)


def test_the_landing_of_an_old_flight_leaves_its_successor_in_the_air() -> None:
    """Renders that finish in any order do not make others lead once more."""
    flights = SingleFlight()
    first, _ = flights.join_or_start(FOX, 0.0, _useful)
    second, _ = flights.join_or_start(FOX, 0.0, _useless)
    flights.finish(first, CheckStore())
    assert flights.join_or_start(FOX, 0.0, _useful) == (second, False)


def test_a_flight_over_its_deadline_is_given_up() -> None:
    """Nobody joins a render whose lease is void by time; the next one leads."""
    flights = SingleFlight()
    first, _ = flights.join_or_start(FOX, 0.0, _useful)
    _under_lease(first, deadline=60.0)
    assert flights.join_or_start(FOX, 59.9, _useful) == (first, False)
    assert flights.get(FOX, 60.0) is None
    _, leads = flights.join_or_start(FOX, 60.0, _useful)
    assert leads


def test_a_flight_that_was_given_up_may_still_land() -> None:
    """A render that comes late tells those who still wait, and ends no other flight."""
    flights = SingleFlight()
    first, _ = flights.join_or_start(FOX, 0.0, _useful)
    _under_lease(first, deadline=60.0)
    second, _ = flights.join_or_start(FOX, 61.0, _useful)
    flights.finish(first, _PAGE)
    assert first.wait(0) is _PAGE
    assert flights.get(FOX, 61.0) is second
