"""Two hundred visitors at once, over four processes."""

from __future__ import annotations

import threading

import pytest

from tests.support import InThread
from tests.support.waiting import poll

from .conftest import StartFarm
from .running import Answer
from .running import Farm

VISITORS = 200


# One start of the servers is enough.
pytestmark = pytest.mark.xdist_group("servers-crowd")


@pytest.fixture(scope="module")
def farm(start_module_farm: StartFarm) -> Farm:
    """Four processes, with threads for more visitors than there are."""
    return start_module_farm(
        "gthread",
        4,
        ["--threads", "64"],
        # Longer than the tests: they notice it when somebody waits.
        FLASK_ISR_WAIT_TIMEOUT="100",
    )


class Crowd:
    """Visitors who ask for one page at the same time.

    :ivar sent: how many requests are on their way.
    """

    def __init__(self, farm: Farm, path: str) -> None:
        self.sent = 0
        self._lock = threading.Lock()
        self._visit = InThread(
            lambda: farm.servers[0].ask_many(path, VISITORS, self._count)
        )

    def _count(self) -> None:
        with self._lock:
            self.sent += 1

    def all_sent(self) -> bool:
        """Whether everybody has asked."""
        return self.sent == VISITORS

    def answers(self) -> list[Answer]:
        """Wait for the answers of all."""
        answers: list[Answer] = self._visit.result()
        assert len(answers) == VISITORS
        return answers


@pytest.mark.promise(2)
def test_a_crowd_on_a_cold_page_makes_one_render(farm: Farm, page: str) -> None:
    """All who ask for a page that nobody has stored get the page of the one render."""
    farm.control.close_gate(page)
    crowd = Crowd(farm, f"/pages/{page}")
    farm.control.wait_for_runs(page, 1)
    poll(crowd.all_sent)
    farm.control.open_gate(page)
    answers = crowd.answers()

    assert {200} == {answer.status for answer in answers}
    assert len({answer.body for answer in answers}) == 1
    assert len(farm.control.runs(page)) == 1
    assert len({answer.process for answer in answers}) >= 2


@pytest.mark.promise(1, 2)
@pytest.mark.parametrize("known_to", ["all", "one"])
def test_a_crowd_on_a_stale_page_waits_for_nothing(
    farm: Farm, page: str, known_to: str
) -> None:
    """While one render of an old page runs, everybody gets the old page at once, from the
    memory of his process or from the store."""
    path, control = f"/pages/{page}", farm.control
    old = farm.servers[0].ask(path)
    if known_to == "all":
        farm.ask_all(path)
    control.publish(page)
    control.clock.advance(61)
    control.close_gate(page)
    crowd = Crowd(farm, path)
    # The render stands at the gate until all of them have their answers.
    answers = crowd.answers()
    control.wait_for_runs(page, 2)

    assert {(200, old.body)} == {(answer.status, answer.body) for answer in answers}
    assert {"STALE"} == {answer.state for answer in answers}
    assert len({answer.process for answer in answers}) >= 2

    control.open_gate(page)
    farm.settle(path, 2)
    assert len(control.runs(page)) == 2


@pytest.mark.promise(2, 4)
def test_a_crowd_on_an_expired_page_gets_the_new_one(farm: Farm, page: str) -> None:
    """All who ask after an invalidation get the page of the one render after it."""
    path, control = f"/pages/{page}", farm.control
    farm.ask_all(path)
    control.publish(page)
    farm.servers[0].revalidate(f"tag=page:{page}")
    control.close_gate(page)
    crowd = Crowd(farm, path)
    control.wait_for_runs(page, 2)
    poll(crowd.all_sent)
    control.open_gate(page)
    answers = crowd.answers()

    assert {2} == {answer.version for answer in answers}
    assert len({answer.body for answer in answers}) == 1
    assert len(control.runs(page)) == 2
