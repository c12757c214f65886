"""Background work: bounded, refusing what is too much, replacing what hangs."""

from __future__ import annotations

import contextvars
import logging
import threading
import typing as t

import pytest

from flask_isr.background import threads
from flask_isr.background.pool import ThreadRunner
from flask_isr.background.runner import InlineRunner
from flask_isr.background.threads import Job
from tests.support import PATIENCE
from tests.support import Clock
from tests.support import Gate
from tests.support.waiting import poll


class Jobs:
    """Jobs that wait at a gate, and who of them is running."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.done: list[t.Hashable] = []
        self.most = 0
        self._begun = threading.Semaphore(0)
        self._running = 0
        self._lock = threading.Lock()

    def waiting(self, name: t.Hashable) -> Job:
        """A job that runs until the gate opens."""

        def job() -> None:
            with self._lock:
                self._running += 1
                self.most = max(self.most, self._running)
            self._begun.release()
            self.gate.pass_through()
            with self._lock:
                self._running -= 1
                self.done.append(name)

        return job

    def wait_for(self, number: int) -> None:
        """Wait until *number* more jobs are running."""
        for _ in range(number):
            assert self._begun.acquire(timeout=PATIENCE)


@pytest.fixture
def jobs() -> t.Iterator[Jobs]:
    """Jobs that end with the test at the latest."""
    jobs = Jobs()
    yield jobs
    jobs.gate.open()


@pytest.mark.promise(7)
def test_background_work_is_bounded_and_skips_when_full(jobs: Jobs) -> None:
    """As many jobs run and wait as are allowed; one more is refused and never runs."""
    runner = ThreadRunner(workers=2, queue=3)
    taken = [runner.submit(jobs.waiting(number)) for number in range(6)]
    assert taken == [True] * 5 + [False]
    jobs.wait_for(2)
    assert not runner.drain(0.01)
    jobs.gate.open()
    assert runner.drain(PATIENCE)
    assert sorted(map(str, jobs.done)) == ["0", "1", "2", "3", "4"]
    assert jobs.most == 2


@pytest.mark.promise(1)
def test_jobs_whose_callers_wait_do_not_queue_behind_the_background(
    jobs: Jobs,
) -> None:
    """A visitor's render runs at once, however much is to do in the background."""
    runner = ThreadRunner(workers=1, queue=0, foreground=2)
    assert runner.submit(jobs.waiting("behind"))
    assert not runner.submit(jobs.waiting("refused"))
    assert [runner.spawn(jobs.waiting(n)) for n in range(3)] == [True, True, False]
    jobs.wait_for(3)
    jobs.gate.open()
    assert runner.drain(PATIENCE)
    assert "refused" not in jobs.done


def test_no_thread_stands_when_there_is_no_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Threads are made with the first job and end soon after the last one."""
    monkeypatch.setattr(threads, "_LINGER", 0.01)
    before = threading.active_count()
    runner = ThreadRunner()
    assert threading.active_count() == before
    seen: list[threading.Thread] = []
    assert runner.submit(lambda: seen.append(threading.current_thread()))
    assert runner.drain(PATIENCE)
    seen[0].join(PATIENCE)
    assert seen[0] is not threading.current_thread()
    assert not seen[0].is_alive()


def test_a_thread_whose_job_is_over_time_is_replaced(
    jobs: Jobs, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A job that hangs costs its thread, not the work of all others."""
    runner = ThreadRunner(workers=1, queue=0, job_timeout=60, clock=clock)
    assert runner.submit(jobs.waiting("hangs"))
    clock.advance(60)
    assert not runner.submit(jobs.waiting("too early"))
    clock.advance(0.1)
    with caplog.at_level(logging.WARNING, "flask_isr.runner"):
        assert runner.submit(jobs.waiting("replacement"))
    assert "takes longer than" in caplog.text
    jobs.wait_for(2)


@pytest.mark.promise(7)
def test_threads_are_replaced_up_to_a_limit(jobs: Jobs, clock: Clock) -> None:
    """When everything hangs, the number of threads stays bounded."""
    runner = ThreadRunner(workers=2, queue=0, job_timeout=60, hanging=2, clock=clock)
    for _ in range(2):
        assert [runner.submit(jobs.waiting("hangs")) for _ in range(3)] == [
            True,
            True,
            False,
        ]
        clock.advance(61)
    assert not runner.submit(jobs.waiting("one too many"))
    jobs.gate.open()
    assert runner.drain(PATIENCE)
    assert runner.submit(lambda: None)


def test_what_was_written_off_is_not_waited_for(jobs: Jobs, clock: Clock) -> None:
    """A job that hangs for ever does not hold up the end of the process."""
    runner = ThreadRunner(workers=1, queue=0, job_timeout=60, clock=clock)
    runner.submit(jobs.waiting("hangs"))
    jobs.wait_for(1)
    clock.advance(61)
    assert runner.submit(lambda: None)
    assert runner.drain(PATIENCE)
    assert not jobs.done


def test_queued_jobs_follow_on_the_replacement(jobs: Jobs, clock: Clock) -> None:
    """Work that waits behind a job that hangs is done after all."""
    runner = ThreadRunner(workers=1, queue=1, job_timeout=60, clock=clock)
    queued = threading.Event()
    runner.submit(jobs.waiting("hangs"))
    assert runner.submit(queued.set)
    clock.advance(61)
    runner.tend()
    assert queued.wait(PATIENCE)


@pytest.mark.parametrize("kind", [ThreadRunner, InlineRunner])
def test_a_job_that_raises_is_logged_and_harms_nobody(
    kind: type[ThreadRunner | InlineRunner], caplog: pytest.LogCaptureFixture
) -> None:
    """An error in the background ends up in the log, and the next job runs."""
    runner = kind()
    done = threading.Event()

    def broken() -> None:
        raise LookupError("no such bird")

    for run in (runner.submit, runner.spawn):
        assert run(broken)
    assert runner.submit(done.set)
    assert runner.drain(PATIENCE)
    assert done.is_set()
    poll(lambda: caplog.text.count("LookupError: no such bird") >= 2)


@pytest.mark.parametrize("kind", [ThreadRunner, InlineRunner])
def test_a_job_sees_nothing_of_its_callers_context(
    kind: type[ThreadRunner | InlineRunner],
) -> None:
    """Neither Flask's context nor any other variable of a request reaches a job."""
    secret: contextvars.ContextVar[str] = contextvars.ContextVar("secret")
    token = secret.set("of the visitor")
    seen: list[str] = []
    runner = kind()
    try:
        for run in (runner.submit, runner.spawn):
            assert run(lambda: seen.append(secret.get("nothing")))
        assert runner.drain(PATIENCE)
    finally:
        secret.reset(token)
    assert seen == ["nothing", "nothing"]


def test_a_runner_that_ended_takes_no_background_work(jobs: Jobs) -> None:
    """At the end of the process no new refresh begins."""
    runner = ThreadRunner()
    runner.end()
    assert not runner.submit(jobs.waiting("late"))
