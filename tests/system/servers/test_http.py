"""The life of a page over HTTP, on every server, in two processes."""

from __future__ import annotations

import pytest

from .conftest import StartFarm
from .running import COMMANDS
from .running import Farm


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(kind, marks=pytest.mark.xdist_group(f"servers-{kind}"))
        for kind in COMMANDS
    ],
)
def farm(request: pytest.FixtureRequest, start_module_farm: StartFarm) -> Farm:
    """Two processes of each kind of server."""
    farm = start_module_farm(request.param, 2)
    if len(farm.servers) == 1 and request.param not in ("granian", "uvicorn"):
        # Some options make gunicorn choose another worker than it was told to.
        assert f"Using worker: {request.param}" in farm.servers[0].output()
    return farm


def test_a_page_is_rendered_once_for_all_processes(farm: Farm, page: str) -> None:
    """The first visitor renders the page; all processes serve his render after that."""
    path = f"/pages/{page}"
    first = farm.servers[0].ask(path)
    later = farm.ask_all(path)

    assert (first.state, first.version) == ("MISS", 1)
    assert {("HIT", first.body)} == {(answer.state, answer.body) for answer in later}
    assert len({answer.process for answer in later}) == 2
    assert len(farm.control.runs(page)) == 1


def test_a_browser_that_has_the_page_gets_304(farm: Farm, page: str) -> None:
    """A visit with the page's ETag costs no body; one with another ETag does."""
    path, server = f"/pages/{page}", farm.servers[-1]
    first = server.ask(path)
    etag = first.headers["etag"]

    same = server.ask(path, headers={"If-None-Match": etag})
    other = server.ask(path, headers={"If-None-Match": '"another"'})

    assert (304, b"", etag) == (same.status, same.body, same.headers["etag"])
    assert "content-length" not in same.headers
    assert (200, first.body) == (other.status, other.body)
    assert "max-age=0, must-revalidate" in first.headers["cache-control"]


def test_head_says_what_get_says_without_a_body(farm: Farm, page: str) -> None:
    """HEAD is answered from the page that GET gets, cold or not, and renders no more."""
    path, server = f"/pages/{page}", farm.servers[0]
    cold = server.ask(path, "HEAD")
    get = server.ask(path)
    warm = server.ask(path, "HEAD")

    assert (cold.status, cold.body) == (200, b"")
    assert (warm.status, warm.body) == (200, b"")
    assert get.headers["content-length"] == str(len(get.body))
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert cold.headers[name] == warm.headers[name] == get.headers[name]
    assert len(farm.control.runs(page)) == 1


def test_the_very_next_load_shows_a_revalidated_page(farm: Farm, page: str) -> None:
    """Once the revalidate route answered, every process shows the new page, which was
    rendered by the route."""
    path = f"/pages/{page}"
    farm.ask_all(path)
    farm.control.publish(page)
    unchanged = farm.ask_all(path)
    answer = farm.servers[0].revalidate(f"path={path}")
    loads = farm.ask_all(path)

    assert {1} == {load.version for load in unchanged}
    assert answer.status == 200, answer.body
    assert {(2, "HIT")} == {(load.version, load.state) for load in loads}
    assert len(farm.control.runs(page)) == 2


def test_the_very_next_load_shows_an_expired_page_anew(farm: Farm, page: str) -> None:
    """Once a tag expired, no process shows the old page, and one render makes the new."""
    path = f"/pages/{page}"
    farm.ask_all(path)
    farm.control.publish(page)
    answer = farm.servers[-1].revalidate(f"tag=page:{page}")
    loads = farm.ask_all(path)

    assert answer.status == 200, answer.body
    assert {2} == {load.version for load in loads}
    assert {"MISS", "HIT"} >= {load.state for load in loads}
    assert len(farm.control.runs(page)) == 2


def test_a_page_that_got_old_is_renewed_behind_its_visitor(
    farm: Farm, page: str
) -> None:
    """The visitor of an old page gets it as it is; one render later all have the new."""
    path, control = f"/pages/{page}", farm.control
    farm.ask_all(path)
    control.publish(page)
    control.close_gate(page)
    control.clock.advance(61)

    old = farm.servers[0].ask(path)
    control.wait_for_runs(page, 2)
    control.open_gate(page)
    farm.settle(path, 2)

    assert (old.version, old.state) == (1, "STALE")
    assert len(control.runs(page)) == 2


@pytest.mark.parametrize("status", [200, 204, 303])
def test_who_sees_that_something_was_saved_gets_the_new_page(
    farm: Farm, page: str, status: int
) -> None:
    """The change is committed at the end of the request, after the call: no server sends
    so much as the headers of its answer before that, and the page gives way."""
    path = f"/pages/{page}"
    farm.ask_all(path)
    # In broken code visitors come while this lasts.
    farm.control.slow_down(f"{page}-commit", 0.3)

    assert farm.servers[0].ask(f"/saves/{page}/{status}", "POST").status == status
    assert farm.servers[-1].ask(path).version == 2
