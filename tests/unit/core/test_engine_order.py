"""Invalidations before, during and after renders: never old content as fresh."""

from __future__ import annotations

import threading

import pytest

from flask_isr.core.decision import ServeEntry
from flask_isr.core.key import user_tag
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import Rendered
from flask_isr.core.store import Lease
from flask_isr.testing.store_kit.records import OWL
from tests.support import PATIENCE
from tests.support import Gate
from tests.support import InThread

from .conftest import MakeProcess
from .process import TAG
from .process import Process
from .process import Source
from .process import WatchedStore
from .process import held
from .process import told

pytestmark = pytest.mark.promise(4)


def test_a_page_expired_before_a_visit_is_never_served_as_it_was(
    make_process: MakeProcess, source: Source
) -> None:
    """Once an invalidation has returned in one process, no other serves the old page."""
    here, there = make_process(), make_process()
    here.visit()
    there.visit()
    source.text = "second"
    here.expire()
    assert told(there.visit()) == ("MISS", "second")
    assert told(here.visit()) == ("HIT", "second")
    assert source.renders == 2


def test_who_arrives_after_an_invalidation_does_not_get_the_render_before_it(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """A render that read the old data satisfies who came before, and nobody after."""
    here, there = make_process(), make_process()
    source.script = [held(gates[0]), held(gates[1])]
    early = here.visitor()
    gates[0].wait()
    source.text = "second"
    there.expire()
    late = [here.visitor(), there.visitor(), here.visitor()]
    gates[1].wait()
    gates[0].open()
    assert told(early.result()) == ("MISS", "first")
    gates[1].open()
    assert [told(visitor.result()) for visitor in late] == [("MISS", "second")] * 3
    assert told(here.visit()) == ("HIT", "second")
    assert source.renders == 2


def test_the_late_visitor_does_not_wait_for_the_early_render(
    process: Process, source: Source, gates: list[Gate]
) -> None:
    """A render that is no good to him is not waited for: a second one runs beside it,
    and whoever waits for the first gets the newer page."""
    source.script = [held(gates[0])]
    early = process.visitor()
    gates[0].wait()
    source.text = "second"
    process.expire()
    assert told(process.visit()) == ("MISS", "second")
    gates[0].open()
    assert told(early.result()) == ("MISS", "second")


def test_who_joins_a_render_that_was_made_stale_is_told_so(
    process: Process, source: Source, gates: list[Gate]
) -> None:
    """Nothing is stored yet, so that a visitor waits for the render that runs: it read the
    old data before they came."""
    source.script = [held(gates[0])]
    early = process.visitor()
    gates[0].wait()
    source.text = "second"
    process.store.invalidate(stale=[TAG])
    late = process.visitor()
    gates[0].open()
    assert told(early.result()) == ("MISS", "first")
    assert told(late.result()) == ("STALE", "first")


def test_a_tag_discovered_late_in_a_render_is_judged_right(
    process: Process, source: Source, gates: list[Gate]
) -> None:
    """Nobody knew the tag when it expired; the page that turns out to carry it is old."""
    late_tag = user_tag("discovered while rendering")
    source.tags |= {late_tag}
    source.script = [held(gates[0])]
    early = process.visitor()
    gates[0].wait()
    source.text = "second"
    process.expire(late_tag)
    late = process.visitor()
    gates[0].open()
    assert told(early.result()) == ("MISS", "first")
    assert told(late.result()) == ("MISS", "second")
    assert source.renders == 2


def test_an_unrelated_invalidation_splits_no_flight(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """Other pages may expire as they like: visitors still share one render."""
    here, there = make_process(), make_process()
    source.script = [held(gates[0])]
    visitors = [here.visitor()]
    gates[0].wait()
    for number in range(3):
        there.expire(user_tag(f"other {number}"))
        visitors += [here.visitor(), there.visitor()]
    gates[0].open()
    assert {told(visitor.result()) for visitor in visitors} == {("MISS", "first")}
    assert source.renders == 1


def test_of_two_renders_that_finish_in_the_wrong_order_the_newer_stays(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """A render that began earlier and ends later does not replace the newer page."""
    here, there = make_process(), make_process()
    source.script = [held(gates[0])]
    early = here.visitor()
    gates[0].wait()
    source.text = "second"
    there.expire()
    assert told(there.visit()) == ("MISS", "second")
    gates[0].open()
    early.result()
    for process in (here, there):
        assert told(process.visit()) == ("HIT", "second")
    assert source.renders == 2


def test_a_refresh_that_was_overtaken_by_an_invalidation_is_not_fresh(
    process: Process, source: Source, gates: list[Gate]
) -> None:
    """A background render that began before the invalidation does not hide it."""
    process.visit()
    process.store.invalidate(stale=[TAG])
    source.script = [held(gates[0])]
    assert told(process.visit()) == ("STALE", "first")
    gates[0].wait()
    source.text = "second"
    process.expire()
    gates[0].open()
    process.settle()
    assert told(process.visit()) == ("MISS", "second")


def test_what_expired_before_another_process_looked_is_no_hit_there(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """A page that expires right after its write, while another process waits for it, is
    good for those who waited and for nobody who comes later."""

    class ExpiringStore(WatchedStore):
        def release(self, lease: Lease) -> None:
            self.invalidate(expired=[TAG])
            super().release(lease)

    here, there = make_process(store=ExpiringStore), make_process()
    source.script = [held(gates[0])]
    early = [here.visitor()]
    gates[0].wait()
    early.append(there.visitor())
    gates[0].open()
    for visitor in early:
        assert told(visitor.result()) == ("MISS", "first")
    source.text = "second"
    assert told(there.visit()) == ("MISS", "second")


def test_a_queued_refresh_is_not_waited_for(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """Who must wait renders at once, though a refresh of the page is queued behind
    others in the background."""
    process = make_process(workers=1, wait=0.5)
    process.visit()
    process.visit(OWL)
    process.store.invalidate(stale=[TAG])
    source.script = [held(gates[0])]
    process.visit(OWL)
    gates[0].wait()
    assert told(process.visit()) == ("STALE", "first")  # its refresh is queued
    source.text = "second"
    process.expire()
    assert told(process.visit()) == ("MISS", "second")


def test_a_tag_that_expires_all_the_time_costs_a_visitor_two_renders_at_most(
    process: Process, source: Source, gates: list[Gate]
) -> None:
    """Each visitor gets a page from the render that ran when he came or the one after,
    and never more than two run."""
    source.script = [held(gate) for gate in gates[:3]]
    visitors = []
    for number in range(4):
        source.text = f"edition {number}"
        visitors.append(process.visitor())
        if number < 2:
            gates[number].wait()
        process.expire()
    assert source.renders == 2
    for number in range(2):
        gates[number].open()
        assert told(visitors[number].result()) == ("MISS", f"edition {number}")
    gates[2].wait()
    gates[2].open()
    for visitor in visitors[2:]:
        assert told(visitor.result()) == ("MISS", "edition 3")
    assert source.most == 2
    assert source.renders == 3


def test_a_page_that_expires_in_each_of_its_renders_is_still_served(
    make_process: MakeProcess, source: Source
) -> None:
    """No livelock: whoever asks is answered by a page of his time, in every process."""
    processes = [make_process(), make_process()]

    def act(page: Rendered) -> Outcome:
        processes[0].expire()
        return page

    source.script = [act] * 10_000

    def visit_often(process: Process) -> None:
        for _ in range(15):
            answer = process.visit()
            assert isinstance(answer, ServeEntry)
            assert answer.state in ("HIT", "MISS")

    threads = [InThread(lambda p=p: visit_often(p)) for p in processes * 3]  # type: ignore[misc]
    for thread in threads:
        thread.result()


def test_no_visitor_falls_behind_what_was_published_before_he_came(
    make_process: MakeProcess, source: Source
) -> None:
    """An editor publishes as fast as he can, four visitors in two processes read: what
    they get as fresh is never older than the last publication at their arrival."""
    processes = [make_process(), make_process()]
    published = 0
    source.text = "0"
    over = threading.Event()

    def edit() -> None:
        nonlocal published
        try:
            for number in range(1, 60):
                source.text = str(number)
                processes[number % 2].expire()
                published = number
        finally:
            over.set()

    def read(process: Process) -> int:
        visits = 0
        while not over.is_set() or visits < 10:
            known = published
            state, text = told(process.visit())
            assert state in ("HIT", "MISS")
            assert int(text) >= known
            visits += 1
        return visits

    readers = [InThread(lambda p=p: read(p)) for p in processes * 2]  # type: ignore[misc]
    edit()
    for reader in readers:
        assert reader.result() >= 10
    assert over.wait(PATIENCE)
    for process in processes:
        assert told(process.visit())[1] == "59"
