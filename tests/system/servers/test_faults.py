"""Renders that fail, hang, or lose their process."""

from __future__ import annotations

import shutil

import pytest

from tests.support import InThread
from tests.support.waiting import poll

from .conftest import StartFarm
from .running import Farm

WAIT_TIMEOUT = 1.0


# One start of the servers is enough.
pytestmark = pytest.mark.xdist_group("servers-faults")


@pytest.fixture(scope="module")
def farm(start_module_farm: StartFarm) -> Farm:
    """Two processes, each behind an address of its own."""
    return start_module_farm("waitress", 2, FLASK_ISR_WAIT_TIMEOUT=str(WAIT_TIMEOUT))


@pytest.mark.promise(2)
@pytest.mark.parametrize("asks", ["while it renders", "after that"])
def test_a_killed_renderer_is_replaced_at_once(
    start_farm: StartFarm, page: str, asks: str
) -> None:
    """When the process that renders a cold page is killed, a visitor in another process
    gets the page without waiting for any timeout."""
    farm = start_farm("waitress", 2)
    path, control = f"/pages/{page}", farm.control
    one, two = farm.servers
    control.close_gate(page)
    lost = InThread(lambda: one.ask(path))
    control.wait_for_runs(page, 1)
    if asks == "while it renders":
        visitor = InThread(lambda: two.ask(path))
        one.kill()
        answer = visitor.result()
    else:
        one.kill()
        answer = two.ask(path)

    assert (answer.status, answer.state) == (200, "MISS")
    assert answer.took < 5
    assert len(control.runs(page)) == 2
    with pytest.raises(ConnectionError):
        lost.result()
    # The clock stood still: no deadline passed.
    assert two.ask(path).state == "HIT"


@pytest.mark.promise(2, 3)
def test_a_page_whose_renderer_was_killed_is_refreshed_by_another(
    start_farm: StartFarm, page: str
) -> None:
    """When a background render dies with its process, the old page is served on, and the
    next visitor in another process has it refreshed."""
    farm = start_farm("waitress", 2)
    path, control = f"/pages/{page}", farm.control
    one, two = farm.servers
    farm.ask_all(path)
    control.publish(page)
    control.close_gate(page)
    control.clock.advance(61)
    one.ask(path)
    control.wait_for_runs(page, 2)
    one.kill()

    assert ((answer := two.ask(path)).version, answer.state) == (1, "STALE")
    poll(lambda: two.ask(path).state == "HIT")
    assert two.ask(path).version == 2
    assert len(control.runs(page)) == 3


@pytest.mark.promise(6)
def test_pages_are_rendered_anew_when_the_folder_is_taken_away(
    start_farm: StartFarm, page: str
) -> None:
    """Processes that held pages of a folder which was deleted begin afresh in a new one,
    and invalidations hold for all of them there."""
    farm = start_farm("waitress", 2)
    path, control = f"/pages/{page}", farm.control
    farm.ask_all(path)
    control.publish(page)
    shutil.rmtree(control.folder / "isr")

    def is_anew() -> bool:
        # Processes look at the folder once a second of real time.
        control.clock.advance(1.1)
        return {2} == {load.version for load in farm.ask_all(path)}

    poll(is_anew)
    control.publish(page)
    assert farm.servers[0].revalidate(f"tag=page:{page}").status == 200
    assert {3} == {load.version for load in farm.ask_all(path)}


@pytest.mark.promise(3)
@pytest.mark.parametrize("reason", ["old", "expired"])
def test_a_failing_page_keeps_its_last_good_copy(
    farm: Farm, page: str, reason: str
) -> None:
    """Every process serves the last good page; all of them together try once, then after
    a second, then after two more, and the page is back when its source is."""
    path, control = f"/pages/{page}", farm.control
    farm.ask_all(path)
    control.publish(page)
    control.break_down(page)
    if reason == "old":
        control.clock.advance(61)
    else:
        farm.servers[1].revalidate(f"tag=page:{page}")
    for attempts, pause in ((1, 1.0), (2, 2.0), (3, 4.0)):
        loads = [load for _ in range(3) for load in farm.ask_all(path)]
        control.wait_for_runs(page, 1 + attempts, "ended")
        loads += [load for _ in range(3) for load in farm.ask_all(path)]
        assert {(1, "STALE")} == {(load.version, load.state) for load in loads}
        assert 1 + attempts == len(control.runs(page))
        # Jitter makes a pause shorter by a fifth at most.
        control.clock.advance(pause * 0.79)
        farm.ask_all(path)
        assert 1 + attempts == len(control.runs(page))
        control.clock.advance(pause * 0.22)

    control.mend(page)
    poll(lambda: {"HIT"} == {load.state for load in farm.ask_all(path)})
    assert {2} == {load.version for load in farm.ask_all(path)}
    assert len(control.runs(page)) == 5


@pytest.mark.promise(3)
def test_a_page_that_never_worked_is_tried_once_for_a_crowd(
    farm: Farm, page: str
) -> None:
    """With nothing stored, visitors of all processes get the error, the source is asked
    at most once for those who wait together, and again when a second is over."""
    path, control = f"/pages/{page}", farm.control
    control.break_down(page)
    control.close_gate(page)
    early = [
        InThread(lambda server=server: server.ask(path))  # type: ignore[misc]
        for server in (*farm.servers, *farm.servers)
    ]
    control.wait_for_runs(page, 1)
    control.open_gate(page)
    answers = [thread.result() for thread in early]
    answers += farm.ask_all(path)

    assert {500} == {answer.status for answer in answers}
    assert len([run for run in control.runs(page) if run.sealed]) == 1
    control.mend(page)
    control.clock.advance(1.1)
    assert {1} == {answer.version for answer in farm.ask_all(path)}


@pytest.mark.promise(3)
def test_a_hanging_render_is_waited_for_once(farm: Farm, page: str) -> None:
    """With a last good copy, the first visitor of an expired page gets it when he has
    waited as long as is allowed, the others of his process at once."""
    path, control = f"/pages/{page}", farm.control
    one, two = farm.servers
    farm.ask_all(path)
    control.publish(page)
    one.revalidate(f"tag=page:{page}")
    control.close_gate(page)
    first = one.ask(path)
    others = [one.ask(path) for _ in range(5)]
    elsewhere = two.ask(path)

    answers = [first, *others, elsewhere]
    assert {(1, "STALE")} == {(answer.version, answer.state) for answer in answers}
    assert WAIT_TIMEOUT * 0.9 < first.took < WAIT_TIMEOUT + 2
    assert max(other.took for other in others) < WAIT_TIMEOUT / 2
    assert elsewhere.took < WAIT_TIMEOUT + 2
    assert len(control.runs(page)) == 2

    control.open_gate(page)
    farm.settle(path, 2)
    assert len(control.runs(page)) == 2
