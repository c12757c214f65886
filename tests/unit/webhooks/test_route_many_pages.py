"""One call of the revalidate route that names more pages than there may be threads."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest

from tests.conftest import MakeSite
from tests.support import PATIENCE
from tests.support.shop import BEARER
from tests.support.shop import Shop

pytestmark = pytest.mark.slow

ROUTE = "/api/revalidate"

#: The most targets of one call.
MOST = 256


def test_many_pages_are_all_renewed_though_few_at_a_time(make_site: MakeSite) -> None:
    """More than there may be threads: each gets its turn, and visitors find threads
    meanwhile."""
    shop = Shop.with_route(make_site(ISR_WAIT_TIMEOUT=PATIENCE))
    pages = [f"/products/{number}" for number in range(MOST)]
    shop.show, most = counted(shop.show)  # type: ignore[method-assign]
    answer = shop.post(ROUTE, json={"paths": pages}, headers=BEARER)
    assert answer.status_code == 200, answer.json
    assert sorted(shop.renders) == sorted(pages)
    assert 1 < most() <= 32


def counted(
    show: t.Callable[[], str],
) -> tuple[t.Callable[[], str], t.Callable[[], int]]:
    """*show*, and what tells how often it ran at a time; the first runs wait for one
    another."""
    lock, together, most = threading.Lock(), 0, 0
    # Without the limit so many would stand here that the threads do not suffice.
    barrier = threading.Barrier(32)

    def counting() -> str:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        try:
            barrier.wait(PATIENCE)
            return show()
        finally:
            with lock:
                together -= 1

    return counting, lambda: most


def test_the_time_is_bounded_for_all_pages_together(make_site: MakeSite) -> None:
    """202 after ISR_WAIT_TIMEOUT in all, not for each page; no page is begun then but by
    the background."""
    shop = Shop.with_route(make_site(ISR_WAIT_TIMEOUT=0.2))
    pages = [f"/products/{number}" for number in range(100)]
    begun: list[None] = []
    release = threading.Event()

    def show() -> str:
        begun.append(None)
        assert release.wait(PATIENCE)
        return "new"

    shop.show = show  # type: ignore[method-assign]
    try:
        began = time.monotonic()
        answer = shop.post(ROUTE, json={"paths": pages}, headers=BEARER)
        # One wait for each page would make twenty seconds.
        assert time.monotonic() - began < 10
        assert answer.status_code == 202
        assert answer.json is not None
        assert sorted(answer.json["pending"]) == sorted(pages)
        assert len(begun) <= 32 + 2
    finally:
        release.set()
    shop.site.settle()
