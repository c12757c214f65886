"""Renders that break, hang or vanish: the last good page survives, and it heals."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
import typing as t
from pathlib import Path

import pytest

from flask_isr.core.decision import Decision
from flask_isr.core.decision import RunView
from flask_isr.core.decision import SendError
from flask_isr.core.decision import ServeEntry
from flask_isr.core.freshness import Lifetime
from flask_isr.core.key import path_tag
from flask_isr.core.outcome import Failed
from flask_isr.core.outcome import NotStorable
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import Rendered
from flask_isr.core.outcome import SealedError
from flask_isr.testing.store_kit.records import FOX
from tests.support import PATIENCE
from tests.support import Clock
from tests.support import Gate
from tests.support import InThread

from .conftest import MakeProcess
from .process import TAG
from .process import Process
from .process import Source
from .process import held
from .process import target
from .process import told

pytestmark = pytest.mark.promise(3)

_ERROR = SealedError(503, (("Content-Type", "text/plain"),), b"the CMS is down")


def fails(page: Rendered) -> Outcome:
    """A render that ends in an error page."""
    return Failed("status 503", _ERROR)


def raises(page: Rendered) -> Outcome:
    """A render that raises."""
    raise LookupError("no such fox")


def detail(answer: Decision) -> str | None:
    """What a visitor with a stale page is told of it."""
    assert isinstance(answer, ServeEntry)
    assert answer.state == "STALE"
    return answer.detail


@pytest.mark.parametrize(
    ("act", "cause"),
    [(fails, "status 503"), (raises, "LookupError: no such fox")],
    ids=["fails", "raises"],
)
def test_the_last_good_page_survives_a_failing_render(
    process: Process,
    source: Source,
    clock: Clock,
    act: t.Callable[[Rendered], Outcome],
    cause: str,
) -> None:
    """The old page is served, nobody hammers the source, and it heals by itself."""
    process.visit()
    process.expire()
    source.text, source.script = "second", [act]
    for _ in range(5):
        assert told(process.visit()) == ("STALE", "first")
    assert source.renders == 2
    failure = process.store.failure(FOX)
    assert failure is not None
    assert (failure.cause, failure.count, failure.retry_at) == (cause, 1, clock.now + 1)
    assert f"failed /animals/fox: {cause}" in process.journal.lines
    clock.advance(1)
    process.visit()
    process.settle()
    assert told(process.visit()) == ("HIT", "second")
    assert process.store.failure(FOX) is None


def test_a_page_that_only_got_old_tells_that_its_render_failed(
    make_process: MakeProcess, source: Source, clock: Clock
) -> None:
    """Until the next attempt is due, and in each process that learned of it."""
    here, there = make_process(), make_process()
    source.lifetime = Lifetime(60)
    here.visit()
    clock.advance(61)
    source.script = [fails, fails]
    told = []
    for process in (here, here, there, there):
        told.append(detail(process.visit()))
        process.settle()
    clock.advance(1)
    told.append(detail(here.visit()))
    here.settle()
    clock.advance(2)
    here.visit()
    here.settle()
    clock.advance(61)
    told.append(detail(here.visit()))

    assert told == [None, "error", None, "error", None, None]


def test_what_is_no_failure_is_told_as_none(
    process: Process, source: Source, clock: Clock
) -> None:
    """An answer that the view has to give, and a failure that was mended meanwhile."""
    source.lifetime = Lifetime(60)
    process.visit()
    clock.advance(61)
    source.script = [lambda page: NotStorable("status-418")]
    told = []
    for _ in range(2):
        told.append(detail(process.visit()))
        process.settle()
    clock.advance(2)
    source.script = [fails]
    process.visit()
    process.settle()
    process.engine.blocking_renders.build(target(), force=True)
    process.store.invalidate(stale=[TAG])
    told.append(detail(process.visit()))

    assert told == [None, None, None]


def test_the_back_off_is_shared_by_all_processes(
    make_process: MakeProcess, source: Source, clock: Clock
) -> None:
    """However many processes ask, a page that fails is tried once per pause; the pauses
    double to a minute, and none of it alters the page."""
    processes = [make_process() for _ in range(3)]
    processes[0].visit()
    good = processes[0].store.load(FOX, processes[0].store.current_version())
    processes[0].expire()
    source.script = [fails] * 20
    pauses = []
    for attempt in range(1, 9):
        for process in (processes[attempt % 3], *processes, *processes):
            assert told(process.visit()) == ("STALE", "first")
            process.settle()
        assert source.renders == 1 + attempt
        failure = processes[0].store.failure(FOX)
        assert failure is not None
        pauses.append(failure.retry_at - clock.now)
        clock.advance(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    now = processes[0].store.load(FOX, processes[0].store.current_version())
    assert good is not None
    assert now is not None
    assert now.record == good.record


def test_a_stale_page_that_fails_is_served_on(
    make_process: MakeProcess, source: Source, clock: Clock
) -> None:
    """A refresh that breaks behind a visitor's back is put off for all processes."""
    source.lifetime = Lifetime(60)
    here, there = make_process(), make_process()
    here.visit()
    clock.advance(61)
    source.script = [fails]
    for _ in range(3):
        for process in (here, there):
            assert told(process.visit()) == ("STALE", "first")
            process.settle()
    assert source.renders == 2


