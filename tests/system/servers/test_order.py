"""Two renders of one page that end in the wrong order."""

from __future__ import annotations

import pytest

from tests.support import InThread

from .conftest import StartFarm
from .running import Farm

RENDER_TIMEOUT = 60


# One start of the servers is enough.
pytestmark = [pytest.mark.promise(4), pytest.mark.xdist_group("servers-order")]


@pytest.fixture(scope="module")
def farm(start_module_farm: StartFarm) -> Farm:
    """Two processes, each behind an address of its own."""
    return start_module_farm(
        "waitress", 2, FLASK_ISR_RENDER_TIMEOUT=str(RENDER_TIMEOUT)
    )


def test_the_render_that_began_later_stays(farm: Farm, page: str) -> None:
    """A render over time was taken over by another process, from newer data; the result
    of the first, which comes in late, does not replace the second's."""
    path, control = f"/pages/{page}", farm.control
    one, two = farm.servers
    control.close_gate(page)
    late = InThread(lambda: one.ask(path))
    control.wait_for_runs(page, 1)
    control.clock.advance(RENDER_TIMEOUT + 1)
    # The first look finds it over time, which counts as a failure: the next attempt is
    # due after the back-off.
    two.ask(path)
    control.publish(page)
    control.clock.advance(2)
    assert two.ask(path).version == 2

    control.open_gate(page)
    control.wait_for_runs(page, len(control.runs(page)), "ended")
    assert late.result().status == 200
    loads = farm.ask_all(path)
    assert {2} == {load.version for load in loads}


def test_the_later_render_stays_when_another_page_was_written_between(
    farm: Farm, page: str
) -> None:
    """The order is right too where the store's clock moved between the two renders."""
    path, control = f"/pages/{page}", farm.control
    one, two = farm.servers
    control.close_gate(page)
    late = InThread(lambda: one.ask(path))
    control.wait_for_runs(page, 1)
    two.ask(f"/pages/{page}-another")
    control.clock.advance(RENDER_TIMEOUT + 1)
    two.ask(path)
    control.publish(page)
    control.clock.advance(2)
    assert two.ask(path).version == 2

    control.open_gate(page)
    control.wait_for_runs(page, len(control.runs(page)), "ended")
    assert late.result().status == 200
    assert {2} == {load.version for load in farm.ask_all(path)}
