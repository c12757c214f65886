"""Worker processes that end, or begin, while pages are rendered."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from tests.support import InThread
from tests.support.waiting import poll

from .conftest import StartFarm
from .control import Control
from .running import Farm

WAIT_TIMEOUT = 1.0

workers = pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])


def _has_ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def _who_answers(farm: Farm) -> set[int]:
    return {answer.process for answer in farm.servers[0].ask_many("/process", 16)}


def _start_background_render(farm: Farm, page: str) -> int:
    """Let a render stand at its gate behind a visitor's back; the process it is in."""
    control = farm.control
    farm.ask_all(f"/pages/{page}")
    control.publish(page)
    control.close_gate(page)
    control.clock.advance(61)
    farm.servers[0].ask(f"/pages/{page}")
    return control.wait_for_runs(page, 2)[1].process


@workers
def test_a_worker_that_ends_finishes_its_render(
    start_farm: StartFarm, page: str, kind: str
) -> None:
    """A worker that is told to end while it refreshes a page does so first."""
    farm = start_farm(kind, 2)
    control = farm.control
    worker = _start_background_render(farm, page)
    os.kill(worker, signal.SIGTERM)
    # It no longer answers, so that it is on its way out.
    poll(lambda: worker not in _who_answers(farm))
    control.open_gate(page)
    poll(lambda: _has_ended(worker))

    assert len(control.runs(page, "ended")) == 2
    assert {(2, "HIT")} == {
        (load.version, load.state) for load in farm.ask_all(f"/pages/{page}")
    }
    assert len(control.runs(page)) == 2


@workers
def test_a_worker_that_ends_waits_no_longer_than_it_may(
    start_farm: StartFarm, page: str, kind: str
) -> None:
    """A render that hangs does not keep its worker from ending; the next visitor's process
    takes the page over without waiting for a deadline."""
    farm = start_farm(kind, 2, FLASK_ISR_WAIT_TIMEOUT=str(WAIT_TIMEOUT))
    control = farm.control
    worker = _start_background_render(farm, page)
    os.kill(worker, signal.SIGTERM)
    poll(lambda: _has_ended(worker), within=WAIT_TIMEOUT + 8)

    assert len(control.runs(page, "ended")) == 1
    farm.settle(f"/pages/{page}", 2)
    assert len(control.runs(page)) == 3


@workers
def test_a_worker_that_has_served_its_requests_finishes_its_render(
    start_farm: StartFarm, page: str, kind: str
) -> None:
    """With ``--max-requests`` too: the render that runs when it is reached is kept."""
    farm = start_farm(kind, 1, ["--max-requests", "25"])
    control = farm.control
    worker = _start_background_render(farm, page)
    poll(lambda: _reaches_its_last_request(farm))
    control.open_gate(page)
    poll(lambda: _has_ended(worker))

    assert len(control.runs(page, "ended")) == 2
    farm.settle(f"/pages/{page}", 2)
    assert len(control.runs(page)) == 2


def _reaches_its_last_request(farm: Farm) -> bool:
    (server,) = farm.servers
    # Between one worker and the next nobody may answer.
    with contextlib.suppress(OSError):
        server.ask("/plain/x")
    return "Autorestarting" in server.output()


class TestPreload:
    """``gunicorn --preload``, with pages rendered before the fork."""

    @pytest.mark.parametrize("kind", ["sync", "gthread"])
    def test_workers_serve_and_refresh_what_the_master_rendered(
        self, start_farm: StartFarm, kind: str
    ) -> None:
        """Every worker has the master's pages, and each can refresh them."""
        farm = start_farm(kind, 2, ["--preload"], SITE_WARM_UP="a b")
        control = farm.control
        master = farm.servers[0].process.pid
        assert [master, master] == [
            control.runs(page)[0].process for page in ("a", "b")
        ]
        for page in ("a", "b"):
            loads = farm.ask_all(f"/pages/{page}")
            assert {"HIT"} == {load.state for load in loads}
            control.publish(page)
        control.clock.advance(61)
        for page in ("a", "b"):
            farm.ask_all(f"/pages/{page}")
            farm.settle(f"/pages/{page}", 2)
            assert len(control.runs(page)) == 2

    def test_each_worker_refreshes_by_itself(self, start_farm: StartFarm) -> None:
        """The Runner works in a child, whatever the master did: one worker alone."""
        farm = start_farm("gthread", 1, ["--preload"], SITE_WARM_UP="a")
        (worker,) = farm.servers[0].meet_all()
        farm.control.publish("a")
        farm.control.clock.advance(61)
        assert farm.servers[0].ask("/pages/a").state == "STALE"
        farm.settle("/pages/a", 2)
        assert worker == farm.control.runs("a")[1].process

    def test_a_render_that_runs_in_the_master_at_the_fork_keeps_nobody_waiting(
        self, start_farm: StartFarm
    ) -> None:
        """Visitors of the workers get the page of the master's render when it ends, and
        the workers refresh it later, though they saw it take off and not land."""

        def hold(folder: Path) -> None:
            Control(folder).close_gate("slow")

        farm = start_farm(
            "gthread",
            2,
            ["--preload"],
            prepare=hold,
            SITE_WARM_UP="slow",
            FLASK_ISR_RENDER_TIMEOUT="600",
        )
        control = farm.control
        (run,) = control.wait_for_runs("slow", 1)
        assert farm.servers[0].process.pid == run.process
        before = control.visits
        early = InThread(lambda: farm.servers[0].ask_many("/pages/slow", 8))
        poll(lambda: control.visits >= before + 8)
        control.open_gate("slow")
        answers = early.result()

        assert {1} == {answer.version for answer in answers}
        assert len(control.runs("slow")) == 1
        control.publish("slow")
        control.clock.advance(61)
        farm.settle("/pages/slow", 2)
        assert len(control.runs("slow")) == 2

    def test_a_killed_worker_is_replaced_by_another(
        self, start_farm: StartFarm, page: str
    ) -> None:
        """Each worker holds its leases in its own name, not in the master's."""
        farm = start_farm("gthread", 2, ["--preload"], SITE_WARM_UP="a")
        control, (server,) = farm.control, farm.servers
        control.close_gate(page)
        lost = InThread(lambda: server.ask(f"/pages/{page}"))
        (run,) = control.wait_for_runs(page, 1)
        os.kill(run.process, signal.SIGKILL)
        answer = server.ask(f"/pages/{page}")

        assert (answer.version, answer.state) == (1, "MISS")
        assert answer.took < 5
        with pytest.raises(ConnectionError):
            lost.result()
