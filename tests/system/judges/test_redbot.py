"""REDbot finds nothing wrong with what real servers send, state by state."""

from __future__ import annotations

import typing as t

import pytest

from tests.support import SECRET
from tests.support import InThread
from tests.support.waiting import poll
from tests.system.servers.conftest import StartFarm
from tests.system.servers.running import Farm

from .redbot import Check
from .redbot import Result


class Site:
    """A server, and REDbot as its visitor.

    :ivar name: of a page that nothing else asks for.
    """

    def __init__(self, farm: Farm, name: str) -> None:
        self.farm = farm
        self.server = farm.servers[0]
        self.control = farm.control
        self.name = name

    def start(self, path: str, method: str = "GET", *fields: str) -> Check:
        """Send REDbot to *path*."""
        return Check(f"http://127.0.0.1:{self.server.port}{path}", method, *fields)

    def check(self, path: str, method: str = "GET", *fields: str) -> Result:
        """What REDbot says of *path*."""
        return self.start(path, method, *fields).result()


Judge: t.TypeAlias = t.Callable[[Site, str], Result]


def miss(site: Site, path: str) -> Result:
    """Rendered for REDbot."""
    return site.check(path)


def hit(site: Site, path: str) -> Result:
    """Rendered before."""
    site.server.ask(path)
    return site.check(path)


def stale(site: Site, path: str) -> Result:
    """Old, and its next render takes long."""
    site.server.ask(path)
    site.control.close_gate(site.name)
    site.control.clock.advance(61)
    result = site.check(path)
    site.control.open_gate(site.name)
    return result


def stale_error(site: Site, path: str) -> Result:
    """Invalidated, and its next render failed."""
    site.server.ask(path)
    site.control.break_down(site.name)
    site.control.clock.advance(1)
    site.server.revalidate(f"tag=page:{site.name}")
    return site.check(path)


def stale_and_failing(site: Site, path: str) -> Result:
    """Old, and its next render failed behind the visitors."""
    site.server.ask(path)
    site.control.break_down(site.name)
    site.control.clock.advance(61)
    poll(lambda: "error" in site.server.ask(path).headers["cache-status"])
    return site.check(path)


def expired(site: Site, path: str) -> Result:
    """Too old to be served, and so rendered anew."""
    site.server.ask(path)
    site.control.clock.advance(601)
    return site.check(path)


def collapsed(site: Site, path: str) -> Result:
    """Being rendered for another visitor, who came first."""
    site.control.close_gate(site.name)
    first = InThread(lambda: site.server.ask(path))
    site.control.wait_for_runs(site.name, 1)
    check = site.start(path)
    poll(lambda: site.control.waiting(site.name))
    site.control.open_gate(site.name)
    first.result()
    return check.result()


def failing(site: Site, path: str) -> Result:
    """Never rendered, and its view fails."""
    site.control.break_down(site.name)
    return site.check(path)


def failing_for_all(site: Site, path: str) -> Result:
    """The same, a moment after another visitor found out."""
    site.control.break_down(site.name)
    site.server.ask(path)
    return site.check(path)


def member(site: Site, path: str) -> Result:
    """Asked for by somebody whom the page may greet."""
    cookie = site.server.ask("/login", "POST").headers["set-cookie"]
    return site.check(path, "GET", f"Cookie: {cookie.partition(';')[0]}")


def draft(site: Site, path: str) -> Result:
    """Asked for by an editor."""
    cookie = site.server.ask("/preview", "POST").headers["set-cookie"]
    return site.check(path, "GET", f"Cookie: {cookie.partition(';')[0]}")


def post(site: Site, path: str) -> Result:
    """Written to."""
    return site.check(path, "POST")


def head(site: Site, path: str) -> Result:
    """Asked for without its body."""
    return site.check(path, "HEAD")


def with_secret(site: Site, path: str) -> Result:
    """Called by who may."""
    return site.check(path, "GET", f"X-Revalidate-Secret: {SECRET}")


