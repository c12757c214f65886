"""Visitors who make up paths and parameters without end: all stays bounded, and the pages
that people read stay where they are."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import request
from werkzeug.test import create_environ
from werkzeug.test import run_wsgi_app

from flask_isr import revalidate_path
from flask_isr import static_page
from flask_isr.core.key import PageKey
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.store import Stored
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.records import entry
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state
from tests.unit.stores.conftest import MakeStore
from tests.unit.stores.conftest import folder
from tests.unit.stores.conftest import make_store

__all__ = ["folder", "make_store"]

pytestmark = pytest.mark.promise(7)

MEMORY = 128 * 1024
STORE = 256 * 1024

# How far the databases may go beyond that: what 64 renders write, and what is no page.
ROOM = 1024 * 1024

# What the log of a database may take.
LOG = 8 * 1024 * 1024


def _ignore(data: bytes) -> None:
    """What WSGI calls ``write``."""


class Shop:
    """A site with small limits.

    :ivar renders: how often each view ran.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.renders: dict[str, int] = {}
        pages = static_page(600, query=["page"])
        listed = static_page(600, paths=["/listed/a"], fallback=False)

        def note(name: str) -> str:
            self.renders[name] = self.renders.get(name, 0) + 1
            return f"{name} {request.args.get('page')}"

        @site.app.get("/open/<name>")
        @pages
        def open_(name: str) -> str:
            return note(name)

        @site.app.get("/listed/<name>")
        @listed
        def closed(name: str) -> str:
            return note(name)

        @site.app.get("/missing/<name>")
        @static_page(600)
        def missing(name: str) -> Response:
            note(name)
            abort(404)

        @site.app.get("/down/<name>")
        @static_page(600)
        def down(name: str) -> str:
            note(name)
            raise RuntimeError("x" * 5000)

    def bytes_on_disk(self, pattern: str) -> int:
        """All files of the folder with such a name."""
        folder = self.site.state.settings.folder
        return sum(path.stat().st_size for path in folder.glob(pattern))

    def flood(self, urls: t.Iterable[str], *, hot: str) -> None:
        """Ask for each of *urls*, and now and then for a page that people read."""
        wsgi = self.site.app.wsgi_app
        visit = create_environ("/")
        for number, url in enumerate(urls):
            path, _, query = url.partition("?")
            environ = {**visit, "PATH_INFO": path, "QUERY_STRING": query}
            close = getattr(wsgi(environ, lambda *_: _ignore), "close", None)
            if close is not None:
                close()
            if number % 20 == 0:
                assert cache_state(self.site.get(hot)) == "HIT"
        self.site.settle()

    def assert_bounded(self) -> None:
        """Memory and disk are what they may be."""
        memory = self.site.state.memory
        assert memory.bytes <= MEMORY
        assert sum(len(variants.items) for variants in memory.variants.values()) == len(
            memory
        )
        assert all(variants.items for variants in memory.variants.values())
        assert self.bytes_on_disk("*.sqlite") < STORE + ROOM
        for name in ("pages", "work"):
            assert self.bytes_on_disk(f"{name}.sqlite-wal") < LOG


@pytest.fixture
def shop(make_site: MakeSite, clock: Clock) -> Shop:
    """The site, with a page that people read, in two variants."""
    site = make_site(ISR_MEMORY_BYTES=MEMORY, ISR_STORE_BYTES=STORE)
    shop = Shop(site)
    for _ in range(3):
        site.get("/open/hot")
        site.get("/open/hot?page=2")
        # What was served from memory is told to the store once a minute.
        clock.advance(61)
    site.get("/open/hot")
    site.settle()
    return shop


