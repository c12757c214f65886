"""Flask-Limiter: visitors are counted, and renders if nobody exempts them."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from flask_isr import rendering
from flask_isr import static_page
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)


def limiter_of(app: Flask, **options: t.Any) -> Limiter:
    """A limiter that counts in this process."""
    return Limiter(get_remote_address, app=app, storage_uri="memory://", **options)


def visit(site: Site, path: str, number: int) -> list[tuple[int, str | None]]:
    """Status and state of so many visits."""
    answers = [site.get(path) for _ in range(number)]
    return [(answer.status_code, cache_state(answer)) for answer in answers]


def add_pages(site: Site, *above: t.Any) -> None:
    """A page for each number, with decorators above ``@static_page``."""

    def page(number: int) -> str:
        return f"page {number}"

    view = static_page()(page)
    for decorator in above:
        view = decorator(view)
    site.app.add_url_rule("/pages/<int:number>", "page", view)


def test_a_limit_for_all_counts_hits(site: Site) -> None:
    """Each visitor's own, also those who are served from the store."""
    limiter_of(site.app, default_limits=["3 per hour"])
    add_pages(site)
    assert visit(site, "/pages/1", 4) == [
        (200, "MISS"),
        (200, "HIT"),
        (200, "HIT"),
        (429, None),
    ]
    other = site.get("/pages/1", environ_base={"REMOTE_ADDR": "203.0.113.7"})
    assert (other.status_code, cache_state(other)) == (200, "HIT")


def test_a_limit_above_counts_hits(site: Site) -> None:
    """The decorator above ``@static_page`` runs for each visitor."""
    add_pages(site, limiter_of(site.app).limit("2 per hour"))
    assert [status for status, _ in visit(site, "/pages/1", 3)] == [200, 200, 429]


@pytest.mark.parametrize("exempt", [True, False])
def test_renders_are_to_be_exempted(site: Site, exempt: bool) -> None:
    """They all come from one address. What is over the limit fails, and is not stored:
    the view answers each visitor then, while he may."""
    limiter = limiter_of(site.app, default_limits=["2 per hour"])
    if exempt:
        limiter.request_filter(rendering)
    add_pages(site)
    for number in range(1, 5):
        visitor = {"REMOTE_ADDR": f"203.0.113.{number}"}
        states = []
        for _ in range(2):
            answer = site.get(f"/pages/{number}", environ_base=visitor)
            assert (answer.status_code, answer.text) == (200, f"page {number}")
            states.append(cache_state(answer))
        stored = exempt or number <= 2
        assert states == (["MISS", "HIT"] if stored else ["BYPASS", "BYPASS"])


def test_a_429_of_a_render_is_never_stored(site: Site) -> None:
    """The last good page stays."""
    limiter = limiter_of(site.app)

    @site.app.get("/page")
    @static_page(revalidate=60)
    @limiter.limit("1 per hour")
    def page() -> str:
        return "a page"

    assert visit(site, "/page", 3) == [(200, "MISS"), (200, "HIT"), (200, "HIT")]
    site.clock.advance(61)
    assert visit(site, "/page", 1) == [(200, "STALE")]
    site.settle()
    assert visit(site, "/page", 1) == [(200, "STALE")]
    assert site.get("/page").text == "a page"
