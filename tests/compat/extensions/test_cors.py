"""Flask-CORS: who may read the page from another site's script."""

from __future__ import annotations

import typing as t

import pytest
from flask import abort
from flask_cors import CORS
from flask_cors import cross_origin

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)

A, B, STRANGE = "https://a.example", "https://b.example", "https://strange.test"
PATTERN = r"https://.*\.example"


def add_page(site: Site) -> None:
    """A page."""

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return "a page"


def allowed(site: Site, origin: str | None, state: str = "HIT") -> str | None:
    """Who may read the page, according to the answer for *origin*."""
    headers = {} if origin is None else {"Origin": origin}
    answer = site.get("/page", headers=headers)
    assert (answer.text, cache_state(answer)) == ("a page", state)
    assert len(answer.headers.getlist("Access-Control-Allow-Origin")) < 2
    assert len(answer.headers.getlist("Vary")) < 2
    return answer.headers.get("Access-Control-Allow-Origin")


def test_everybody_may(site: Site) -> None:
    """``CORS(app)``: the same header for all, stored with the page."""
    CORS(site.app)
    add_page(site)
    assert allowed(site, None, "MISS") == "*"
    assert allowed(site, A) == "*"


def test_some_may_with_credentials(site: Site) -> None:
    """Several origins: the answer varies, so that each visitor's own is judged."""
    CORS(site.app, origins=[A, B], supports_credentials=True)
    add_page(site)
    allowed(site, A, "MISS")
    for origin in (B, A, B):
        assert allowed(site, origin) == origin
    assert allowed(site, STRANGE) is None
    answer = site.get("/page", headers={"Origin": B})
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize(
    "options",
    [
        {"origins": PATTERN},
        {"origins": [A, B], "always_send": False},
        {"origins": "*", "supports_credentials": True},
    ],
    ids=["pattern", "not-always", "credentials-for-all"],
)
def test_answers_that_only_an_origin_brings_need_the_view_level(
    make_site: MakeSite, options: dict[str, t.Any]
) -> None:
    """A render has no ``Origin``, and Flask-CORS does not say that it looked for one:
    outside of Flask nobody may read the page."""
    for serve, expected in (("auto", None), ("view", A)):
        site = make_site(ISR_SERVE=serve)
        CORS(site.app, **options)
        add_page(site)
        allowed(site, None, "MISS")
        assert allowed(site, A) == expected


def test_the_decorator_stands_above(site: Site) -> None:
    """There it runs for each visitor; below, the page is not static."""
    guard = cross_origin(origins=[A, B])

    def below() -> str:
        return "below"

    site.app.add_url_rule("/below", "below", static_page()(guard(below)))

    def page() -> str:
        return "a page"

    site.app.add_url_rule("/page", "page", guard(static_page()(page)))
    allowed(site, A, "MISS")
    assert [allowed(site, origin) for origin in (A, B)] == [A, B]
    for origin in (A, B):
        answer = site.get("/below", headers={"Origin": origin})
        assert cache_state(answer) == "BYPASS"
        assert answer.headers["Access-Control-Allow-Origin"] == origin


def test_a_page_that_is_gone(site: Site, clock: Clock) -> None:
    """Flask-CORS wraps what Flask asks for an error's answer: the 404 of a view is stored
    as it would be without."""
    CORS(site.app)
    there = [True]

    @site.app.get("/page")
    @static_page(60)
    def page() -> str:
        if not there[0]:
            abort(404)
        return "a page"

    seen = [site.get("/page")]
    there[0] = False
    clock.advance(61)
    for _ in range(4):
        seen.append(site.get("/page"))
        site.settle()

    assert [(answer.status_code, cache_state(answer)) for answer in seen] == [
        (200, "MISS"),
        (200, "STALE"),
        (404, "HIT"),
        (404, "HIT"),
        (404, "HIT"),
    ]
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in seen} == {"*"}


@pytest.mark.parametrize("origins", [A, [A, B]], ids=["one", "several"])
def test_an_error_of_the_view_is_told_to_whoever_may_read_it(
    site: Site, origins: t.Any
) -> None:
    """With the status that the view chose, from the store or not."""
    CORS(site.app, origins=origins)

    @site.app.get("/<int:status>")
    @static_page()
    def page(status: int) -> str:
        abort(status)

    for status in (404, 410, 403, 400, 503):
        for _ in range(3):
            answer = site.get(f"/{status}", headers={"Origin": A})
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == A
