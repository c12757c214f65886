"""The signals tell programs what the log tells people."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from flask import Flask

from flask_isr import cache_tag
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import signals
from flask_isr import static_page
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state

Heard: t.TypeAlias = list[dict[str, t.Any]]


@contextlib.contextmanager
def listening(signal: t.Any, app: Flask) -> t.Iterator[Heard]:
    """Collect what *signal* is sent with."""
    heard: Heard = []

    def receive(sender: Flask, **values: t.Any) -> None:
        heard.append(values)

    with signal.connected_to(receive, sender=app):
        yield heard


@pytest.fixture
def shop(site: Site) -> Site:
    """A site with tagged products; product 0 does not work."""

    @site.app.get("/products/<int:number>")
    @static_page(60, tags=["products"])
    def product(number: int) -> str:
        cache_tag(f"product:{number}")
        return str(10 // number)

    return site


def test_a_render_is_told(shop: Site) -> None:
    """``page_rendered`` names the page, its own tags, how long it took and its size."""
    with listening(signals.page_rendered, shop.app) as heard:
        shop.get("/products/2")
        shop.get("/products/2")

    assert len(heard) == 1
    seconds = heard[0].pop("seconds")
    assert 0 <= seconds < 20
    assert heard == [
        {"path": "/products/2", "tags": ["product:2", "products"], "size": 1}
    ]


def test_a_failure_is_told(shop: Site) -> None:
    """``render_failed`` names the page and the cause."""
    with listening(signals.render_failed, shop.app) as heard:
        shop.get("/products/0")

    assert [told["path"] for told in heard] == ["/products/0"]
    assert "ZeroDivisionError" in heard[0]["cause"]


@pytest.mark.parametrize("serve", ["wsgi", "view"])
def test_a_stale_answer_is_told(make_site: t.Any, clock: Clock, serve: str) -> None:
    """``stale_served`` is sent for each visitor who gets a page that is not fresh."""
    site = make_site(ISR_SERVE=serve)
    site.app.add_url_rule("/", "page", static_page(60)(lambda: "page"))
    with listening(signals.stale_served, site.app) as heard:
        site.get("/")
        site.get("/")
        assert heard == []
        clock.advance(61)
        assert cache_state(site.get("/")) == "STALE"

    assert heard == [{"path": "/"}]


def test_an_invalidation_is_told(shop: Site) -> None:
    """``revalidated`` names paths, tags and mode, when it has taken effect."""
    with listening(signals.revalidated, shop.app) as heard, shop.app.app_context():
        revalidate_path("/products/2", mode="stale")
        revalidate_tag("products", "product:1")

    assert heard == [
        {"paths": ["/products/2"], "tags": [], "mode": "stale"},
        {"paths": [], "tags": ["products", "product:1"], "mode": "expire"},
    ]


def test_inside_a_request_it_is_told_at_the_end(shop: Site) -> None:
    """A CDN that is purged by the signal must not fetch what is not committed yet."""
    told_inside = []
    with listening(signals.revalidated, shop.app) as heard:

        @shop.app.post("/edit")
        def edit() -> str:
            revalidate_tag("products")
            revalidate_tag("products")
            told_inside.append(len(heard))
            return "done"

        shop.app.test_client().post("/edit")

    assert told_inside == [0]
    assert heard == [{"paths": [], "tags": ["products"], "mode": "expire"}]


def test_a_receiver_that_fails_harms_nobody(
    shop: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception out of a receiver is logged; visitor and page go on."""

    def broken(sender: Flask, **values: t.Any) -> None:
        raise RuntimeError("no network")

    with signals.page_rendered.connected_to(broken, sender=shop.app):
        assert shop.get("/products/5").text == "2"

    assert cache_state(shop.get("/products/5")) == "HIT"
    assert "isr-page-rendered" in caplog.text
    assert "no network" in caplog.text


def test_other_apps_hear_nothing(shop: Site) -> None:
    """The sender of a signal is the application that it is about."""
    with listening(signals.page_rendered, Flask("other")) as heard:
        shop.get("/products/2")

    assert heard == []


def test_an_async_receiver_is_called(shop: Site) -> None:
    """A coroutine function may receive a signal."""
    heard: list[str] = []

    async def receive(sender: Flask, path: str, **values: t.Any) -> None:
        heard.append(path)

    with signals.page_rendered.connected_to(receive, sender=shop.app):
        shop.get("/products/2")

    assert heard == ["/products/2"]


def test_an_answer_that_nobody_closed_holds_nothing_back(shop: Site) -> None:
    """A call outside a request acts at once, though the last answer was not closed."""
    shop.app.add_url_rule("/dynamic", view_func=lambda: "dynamic", endpoint="dynamic")
    answer = shop.app.test_client().get("/dynamic")
    with listening(signals.revalidated, shop.app) as heard, shop.app.app_context():
        revalidate_tag("products")

        assert heard == [{"paths": [], "tags": ["products"], "mode": "expire"}]
    answer.close()
    assert len(heard) == 1