def test_invalidating_a_page_forgets_its_back_off(
    process: Process, source: Source, clock: Clock
) -> None:
    """A page that failed long is tried at once after its own invalidation, and should it
    fail once more, the pauses begin anew."""
    process.visit()
    process.expire()
    source.script = [fails] * 6
    for _ in range(5):
        process.visit()
        process.settle()
        clock.advance(60)
    assert source.renders == 6
    process.visit()
    process.settle()
    source.script = [fails]
    process.expire(path_tag(FOX.path))
    assert told(process.visit()) == ("STALE", "first")
    assert source.renders == 8
    failure = process.store.failure(FOX)
    assert failure is not None
    assert (failure.count, failure.retry_at) == (1, clock.now + 1)


def test_who_comes_after_an_invalidation_of_the_page_itself_waits_for_the_new_one(
    process: Process, source: Source
) -> None:
    """The failures before it are forgotten: an editor who mended the page sees it."""
    process.visit()
    process.expire()
    source.script = [fails]
    assert told(process.visit()) == ("STALE", "first")
    source.text = "second"
    process.expire(path_tag(FOX.path))
    assert told(process.visit()) == ("MISS", "second")


def test_only_one_visitor_waits_for_a_render_that_hangs(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """With a last good page one waits as long as one may; the others learn from him."""
    process = make_process(wait=0.25)
    process.visit()
    process.expire()
    source.script = [held(gates[0])]
    started = time.monotonic()
    answers = [told(process.visit()) for _ in range(200)]
    assert answers == [("STALE", "first")] * 200
    assert 0.25 <= time.monotonic() - started < 10  # 50 if each of them waited
    assert source.renders == 2


def test_a_render_over_time_has_failed_until_it_returns(
    make_process: MakeProcess, source: Source, clock: Clock, gates: list[Gate]
) -> None:
    """Its lease is void, the page rests; when it comes after all, its page is taken."""
    here, there = make_process(wait=0.1), make_process(wait=0.1)
    here.visit()
    here.expire()
    source.text, source.script = "second", [held(gates[0])]
    here.visit()
    gates[0].wait()
    clock.advance(60)
    for process in (there, here, there):
        assert told(process.visit()) == ("STALE", "first")
    assert source.renders == 2
    failure = here.store.failure(FOX)
    assert failure is not None
    assert "no result after 60 seconds" in failure.cause
    gates[0].open()
    here.settle()
    assert told(here.visit()) == ("HIT", "second")
    assert told(there.visit()) == ("HIT", "second")
    assert here.store.failure(FOX) is None


def test_a_render_over_time_is_told(
    make_process: MakeProcess, source: Source, clock: Clock, gates: list[Gate]
) -> None:
    """Whoever finds it reports the failure: people must learn of a source that hangs."""
    process = make_process(wait=0.1)
    process.visit()
    process.expire()
    source.script = [held(gates[0])]
    process.visit()
    clock.advance(60)
    process.visit()
    line = "failed /animals/fox: no result after 60 seconds"
    assert process.journal.lines.count(line) == 1


def test_after_a_failure_nobody_waits_for_the_next_attempt(
    process: Process, source: Source, clock: Clock, gates: list[Gate]
) -> None:
    """While the last attempt has failed, the last good page is served at once, also by
    whoever sets off the next attempt."""
    process.visit()
    process.expire()
    source.script = [fails, held(gates[0])]
    process.visit()
    clock.advance(1)
    visitor = InThread(process.visit)
    gates[0].wait()
    visitor.join(1.0)
    answered_while_it_ran = not visitor.is_alive()
    gates[0].open()
    visitor.result()
    assert answered_while_it_ran


def test_where_nothing_is_stored_those_who_waited_share_the_error(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """The leader's request goes to the view; a failing source is not stampeded."""
    here, there = make_process(), make_process()

    def act(page: Rendered) -> Outcome:
        gates[0].pass_through()
        return fails(page)

    source.script = [act]
    leader = here.visitor()
    gates[0].wait()
    followers = [here.visitor(), there.visitor(), here.visitor()]
    gates[0].open()
    assert leader.result() == RunView("error", strangers_fail=True)
    assert [one.result() for one in followers] == [SendError(_ERROR)] * 3
    assert here.visit() == there.visit() == SendError(_ERROR)
    assert source.renders == 1


def test_a_cold_page_is_back_soon_after_its_source(
    process: Process, source: Source, clock: Clock
) -> None:
    """With nothing to serve meanwhile the pause stays at its first step."""
    source.script = [fails] * 5
    for _ in range(5):
        assert process.visit() == RunView("error", strangers_fail=True)
        clock.advance(1)
    assert told(process.visit()) == ("MISS", "first")


def test_a_cold_page_whose_render_hangs_is_waited_for_until_its_lease_is_void(
    process: Process, source: Source, clock: Clock, gates: list[Gate]
) -> None:
    """Without a last good page one waits for the render, and not for ever."""
    source.script = [held(gates[0])]
    visitor = process.visitor()
    gates[0].wait()
    visitor.join(0.3)
    assert visitor.is_alive()
    clock.advance(60)
    assert visitor.result() == RunView("error")
    assert source.renders == 1


def test_a_failing_page_may_be_served_for_so_long_only(
    make_process: MakeProcess, source: Source, clock: Clock
) -> None:
    """Past its *expire* and the limit for errors, the last good page is withheld."""
    process = make_process(stale_if_error=600)
    source.lifetime = Lifetime(60, 120)
    process.visit()
    source.script = [fails] * 2
    clock.advance(720)
    assert told(process.visit()) == ("STALE", "first")
    clock.advance(1)
    answer = process.visit()
    assert answer in (RunView("error"), SendError(_ERROR))


@pytest.mark.promise(2)
def test_another_process_takes_over_when_the_renderer_is_killed(
    make_process: MakeProcess, source: Source, tmp_path: Path
) -> None:
    """SIGKILL in the middle of a render: those who wait get a page all the same."""
    program = f"""
        import sys, time
        from pathlib import Path
        from flask_isr.stores.sqlite.store import SQLiteStore
        from flask_isr.testing.store_kit.records import FOX

        store = SQLiteStore(Path({str(tmp_path / "isr")!r}), limit=10**9)
        store.acquire(FOX, FOX.implicit_tags, 10**9)
        print("rendering", flush=True)
        sys.stdin.read()
        """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as renderer:
        assert renderer.stdout is not None
        assert renderer.stdout.readline() == "rendering\n"
        visitor = make_process().visitor()
        assert source.renders == 0
        renderer.kill()
        renderer.wait(PATIENCE)
        assert told(visitor.result()) == ("MISS", "first")
