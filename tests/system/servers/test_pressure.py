"""A tag that expires again and again, while people read a page that carries it."""

from __future__ import annotations

import statistics
import time

import pytest

from .conftest import StartFarm
from .history import History
from .running import Farm

# How long it goes on, seconds from one invalidation to the next, and of each render.
DURATION, INTERVAL, RENDER = 2.0, 0.03, 0.12
READERS = 10


@pytest.fixture(scope="module", params=["gthread", "gevent"])
def farm(request: pytest.FixtureRequest, start_module_farm: StartFarm) -> Farm:
    """Two processes that readers and the editor reach in turn."""
    return start_module_farm(request.param, 2)


def test_readers_get_current_pages_in_about_a_render(farm: Farm, page: str) -> None:
    """With a tag that expires faster than a render takes, nobody is kept waiting for more
    than two renders, and nobody gets what had expired when he asked."""
    farm.control.slow_down(page, RENDER)
    farm.servers[0].ask(f"/pages/{page}")
    history = History(farm, page, f"/pages/{page}", readers=READERS, interval=INTERVAL)
    history.record(lambda: time.sleep(DURATION))

    assert history.broken == 0
    assert len(history.edits) >= 10
    assert len(history.answers) >= 3 * READERS
    assert {200} == {answer.status for answer in history.answers}
    assert {"MISS", "HIT"} >= {answer.state for answer in history.answers}
    assert history.outdated() == []
    took = [answer.took for answer in history.answers]
    # Two renders at most, and a machine that does other things too.
    assert statistics.median(took) < 3 * RENDER
    assert max(took) < 12 * RENDER
    # And it settles: nothing is left that would make the next visitor's page old.
    farm.settle(f"/pages/{page}", farm.control.version(page))
