"""What one request may ask for, and what is kept of one page."""

from __future__ import annotations

import pytest
from flask import request

from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(7)


@pytest.fixture
def search(site: Site) -> Site:
    """A site with a page that has variants."""

    @site.app.get("/search")
    @static_page(query=["q"])
    def found() -> str:
        return f"found {len(request.args.getlist('q'))}"

    return site


@pytest.mark.parametrize(
    ("query", "state"),
    [
        pytest.param("&".join(["q=x"] * 50), "HIT", id="50 values"),
        pytest.param("&".join(["q=x"] * 51), "BYPASS", id="51 values"),
        # The name counts as well.
        pytest.param("q=" + "x" * 1023, "HIT", id="1,024 characters"),
        pytest.param("q=" + "x" * 1024, "BYPASS", id="1,025 characters"),
        pytest.param("&".join(["other=x"] * 500), "HIT", id="undeclared"),
    ],
)
def test_a_declared_query_has_a_length(search: Site, query: str, state: str) -> None:
    """Who asks for more gets all of it from the view, and nothing of it is stored."""
    search.get(f"/search?{query}")
    answer = search.get(f"/search?{query}")
    asked = f"&{query}".count("&q=")
    assert (answer.text, cache_state(answer)) == (f"found {asked}", state)
    assert len(list(search.state.store.overview())) == (state == "HIT")


def test_a_refresh_renders_so_many_variants_and_expires_all(
    make_site: MakeSite,
) -> None:
    """Sixteen, beside the page without a query: the caller waits for them."""
    site = make_site()
    renders: list[str | None] = []

    @site.app.get("/search")
    @static_page(query=["q"])
    def found() -> str:
        renders.append(request.args.get("q"))
        return "found"

    for number in range(40):
        site.get(f"/search?q={number}")
    renders.clear()
    with site.app.app_context():
        revalidate_path("/search", mode="refresh")
    assert 16 <= len(renders) <= 17
    renders.clear()
    states = [cache_state(site.get(f"/search?q={number}")) for number in range(40)]
    assert (states.count("HIT"), states.count("MISS")) == (16, 24)


def test_the_cause_of_a_failure_is_cut(site: Site) -> None:
    """It is stored, logged and shown to people."""

    @site.app.get("/")
    @static_page()
    def page() -> str:
        raise RuntimeError("x" * 5000)

    site.get("/")
    match, _ = site.state.routes.match_url("/")
    failure = site.state.store.failure(match.key())
    assert failure is not None
    assert "x" * 200 in failure.cause
    assert len(failure.cause) < 250
