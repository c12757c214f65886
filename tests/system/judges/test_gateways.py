"""Gateways with caches, as they are when installed, keep nothing that a purge could not
take back."""

from __future__ import annotations

import gzip

import pytest

from tests.support.waiting import poll

from .conftest import StartSite
from .gateways import GATEWAYS
from .gateways import Site

# Only this has nginx ask the server with a visitor's condition.
_ASKING = sorted(GATEWAYS.keys() - {"nginx"})

# That is Varnish: it sends all that it has.
pytestmark = pytest.mark.lint_allows("HEADER_SHOULD_NOT_BE_IN_304")


@pytest.fixture(
    params=[
        pytest.param(kind, marks=pytest.mark.xdist_group(f"gateways-{kind}"))
        for kind in ("gthread", "granian", "waitress")
    ]
)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of server that is behind."""
    name: str = request.param
    return name


@pytest.fixture(params=GATEWAYS)
def gateway(request: pytest.FixtureRequest) -> str:
    """The gateway that is before it."""
    name: str = request.param
    return name


@pytest.fixture
def site(start_site: StartSite, kind: str, gateway: str) -> Site:
    """Each gateway before each server."""
    return start_site(kind, gateway)


@pytest.mark.parametrize("path", ["/long/{}", "/spoken/{}"])
def test_the_very_next_load_shows_what_changed(site: Site, path: str) -> None:
    """A purge of the page, or, where it is not static, a change of its data, needs no word
    to the gateway."""
    before = [site.shown(path) for _ in range(2)]
    site.control.publish(site.name)
    site.server.revalidate(f"tag=page:{site.name}")

    assert (before, site.shown(path)) == ([1, 1], 2)


# The second tells nginx alone.
@pytest.mark.parametrize("path", ["/lasting/{}", "/accelerated/{}"])
def test_a_stale_page_is_not_kept(site: Site, path: str) -> None:
    """Though its view allows caches to keep it while it is fresh."""
    site.server.ask(path.format(site.name))
    site.control.publish(site.name)
    site.control.close_gate(site.name)
    site.control.clock.advance(61)
    stale = site.shown(path)
    site.control.open_gate(site.name)
    poll(lambda: site.server.ask(path.format(site.name)).state == "HIT")

    assert (stale, site.shown(path)) == (1, 2)


def test_what_a_view_allows_is_kept(site: Site) -> None:
    """They are caches: they keep the very page for which they are told a lifetime."""
    site.get("/lasting/{}")

    visits = site.control.visits
    kept = site.get("/lasting/{}")

    assert (200, visits) == (kept.status, site.control.visits)


@pytest.mark.parametrize("path", ["/long/{}", "/lasting/{}"])
def test_each_visitor_gets_the_coding_that_he_asks_for(site: Site, path: str) -> None:
    """In any order, kept by the gateway or not."""
    answers = [
        site.get(path, Accept_Encoding=coding)
        for coding in ("gzip", "identity", "gzip", "identity")
    ]

    codings = [answer.headers.get("content-encoding") for answer in answers]
    assert codings == ["gzip", None, "gzip", None]
    plain = answers[1].body
    assert [gzip.decompress(answers[n].body) for n in (0, 2)] == [plain, plain]


@pytest.mark.parametrize("gateway", _ASKING)
@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("path", ["/long/{}", "/lasting/{}"])
def test_who_has_the_page_gets_304(site: Site, path: str, coding: str) -> None:
    """In each coding, by the ETag that the gateway passed on."""
    etag = site.get(path, Accept_Encoding=coding).headers["etag"]
    again = site.get(path, Accept_Encoding=coding, If_None_Match=etag)
    other = site.get(path, Accept_Encoding=coding, If_None_Match='"other"')

    assert (again.status, other.status) == (304, 200)
    assert len(site.control.runs(site.name)) == 1


@pytest.mark.parametrize("path", ["/long/{}", "/lasting/{}"])
def test_who_has_no_page_gets_one_after_who_has(site: Site, path: str) -> None:
    """The gateway does not keep what the server said to a condition."""
    etag = site.server.ask(path.format(site.name)).headers["etag"]
    site.get(path, If_None_Match=etag)

    assert [site.shown(path) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("path", ["/long/{}", "/lasting/{}"])
def test_head_and_a_part_are_of_the_page(site: Site, path: str) -> None:
    """Be it the first that is asked for: the page is rendered once, and all of it is for
    who comes next."""
    head = site.get(path, "HEAD", Accept_Encoding="gzip")
    part = site.get(path, Range="bytes=0-19", Accept_Encoding="gzip")
    whole = site.get(path, Accept_Encoding="gzip")

    assert (head.status, head.body, whole.status) == (200, b"", 200)
    assert head.headers["content-length"] == str(len(whole.body))
    assert (part.status, part.body) in [
        (200, whole.body),
        (206, whole.body[:20]),
    ]
    assert gzip.decompress(whole.body).endswith(b"</p>\n")
    assert len(site.control.runs(site.name)) == 1


# The second tells nginx alone.
@pytest.mark.parametrize("path", ["/long/{}", "/lasting/{}", "/accelerated/{}"])
def test_a_draft_is_kept_for_nobody_else(site: Site, path: str) -> None:
    """Though caches may keep the page."""
    draft = site.get(path, Cookie=site.draft())
    site.control.publish(site.name)

    assert (draft.state, site.shown(path)) == ("BYPASS", 2)


def test_a_cookie_is_set_for_one_visitor(site: Site) -> None:
    """The gateway asks for it again for the next."""
    cookies = [site.get("/visitor/{}").headers["set-cookie"] for _ in range(2)]

    assert len(cookies) == 2
    assert len(site.control.runs(site.name)) == 3
