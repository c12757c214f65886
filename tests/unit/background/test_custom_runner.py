"""A Runner of the application's own that takes any number of jobs, or loses them."""

from __future__ import annotations

from collections import Counter

import pytest

from flask_isr import static_page
from flask_isr.background.threads import Job
from flask_isr.core import coordinator
from flask_isr.testing.runner import AtOnce
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state

pytestmark = [pytest.mark.promise(7), pytest.mark.slow]

KNOWN = 20


class Slow(AtOnce):
    """Queues whatever it is given, and runs it when the test says."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def submit(self, job: Job) -> bool:
        """Keep *job*."""
        self.jobs.append(job)
        return True

    def run(self) -> None:
        """Run what is queued."""
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()


class Shop:
    """A site with pages that are all stale."""

    def __init__(self, make_site: MakeSite, clock: Clock, pages: int) -> None:
        self.runner = Slow()
        self.site: Site = make_site(ISR_RUNNER=self.runner)
        self.renders: Counter[str] = Counter()
        self.names = [f"/page{number}" for number in range(pages)]

        @self.site.app.get("/<name>")
        @static_page(60)
        def page(name: str) -> str:
            self.renders[f"/{name}"] += 1
            return name

        for name in self.names:
            self.site.get(name)
        clock.advance(61)
        self.runner.run()

    def states(self) -> set[str | None]:
        """How all pages are served."""
        return {cache_state(self.site.get(name)) for name in self.names}


@pytest.fixture(autouse=True)
def small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few refreshes are known."""
    monkeypatch.setattr(coordinator, "_REFRESHES", KNOWN)


def test_refreshes_that_are_never_run_are_not_all_remembered(
    make_site: MakeSite, clock: Clock
) -> None:
    """Their pages are served as they are, and each is queued again after a minute."""
    shop = Shop(make_site, clock, 5 * KNOWN)
    for _ in range(3):
        assert shop.states() == {"STALE"}
        assert len(shop.site.state.engine._coordinator._queued) <= KNOWN
        clock.advance(61)


def test_a_refresh_that_was_forgotten_is_queued_again(
    make_site: MakeSite, clock: Clock
) -> None:
    """When its page is visited; and however often it is queued, one render runs."""
    shop = Shop(make_site, clock, KNOWN + 1)
    shop.states()
    shop.runner.run()
    assert sum(shop.renders.values()) == len(shop.names) + 1
    shop.states()
    shop.runner.run()
    assert shop.states() == {"HIT"}
    assert set(shop.renders.values()) == {2}
