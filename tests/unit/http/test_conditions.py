"""Preconditions beside If-None-Match, and what the store vouches for."""

from __future__ import annotations

import pytest
from flask import Response
from flask import abort

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state

EARLY = "Mon, 02 Nov 2026 08:00:00 GMT"
MODIFIED = "Mon, 09 Nov 2026 08:00:00 GMT"
LATE = "Mon, 16 Nov 2026 08:00:00 GMT"


@pytest.fixture(params=["wsgi", "view"])
def dated(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site whose page is stored, and says when it was modified."""
    site = make_site(ISR_SERVE=request.param)

    @site.app.get("/")
    @static_page(60)
    def page() -> Response:
        headers = {"ETag": '"v1"', "Last-Modified": MODIFIED}
        return Response("page", headers=headers)

    site.get("/")
    return site


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        pytest.param({"If-Match": '"v1"'}, 200, id="match"),
        pytest.param({"If-Match": '"v0", "v1"'}, 200, id="match-in-list"),
        pytest.param({"If-Match": "*"}, 200, id="match-any"),
        pytest.param({"If-Match": '"v2"'}, 412, id="other"),
        pytest.param({"If-Match": 'W/"v1"'}, 412, id="weak-never-matches"),
        pytest.param({"If-Match": ""}, 200, id="empty-is-ignored"),
        pytest.param({"If-Unmodified-Since": LATE}, 200, id="not-modified-since"),
        pytest.param({"If-Unmodified-Since": EARLY}, 412, id="modified-since"),
        pytest.param({"If-Unmodified-Since": "soon"}, 200, id="junk-date"),
        pytest.param(
            {"If-Match": '"v1"', "If-Unmodified-Since": EARLY}, 200, id="tag-first"
        ),
        pytest.param(
            {"If-Match": '"v1"', "If-None-Match": '"v1"'}, 304, id="both-hold"
        ),
        pytest.param(
            {"If-Match": '"v2"', "If-None-Match": '"v1"'}, 412, id="the-first-fails"
        ),
        pytest.param(
            {"If-None-Match": '"v2"', "If-Modified-Since": LATE}, 200, id="tag-outdoes"
        ),
        pytest.param({"If-Modified-Since": MODIFIED}, 304, id="since-then"),
        pytest.param({"If-Modified-Since": EARLY}, 200, id="since-earlier"),
        pytest.param({"If-Modified-Since": "yesterday"}, 200, id="junk"),
        pytest.param({"Range": "bytes=0-1"}, 200, id="range-is-ignored"),
        pytest.param(
            {"Range": "bytes=0-1", "If-Range": '"v1"'}, 200, id="if-range-is-ignored"
        ),
    ],
)
def test_a_condition_is_judged(
    dated: Site, conditions: dict[str, str], status: int
) -> None:
    """In the order of RFC 9110, section 13.2.2, at both levels."""
    answer = dated.get("/", headers=conditions)

    assert answer.status_code == status
    assert cache_state(answer) == "HIT"
    assert answer.data == (b"page" if status == 200 else b"")
    assert answer.headers["ETag"] == '"v1"'
    assert "Accept-Ranges" not in answer.headers


@pytest.mark.parametrize("serve", ["wsgi", "view"])
def test_no_cache_keeps_that_a_condition_failed(
    make_site: MakeSite, serve: str
) -> None:
    """It is no answer for those who asked without one, however long the page is good."""
    site = make_site(ISR_SERVE=serve)

    @site.app.get("/")
    @static_page()
    def page() -> Response:
        response = Response("page")
        response.headers["Cache-Control"] = "public, max-age=600"
        response.headers["CDN-Cache-Control"] = "max-age=600"
        return response

    for _ in range(2):
        answer = site.get("/", headers={"If-Match": '"other"'})
        assert answer.status_code == 412
        assert answer.headers.getlist("Cache-Control") == ["no-store"]
        assert "CDN-Cache-Control" not in answer.headers


@pytest.mark.parametrize("serve", ["wsgi", "view"])
@pytest.mark.parametrize(
    "condition", ["If-Match", "If-None-Match", "If-Modified-Since"]
)
def test_a_404_stays_a_404(make_site: MakeSite, serve: str, condition: str) -> None:
    """No condition applies to what is not there."""
    site = make_site(ISR_SERVE=serve)

    @site.app.get("/")
    @static_page()
    def page() -> str:
        abort(404)

    for _ in range(2):
        assert site.get("/", headers={condition: "*"}).status_code == 404


@pytest.mark.parametrize("serve", ["wsgi", "view"])
@pytest.mark.parametrize("condition", ['"x"', "*"])
def test_a_condition_on_a_stale_page_starts_its_refresh(
    make_site: MakeSite, clock: Clock, serve: str, condition: str
) -> None:
    """Visitors who only ask whether the page changed keep it fresh for the others."""
    site = make_site(ISR_SERVE=serve)
    runs = iter(("one", "two"))
    site.app.add_url_rule("/", "page", static_page(60)(lambda: next(runs)))
    site.get("/")
    clock.advance(61)
    site.get("/", headers={"If-None-Match": condition})
    site.settle()

    assert site.get("/").text == "two"


@pytest.mark.parametrize("serve", ["wsgi", "view"])
@pytest.mark.parametrize("own", ["max-age=300", "s-maxage=300", "no-cache"])
def test_a_stale_page_is_not_vouched_for(
    make_site: MakeSite, clock: Clock, serve: str, own: str
) -> None:
    """The view's own lifetime is given out with a fresh page, and with no stale one: that
    would be kept for as long again."""
    site = make_site(ISR_SERVE=serve)

    @site.app.get("/")
    @static_page(60)
    def page() -> Response:
        return Response("page", headers={"Cache-Control": own})

    seen = []
    for _ in range(3):
        answer = site.get("/")
        site.settle()
        seen.append((cache_state(answer), answer.headers["Cache-Control"]))
        clock.advance(59 if len(seen) == 1 else 2)

    assert seen == [
        ("MISS", own),
        ("HIT", own),
        ("STALE", "max-age=0, must-revalidate"),
    ]


@pytest.mark.parametrize("serve", ["wsgi", "view"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("CDN-Cache-Control", "max-age=300"),
        ("Cloudflare-CDN-Cache-Control", "max-age=300"),
        ("Edge-Control", "cache-maxage=5m"),
        ("Expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
        ("Surrogate-Control", "max-age=300"),
        ("X-Accel-Expires", "300"),
    ],
)
def test_nor_is_it_in_a_field_for_some_caches(
    make_site: MakeSite, clock: Clock, serve: str, field: str, value: str
) -> None:
    """Which they believe instead of ``Cache-Control``."""
    site = make_site(ISR_SERVE=serve)

    @site.app.get("/")
    @static_page(60)
    def page() -> Response:
        return Response("page", headers={field: value})

    fresh = [site.get("/") for _ in range(2)]
    clock.advance(61)
    stale = site.get("/")
    site.settle()

    assert cache_state(stale) == "STALE"
    told = [answer.headers.get(field) for answer in (*fresh, stale)]
    assert told == [value, value, None]