@pytest.mark.parametrize(
    ("number", "same_path"),
    [
        pytest.param(200_000, False, id="paths"),
        pytest.param(20_000, True, id="variants"),
    ],
)
def test_memory_holds_its_bound_whatever_the_keys(
    make_store: MakeStore, number: int, same_path: bool
) -> None:
    """Of 200,000 pages it keeps as many as it may, be they paths or variants of one path,
    and the one that is read."""
    memory = LocalCache(make_store(), MEMORY)
    memory.sync()
    order = memory.synced
    assert isinstance(order, int)
    page = entry(PageKey("/p/<n>", "/p/hot"), order)

    def add(key: PageKey) -> None:
        record = dataclasses.replace(page, key=key)
        memory.add(Stored(record, FRESH, FRESH, order, order), ("q",))

    add(page.key)
    for count in range(number):
        path, query = ("/p/x", str(count)) if same_path else (f"/p/{count}", "")
        add(PageKey("/p/<n>", path, (("q", query),)))
        if count % 20 == 0:
            assert memory.get(page.key) is not None, count

    assert MEMORY * 0.9 < memory.bytes <= MEMORY
    assert len(memory) < 50
    assert sum(len(variants.items) for variants in memory.variants.values()) == len(
        memory
    )


def test_parameters_that_a_page_does_not_declare_cost_nothing(shop: Shop) -> None:
    """Tens of thousands of them get the stored page; memory and store do not change."""
    before = shop.site.state.memory.bytes, shop.bytes_on_disk("*")
    urls = (f"/open/hot?utm={number}&x={number}" for number in range(40_000))
    shop.flood(urls, hot="/open/hot")

    assert (shop.site.state.memory.bytes, shop.bytes_on_disk("*")) == before
    assert shop.renders == {"hot": 2}


@pytest.mark.parametrize(
    "url",
    ["/open/{}", "/open/x?page={}", "/open/hot?page=x{}", "/missing/{}"],
    ids=["paths", "variants", "variants of a hot page", "missing"],
)
def test_made_up_pages_push_out_no_page_that_is_read(shop: Shop, url: str) -> None:
    """Hundreds of them, more than all may take."""
    shop.flood((url.format(number) for number in range(600)), hot="/open/hot")
    shop.assert_bounded()

    # A worker that starts anew has nothing but the store.
    shop.site.state.memory.clear()
    for hot in ("/open/hot", "/open/hot?page=2"):
        assert cache_state(shop.site.get(hot)) == "HIT"


def test_pages_that_fail_fill_nothing(shop: Shop) -> None:
    """Each costs its own visitor two runs of the view, and leaves a note that is bounded
    in number."""
    shop.flood((f"/down/{number}" for number in range(200)), hot="/open/hot")
    shop.assert_bounded()
    assert all(runs <= 2 for runs in shop.renders.values())
    assert len(list(shop.site.state.store.overview())) == 2


def test_unlisted_pages_cost_no_render(shop: Shop) -> None:
    """Nor anything that stays."""
    shop.site.get("/listed/a")
    before = shop.site.state.memory.bytes
    shop.flood((f"/listed/{number}" for number in range(500)), hot="/open/hot")
    shop.assert_bounded()
    assert shop.renders == {"hot": 2, "a": 1}
    assert shop.site.state.memory.bytes == before


def test_variants_without_end_do_not_hold_up_an_invalidation(shop: Shop) -> None:
    """It counts for all of them at once, however many there are; in the background a few
    are rendered, and the others when they are asked for."""
    variants = 100
    for number in range(variants):
        shop.site.get(f"/open/x?page={number}")
    with shop.site.app.app_context():
        revalidate_path("/open/x")
    shop.site.settle()
    assert variants <= shop.renders["x"] <= variants + 16

    states = [
        cache_state(shop.site.get(f"/open/x?page={number}"))
        for number in range(variants)
    ]
    assert states.count("HIT") <= 16
    assert shop.renders["x"] == 2 * variants


def test_made_up_mount_prefixes_fill_no_log(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy may leave it to strangers what they are."""
    for number in range(5):
        environ = create_environ("/open/x")
        environ["SCRIPT_NAME"] = f"/made-up-{number}"
        _, status, _ = run_wsgi_app(shop.site.app.wsgi_app, environ)
        assert status == "200 OK"

    assert caplog.text.count("requests come in mounted at") == 1