# What is done, where, and what the first answer must be: its status, and what stands in
# Cache-Status.
STATES: t.Final[t.Mapping[str, tuple[Judge, str, int, str]]] = {
    "miss": (miss, "/pages/{}", 200, "fwd=uri-miss; stored"),
    "miss-compressed": (miss, "/long/{}", 200, "fwd=uri-miss; stored"),
    "hit": (hit, "/pages/{}", 200, "hit; ttl=60"),
    "hit-compressed": (hit, "/long/{}", 200, "hit; ttl=60"),
    "hit-with-a-lifetime": (hit, "/lasting/{}", 200, "hit; ttl=60"),
    "stale": (stale, "/pages/{}", 200, "hit; ttl=-1"),
    "stale-compressed": (stale, "/long/{}", 200, "hit; ttl=-1"),
    "stale-with-a-lifetime": (stale, "/lasting/{}", 200, "hit; ttl=-1"),
    "error": (stale_error, "/pages/{}", 200, "hit; ttl=0; detail=error"),
    "error-compressed": (stale_error, "/long/{}", 200, "hit; ttl=0; detail=error"),
    "stale-and-failing": (
        stale_and_failing,
        "/pages/{}",
        200,
        "hit; ttl=-1; detail=error",
    ),
    "stale-and-failing-compressed": (
        stale_and_failing,
        "/long/{}",
        200,
        "hit; ttl=-1; detail=error",
    ),
    "expired": (expired, "/brief/{}", 200, "fwd=stale; stored"),
    "expired-compressed": (expired, "/long/{}", 200, "fwd=stale; stored"),
    "collapsed-compressed": (collapsed, "/long/{}", 200, "fwd=uri-miss; collapsed"),
    "head": (head, "/pages/{}", 200, "fwd=uri-miss; stored"),
    "head-compressed": (head, "/long/{}", 200, "fwd=uri-miss; stored"),
    "session": (member, "/greeting/{}", 200, "fwd=bypass; detail=session"),
    "not-static": (miss, "/visitor/{}", 200, 'fwd=bypass; detail="it sets a cookie"'),
    "draft": (draft, "/long/{}", 200, "fwd=bypass; detail=draft"),
    "method": (post, "/form/{}", 200, "fwd=method"),
    "gone": (hit, "/gone/{}", 404, "hit; ttl=60"),
    "not-listed": (miss, "/listed/{}", 404, "fwd=bypass; detail=not-listed"),
    "failing": (failing, "/long/{}", 500, "fwd=bypass; detail=error"),
    "failing-for-all": (failing_for_all, "/long/{}", 500, "fwd=uri-miss; detail=error"),
    "route-without-secret": (miss, "/api/revalidate?tag={}", 401, ""),
    "route-with-secret": (with_secret, "/api/revalidate?tag={}", 200, ""),
    "route-put": (
        lambda site, path: site.check(path, "PUT"),
        "/api/revalidate?tag={}",
        405,
        "",
    ),
}

# What REDbot holds against answers that are as they are meant to be: state to note.
EXCEPTIONS = {
    # RFC 9110, section 13.2.1: where the answer is no 2xx, conditions are ignored.
    "gone": "INM_FULL",
    # RFC 9110, section 9.3.3: that is so of GET. A POST's is kept by none that is told
    # nothing.
    "method": "FRESHNESS_HEURISTIC",
}

KINDS = [
    pytest.param(kind, marks=pytest.mark.xdist_group(f"redbot-{kind}"))
    for kind in ("gthread", "granian", "waitress")
]


@pytest.fixture(scope="module")
def farms(start_module_farm: StartFarm) -> dict[str, Farm]:
    """The servers that were started so far, by their kind."""
    return {}


@pytest.fixture
def site(
    request: pytest.FixtureRequest,
    farms: dict[str, Farm],
    start_module_farm: StartFarm,
    page: str,
) -> Site:
    """One process of the kind of server that the test names."""
    kind = request.param
    if kind not in farms:
        farms[kind] = start_module_farm(kind, 1, FLASK_SECRET_KEY="a key")
    return Site(farms[kind], page)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("site", KINDS, indirect=True)
def test_nothing_is_wrong(site: Site, state: str) -> None:
    """And the answer is that of the state, so that it was this state that was judged."""
    judge, path, status, cache_status = STATES[state]

    result = judge(site, path.format(site.name))

    told = result.headers.get("cache-status", "")
    assert (status, cache_status) == (result.status, told.removeprefix("Flask-ISR; "))
    # It asks for gzip after the page as it is.
    compressed = state.endswith(("-compressed", "-with-a-lifetime"))
    assert ("CONNEG_GZIP_GOOD" in result.names) == compressed
    excepted = EXCEPTIONS.get(state, "-")
    assert [fault for fault in result.faults if not fault.startswith(excepted)] == []


@pytest.mark.xdist_group("redbot-gthread")
@pytest.mark.parametrize("site", ["gthread"], indirect=True)
def test_what_is_wrong_is_found(site: Site) -> None:
    """Both in the first answer and by asking again: in two codings with one strong ETag,
    as a careless hook would make it, and with a lifetime that is none."""
    result = site.check("/wrong")

    names = {fault.partition(" ")[0] for fault in result.faults}
    assert {"CC_BAD_VALUE_TYPE", "VARY_ETAG_DOESNT_CHANGE"} <= names, names
