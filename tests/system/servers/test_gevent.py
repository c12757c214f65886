"""One gevent worker: renders give way to other greenlets."""

from __future__ import annotations

import pytest

from tests.support import InThread

from .conftest import StartFarm
from .running import Farm

# One start of the servers is enough.
pytestmark = pytest.mark.xdist_group("servers-gevent")


@pytest.fixture(scope="module")
def farm(start_module_farm: StartFarm) -> Farm:
    """One process, one thread, any number of greenlets."""
    return start_module_farm("gevent", 1)


def test_other_requests_are_served_while_a_cold_page_is_rendered(
    farm: Farm, page: str
) -> None:
    """Neither the visitor who renders nor those who wait for him block the worker."""
    path, server, control = f"/pages/{page}", farm.servers[0], farm.control
    other = server.ask(f"/pages/{page}-other")
    control.close_gate(page)
    visitors = [InThread(lambda: server.ask(path)) for _ in range(5)]
    control.wait_for_runs(page, 1)

    assert server.ask("/plain/x").status == 200
    assert other.body == server.ask(f"/pages/{page}-other").body
    assert server.ask(f"/pages/{page}-third").status == 200
    assert not control.runs(page, "ended")

    control.open_gate(page)
    answers = [visitor.result() for visitor in visitors]
    assert len({answer.body for answer in answers}) == 1
    assert len(control.runs(page)) == 1


def test_other_requests_are_served_while_a_page_is_refreshed(
    farm: Farm, page: str
) -> None:
    """A background render is a greenlet among others."""
    path, server, control = f"/pages/{page}", farm.servers[0], farm.control
    server.ask(path)
    control.publish(page)
    control.close_gate(page)
    control.clock.advance(61)
    assert server.ask(path).state == "STALE"
    control.wait_for_runs(page, 2)

    assert server.ask("/plain/x").status == 200
    assert ((answer := server.ask(path)).version, answer.state) == (1, "STALE")
    assert len(control.runs(page, "ended")) == 1

    control.open_gate(page)
    farm.settle(path, 2)


def test_other_requests_are_served_while_a_caller_waits_for_a_render(
    farm: Farm, page: str
) -> None:
    """The revalidate route, which waits for its render, does not block the worker."""
    path, server, control = f"/pages/{page}", farm.servers[0], farm.control
    server.ask(path)
    control.publish(page)
    control.close_gate(page)
    caller = InThread(lambda: server.revalidate(f"path={path}"))
    control.wait_for_runs(page, 2)

    assert server.ask("/plain/x").status == 200
    control.open_gate(page)
    assert caller.result().status == 200
    assert ((answer := server.ask(path)).version, answer.state) == (2, "HIT")
