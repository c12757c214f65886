"""What a 304 has of the page (RFC 9110, section 15.4.5), and what no 304 may be."""

from __future__ import annotations

import pytest
from flask import Response

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

DATE = "Tue, 01 Jan 2030 00:00:00 GMT"

#: What a view may say of its page, and whether a 304 repeats it.
FIELDS = {
    "Content-Type": ("text/plain", False),
    "Content-Language": ("en", False),
    "Content-Location": ("/page", True),
    "Last-Modified": ("Tue, 01 Jan 2019 00:00:00 GMT", False),
    "Expires": (DATE, True),
    "Cache-Control": ("max-age=60", True),
    "CDN-Cache-Control": ("max-age=600", True),
    "X-Accel-Expires": ("60", True),
    "Vary": ("Accept-Encoding", True),
    "X-Of-The-Page": ("yes", True),
}


@pytest.fixture(params=["wsgi", "view"])
def dated(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site with a page that says all of it, in store."""
    site = make_site(ISR_SERVE=request.param)
    fields = {name: value for name, (value, _) in FIELDS.items()}

    @site.app.get("/page")
    @static_page(60)
    def page() -> Response:
        return Response("a page " * 100, headers=fields)

    site.get("/page")
    return site


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("condition", ["If-None-Match", "If-Modified-Since"])
def test_it_has_the_fields_of_the_page_and_not_of_the_body(
    dated: Site, coding: str, condition: str
) -> None:
    """These and no others: a cache updates by them what it has."""
    accepts = {"Accept-Encoding": coding}
    whole = dated.get("/page", headers=accepts)
    tag = whole.headers["ETag"]
    given = {condition: tag if condition == "If-None-Match" else DATE}
    answer = dated.get("/page", headers={**accepts, **given})

    assert (whole.status_code, answer.status_code) == (200, 304)
    assert answer.data == b""
    repeated = {name: value for name, (value, is_there) in FIELDS.items() if is_there}
    assert dict(answer.headers) == {
        **repeated,
        "ETag": tag,
        "X-ISR-Cache": "HIT",
        "Cache-Status": "Flask-ISR; hit; ttl=60",
    }


@pytest.mark.parametrize("given", ["", " ", ",", "junk"])
def test_a_list_of_tags_without_one_is_a_list_all_the_same(
    dated: Site, given: str
) -> None:
    """Where it is there, no date is looked at (RFC 9110, section 13.2.2)."""
    headers = {"If-None-Match": given, "If-Modified-Since": DATE}
    answer = dated.get("/page", headers=headers)
    assert (answer.status_code, cache_state(answer)) == (200, "HIT")
