"""What visitors get: from the store, from one render, or from a render elsewhere."""

from __future__ import annotations

import threading
import typing as t

import pytest

from flask_isr.core import singleflight
from flask_isr.core.decision import RunView
from flask_isr.core.entry import Entry
from flask_isr.core.entry import Record
from flask_isr.core.freshness import Lifetime
from flask_isr.core.key import PageKey
from flask_isr.core.outcome import NotStorable
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import PerVisitor
from flask_isr.core.outcome import Rendered
from flask_isr.core.store import BackingOff
from flask_isr.core.store import Lease
from flask_isr.core.store import LeaseExpired
from flask_isr.core.store import LeaseHeld
from flask_isr.core.store import Stored
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from tests.support import Clock
from tests.support import Gate
from tests.support import InThread

from .conftest import MakeProcess
from .process import Process
from .process import Source
from .process import WatchedStore
from .process import held
from .process import told


@pytest.mark.promise(2)
def test_a_page_is_rendered_once_and_then_served(
    process: Process, source: Source
) -> None:
    """The first visitor gets a new page, all others the stored one."""
    assert told(process.visit()) == ("MISS", "first")
    source.text = "second"
    assert told(process.visit()) == ("HIT", "first")
    assert source.renders == 1


@pytest.mark.promise(2)
def test_a_page_is_rendered_once_for_all_processes(
    make_process: MakeProcess, source: Source
) -> None:
    """What one process rendered, the others find."""
    assert told(make_process().visit()) == ("MISS", "first")
    assert told(make_process().visit()) == ("HIT", "first")
    assert source.renders == 1


