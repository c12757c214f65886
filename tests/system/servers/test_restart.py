"""What a server that is started again knows of the time before."""

from __future__ import annotations

import re

import pytest

from .conftest import StartFarm
from .control import Control
from .running import Answer
from .running import Farm
from .running import Server

# One start of the servers is enough.
pytestmark = pytest.mark.xdist_group("servers-restart")


def _prepare(server: Server, control: Control) -> None:
    """Bring about one page in each state in which a page can be."""
    server.ask("/pages/old")
    control.clock.advance(40)
    server.ask("/pages/young")
    control.clock.advance(25)
    control.take_away("gone")
    control.make_personal("personal")
    for page in ("fresh", "stale", "expired", "broken", "gone", "personal"):
        server.ask(f"/pages/{page}")
    server.ask("/closed/listed")
    for page in ("stale", "expired", "broken"):
        control.publish(page)
    server.revalidate("tag=page:stale&mode=stale")
    server.revalidate("tag=page:expired&tag=page:broken")
    control.break_down("broken")
    server.ask("/pages/broken")


@pytest.fixture(scope="module", params=["stopped", "killed"])
def farm(request: pytest.FixtureRequest, start_module_farm: StartFarm) -> Farm:
    """A server of two processes, started again."""
    farm = start_module_farm("gthread", 2)
    (server,) = farm.servers
    _prepare(server, farm.control)
    if request.param == "killed":
        server.kill()
    else:
        server.stop()
    server.restart()
    return farm


def _ask(farm: Farm, path: str) -> Answer:
    return farm.servers[0].ask(path)


@pytest.mark.parametrize(("page", "left"), [("fresh", 60), ("young", 35)])
def test_pages_have_the_rest_of_their_lifetime(
    farm: Farm, page: str, left: int
) -> None:
    """They are fresh, and no longer than they would have been."""
    answer = _ask(farm, f"/pages/{page}")
    assert answer.state == "HIT"
    found = re.search(r"ttl=(\d+)", answer.headers["cache-status"])
    assert found is not None
    assert int(found[1]) == left
    assert len(farm.control.runs(page)) == 1


@pytest.mark.promise(1)
def test_a_page_that_had_become_old_is_served_and_refreshed(farm: Farm) -> None:
    """As if nothing had happened."""
    farm.control.publish("old")
    assert ((answer := _ask(farm, "/pages/old")).state, answer.version) == ("STALE", 1)
    farm.settle("/pages/old", 2)
    assert len(farm.control.runs("old")) == 2


@pytest.mark.promise(4)
def test_a_page_that_was_made_stale_is_so_still(farm: Farm) -> None:
    """Its next visitor gets it once more, and it is refreshed."""
    answer = _ask(farm, "/pages/stale")
    assert (answer.state, answer.version) == ("STALE", 1)
    farm.settle("/pages/stale", 2)
    assert len(farm.control.runs("stale")) == 2


@pytest.mark.promise(4)
def test_a_page_that_was_expired_is_so_still(farm: Farm) -> None:
    """Nobody gets the old one."""
    answer = _ask(farm, "/pages/expired")
    assert (answer.state, answer.version) == ("MISS", 2)
    assert len(farm.control.runs("expired")) == 2


def test_a_page_that_failed_rests_on(farm: Farm) -> None:
    """The last good copy is served, and it is not tried before its time."""
    for answer in farm.ask_all("/pages/broken"):
        assert (answer.state, answer.version) == ("STALE", 1)
    assert len(farm.control.runs("broken")) == 2


def test_a_page_that_was_not_there_is_not_asked_for_again(farm: Farm) -> None:
    """A stored 404 is a page like others."""
    answer = _ask(farm, "/pages/gone")
    assert (answer.status, answer.state) == (404, "HIT")
    assert len(farm.control.runs("gone")) == 1


def test_a_page_that_was_personal_is_not_rendered_again(farm: Farm) -> None:
    """Its visitors get what the view says to each of them, and nobody probes it."""
    assert {"BYPASS"} == {answer.state for answer in farm.ask_all("/pages/personal")}
    assert [run.sealed for run in farm.control.runs("personal")].count(True) == 1


def test_a_closed_list_is_not_asked_for_again(farm: Farm) -> None:
    """Its pages are served, and what it lacks is 404."""
    assert _ask(farm, "/closed/listed").state == "HIT"
    assert {404} == {answer.status for answer in farm.ask_all("/closed/unlisted")}
    assert len(farm.control.runs("list")) == 1
