"""Varnish, as it is when installed, keeps nothing that a purge could not take back."""

from __future__ import annotations

import gzip
import typing as t
import uuid

import pytest

from tests.servers.conftest import StartFarm
from tests.servers.control import poll
from tests.servers.running import Answer
from tests.servers.running import Farm
from tests.servers.running import ask
from tests.stores.services import service

pytestmark = pytest.mark.xdist_group("varnish")


class Site:
    """A server with Varnish before it.

    :ivar name: of a page that nothing else asks for.
    """

    def __init__(self, farm: Farm, port: int) -> None:
        self.control = farm.control
        self.server = farm.servers[0]
        self.port = port
        self.name = f"p{uuid.uuid4().hex[:8]}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask Varnish for the page *path*."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.port, path.format(self.name), method, named)

    def shown(self, path: str) -> int:
        """The version of the page *path* that Varnish gives."""
        title = self.get(path).body.partition(b"</title>")[0]
        return int(title.rpartition(b" ")[2])


@pytest.fixture(scope="module")
def before(
    start_module_farm: StartFarm, tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[tuple[Farm, int]]:
    """A server, and the port of the Varnish before it."""
    farm = start_module_farm("gthread", 1, FLASK_SECRET_KEY="a key")
    folder = tmp_path_factory.mktemp("varnish")
    options = ["-F", "-j", "none", "-n", str(folder), "-a", "127.0.0.1:{port}"]
    backend = f"127.0.0.1:{farm.servers[0].port}"
    with service("varnishd", *options, "-b", backend) as port:
        # It listens before its first program is there.
        poll(lambda: ask(port, "/process").status == 200)
        yield farm, port


@pytest.fixture
def site(before: tuple[Farm, int]) -> Site:
    """Varnish, and a page that nobody has asked for."""
    return Site(*before)


@pytest.mark.parametrize("path", ["/long/{}", "/spoken/{}"])
def test_the_very_next_load_shows_what_changed(site: Site, path: str) -> None:
    """A purge of the page, or, where it is not static, a change of its data, needs no word
    to Varnish."""
    before = [site.shown(path) for _ in range(2)]
    site.control.publish(site.name)
    site.server.revalidate(f"tag=page:{site.name}")

    assert (before, site.shown(path)) == ([1, 1], 2)


def test_a_stale_page_is_not_kept(site: Site) -> None:
    """Though its view allows caches to keep it while it is fresh."""
    path = f"/lasting/{site.name}"
    site.server.ask(path)
    site.control.publish(site.name)
    site.control.close_gate(site.name)
    site.control.clock.advance(61)
    stale = site.shown(path)
    site.control.open_gate(site.name)
    poll(lambda: site.server.ask(path).state == "HIT")

    assert (stale, site.shown(path)) == (1, 2)


def test_what_a_view_allows_is_kept(site: Site) -> None:
    """Varnish is a cache: it keeps the very page for which it is told a lifetime."""
    path = "/lasting/{}"
    site.get(path)

    visits = site.control.visits
    kept = site.get(path)

    assert (200, visits) == (kept.status, site.control.visits)


@pytest.mark.parametrize("path", ["/long/{}", "/lasting/{}"])
def test_each_visitor_gets_the_coding_that_he_asks_for(site: Site, path: str) -> None:
    """In any order, kept by Varnish or not."""
    answers = [
        site.get(path, Accept_Encoding=coding)
        for coding in ("gzip", "identity", "gzip", "identity")
    ]

    codings = [answer.headers.get("content-encoding") for answer in answers]
    assert codings == ["gzip", None, "gzip", None]
    plain = answers[1].body
    assert [gzip.decompress(answers[n].body) for n in (0, 2)] == [plain, plain]


# That is Varnish: it sends all that it has.
@pytest.mark.lint_allows("HEADER_SHOULD_NOT_BE_IN_304")
@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("path", ["/long/{}", "/lasting/{}"])
def test_who_has_the_page_gets_304(site: Site, path: str, coding: str) -> None:
    """In each coding, by the ETag that Varnish passed on."""
    etag = site.get(path, Accept_Encoding=coding).headers["etag"]
    again = site.get(path, Accept_Encoding=coding, If_None_Match=etag)
    other = site.get(path, Accept_Encoding=coding, If_None_Match='"other"')

    assert (again.status, other.status) == (304, 200)


def test_what_is_of_one_visitor_is_kept_for_no_other(site: Site) -> None:
    """Neither a cookie nor an editor's draft."""
    cookies = [site.get("/visitor/{}").headers["set-cookie"] for _ in range(2)]
    runs = site.control.runs(site.name)
    draft = site.get("/preview", "POST").headers["set-cookie"].partition(";")[0]
    seen = [site.get("/long/{}", Cookie=draft).state, site.get("/long/{}").state]

    assert len(cookies) == 2
    assert len(runs) == 3
    assert seen == ["BYPASS", "MISS"]