@pytest.mark.promise(2)
def test_all_who_ask_for_a_cold_page_share_one_render(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """Visitors of several processes wait for one render, and all of them get it."""
    source.script = [held(gates[0])]
    processes = [make_process() for _ in range(3)]
    visitors = [process.visitor() for process in processes for _ in range(10)]
    gates[0].wait()
    gates[0].open()
    answers = [told(visitor.result()) for visitor in visitors]
    assert answers == [("MISS", "first")] * 30
    assert source.renders == 1


@pytest.mark.promise(1, 2)
def test_a_stale_page_is_served_at_once_while_one_render_runs(
    make_process: MakeProcess, source: Source, clock: Clock, gates: list[Gate]
) -> None:
    """Nobody waits for a refresh, in any process, and only one runs."""
    source.lifetime = Lifetime(60)
    here, there = make_process(), make_process()
    here.visit()
    clock.advance(61)
    source.text, source.script = "second", [held(gates[0])]
    assert told(here.visit()) == ("STALE", "first")
    gates[0].wait()
    for process in (here, there) * 20:
        assert told(process.visit()) == ("STALE", "first")
    there.settle()
    gates[0].open()
    here.settle()
    assert told(here.visit()) == ("HIT", "second")
    assert told(there.visit()) == ("HIT", "second")
    assert source.renders == 2


@pytest.mark.promise(1)
def test_a_page_made_stale_is_served_once_more_and_renewed(
    process: Process, source: Source
) -> None:
    """Mode *stale*: the old page, and the new one once the refresh is done."""
    process.visit()
    source.text = "second"
    process.store.invalidate(stale=[*source.tags])
    assert told(process.visit()) == ("STALE", "first")
    process.settle()
    assert told(process.visit()) == ("HIT", "second")


def test_an_expired_page_is_rendered_before_it_is_served(
    process: Process, source: Source, clock: Clock
) -> None:
    """Beyond *expire* the visitor waits for the new page."""
    source.lifetime = Lifetime(60, 600)
    process.visit()
    clock.advance(601)
    source.text = "second"
    assert told(process.visit()) == ("MISS", "second")


def test_all_who_ask_for_an_expired_page_are_told_that_it_was_there(
    process: Process, source: Source, gates: list[Gate]
) -> None:
    """Also those who share the render of another."""
    process.visit()
    process.expire()
    source.script = [held(gates[0])]
    first = first_in_line(process, gates[0])
    second = process.visitor()
    gates[0].open()
    answers = [visitor.result() for visitor in (first, second)]

    assert [(answer.forward, answer.detail) for answer in answers] == [
        ("stale", None),
        ("stale", "collapsed"),
    ]


def test_a_page_of_the_other_serving_level_is_a_miss(
    process: Process, source: Source
) -> None:
    """A page captured for one level is not served at the other, but rendered anew."""
    process.visit(level="wsgi")
    source.text, source.level = "with hooks", "view"
    assert told(process.visit(level="view")) == ("MISS", "with hooks")
    assert told(process.visit(level="view")) == ("HIT", "with hooks")


def test_renders_that_are_of_no_use_to_a_visitor_end(
    process: Process, source: Source
) -> None:
    """Where each comes out at the other serving level: he is not kept for ever."""
    assert process.visit(level="view") == RunView("contended")
    assert source.renders <= 3

    source.level = "view"
    process.visit(OWL, level="view")
    process.expire()
    source.level = "wsgi"
    assert process.visit(OWL, level="view") == RunView("contended")


def test_a_render_that_cannot_be_carried_through_is_left_to_the_view(
    make_process: MakeProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """By a fault of ours, which is told; the next one is tried as if it had not been."""

    class FaultyStore(WatchedStore):
        faults = 1

        def put(self, record: Record) -> Stored | None:
            if self.faults:
                self.faults -= 1
                raise AssertionError("our fault")
            return super().put(record)

    process = make_process(store=FaultyStore)
    assert process.visit() == RunView("internal-error")
    assert "was given up" in caplog.text
    assert told(process.visit()) == ("MISS", "first")


def test_a_render_on_the_visitors_own_stack_answers_him(
    process: Process, source: Source
) -> None:
    """Where no request is live, a cold page costs no other thread."""
    seen: list[threading.Thread] = []

    def act(page: Rendered) -> Outcome:
        seen.append(threading.current_thread())
        return page

    source.script = [act, act]
    assert told(process.visit(own_stack=True)) == ("MISS", "first")
    process.expire()
    process.visit(own_stack=False)
    assert seen[0] is threading.current_thread()
    assert seen[1] is not threading.current_thread()


def test_a_page_that_is_personal_is_dropped_everywhere(
    make_process: MakeProcess, source: Source, clock: Clock
) -> None:
    """Not the same for everybody: the copy goes in all processes, the view answers."""
    source.lifetime = Lifetime(60)
    here, there = make_process(), make_process()
    here.visit()
    there.visit()
    clock.advance(61)
    source.script = [lambda page: PerVisitor("set-cookie")]
    here.visit()
    here.settle()
    assert here.visit() == RunView("set-cookie")
    assert there.visit() == RunView("set-cookie")
    assert source.renders == 2


@pytest.mark.promise(1)
def test_a_personal_page_is_tried_again_behind_a_visitor(
    process: Process, source: Source, clock: Clock
) -> None:
    """After a minute, and each time later, a probe finds out whether it still is."""
    source.script = [lambda page: PerVisitor("set-cookie")] * 2
    assert process.visit() == RunView("set-cookie")
    clock.advance(59)
    process.visit()
    process.settle()
    assert source.renders == 1
    clock.advance(2)
    assert process.visit() == RunView("set-cookie")
    process.settle()
    assert source.renders == 2
    clock.advance(61)
    process.visit()
    process.settle()
    assert source.renders == 2  # two minutes this time
    clock.advance(60)
    process.visit()
    process.settle()
    assert told(process.visit()) == ("HIT", "first")


def test_an_answer_that_is_no_page_is_left_to_the_view(
    process: Process, source: Source
) -> None:
    """Declined: the view answers, the stored copy stays."""
    process.visit()
    process.expire()
    source.script = [lambda page: NotStorable("status-418")]
    assert process.visit() == RunView("status-418")
    stored = process.store.load(FOX, process.store.current_version())
    assert stored is not None
    assert isinstance(stored.record, Entry)
    assert stored.record.body == b"first"
    assert "declined /animals/fox: status-418" in process.journal.lines


@pytest.mark.promise(2)
def test_a_visitor_waits_for_the_render_of_another_process(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """He gets what it brings, and renders nothing himself."""
    here, there = make_process(), make_process()
    source.script = [held(gates[0])]
    first = here.visitor()
    gates[0].wait()
    second = there.visitor()
    source.text = "second"
    gates[0].open()
    assert told(first.result()) == ("MISS", "first")
    assert told(second.result()) == ("MISS", "first")
    assert source.renders == 1


@pytest.mark.promise(2)
def test_the_next_one_renders_when_the_renderers_thread_is_ended(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """A server that ends a thread in the middle of a render holds up nobody."""

    class ThreadEnds(BaseException):
        pass

    def act(page: Rendered) -> Outcome:
        gates[0].pass_through()
        raise ThreadEnds

    source.script = [act]
    here, there = make_process(), make_process()
    first = InThread(lambda: here.visit(own_stack=True))
    gates[0].wait()
    same, second = here.visitor(), there.visitor()
    gates[0].open()
    assert told(second.result()) == ("MISS", "first")
    assert same.result() == RunView("interrupted")
    first.join()
    assert told(here.visit()) == ("HIT", "first")


@pytest.mark.promise(2)
def test_who_gets_the_lease_after_another_has_stored_the_page_renders_nothing(
    make_process: MakeProcess, source: Source
) -> None:
    """Between a look at the store and a lease another process may be faster."""
    there = make_process()

    class OvertakenStore(WatchedStore):
        def acquire(
            self, key: PageKey, tags: t.Collection[str], lifetime: float
        ) -> Lease | LeaseHeld | BackingOff | LeaseExpired:
            told(there.visit())
            return super().acquire(key, tags, lifetime)

    here = make_process(store=OvertakenStore)
    assert told(here.visit()) == ("MISS", "first")
    assert source.renders == 1
    assert not there.store.busy(FOX, FOX.implicit_tags)


def first_in_line(process: Process, gate: Gate) -> InThread:
    """A visitor who leads a render, which stands at *gate*, and waits for it."""
    visitor = process.visitor()
    gate.wait()
    flights, now = process.engine._coordinator._flights, process.store.now()
    while not (flight := flights.get(FOX, now)) or not flight.waiting:
        assert visitor.is_alive()
    return visitor


class TestCrowds:
    """More visitors than may wait, and more renders than there are threads."""

    @pytest.mark.promise(7)
    def test_beyond_their_number_visitors_do_not_wait(
        self,
        process: Process,
        source: Source,
        gates: list[Gate],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Of a page that is not stored, they are sent to the view."""
        monkeypatch.setattr(singleflight, "_WAITING", 1)
        source.script = [held(gates[0])]
        first = first_in_line(process, gates[0])

        assert process.visit() == RunView("crowded")
        gates[0].open()
        assert told(first.result()) == ("MISS", "first")

    @pytest.mark.promise(1)
    def test_who_may_not_wait_gets_the_last_good_page(
        self,
        process: Process,
        source: Source,
        gates: list[Gate],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The view would hang where its render does."""
        process.visit(own_stack=True)
        process.expire()
        monkeypatch.setattr(singleflight, "_WAITING", 1)
        source.script = [held(gates[0])]
        first = first_in_line(process, gates[0])

        assert told(process.visit()) == ("STALE", "first")
        gates[0].open()
        first.result()

    @pytest.mark.promise(1)
    def test_without_a_thread_the_last_good_page_is_served(
        self, process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And of a page that is not stored the view answers."""
        process.visit(own_stack=True)
        process.expire()
        monkeypatch.setattr(process.runner, "spawn", lambda job: False)

        assert told(process.visit()) == ("STALE", "first")
        assert process.visit(OWL) == RunView("no-thread")
