"""The signal `revalidated`: once, after the invalidation took effect."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask

from flask_isr import RevalidationError
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import signals
from tests.conftest import MakeSite
from tests.support.shop import BEARER
from tests.support.shop import Shop

PAGE = "/products/1"

CALLS: list[tuple[t.Callable[[], None], t.Any]] = [
    (lambda: revalidate_path(PAGE), ([PAGE], [], "expire")),
    (lambda: revalidate_path("/products/01"), (["/products/01"], [], "expire")),
    (lambda: revalidate_path(PAGE, mode="stale"), ([PAGE], [], "stale")),
    (
        lambda: revalidate_path("/blog/<slug>", match="rule"),
        (["/blog/<slug>"], [], "expire"),
    ),
    (lambda: revalidate_tag("a", "b c"), ([], ["a", "b c"], "expire")),
]


@pytest.mark.parametrize(("call", "expected"), CALLS)
def test_outside_of_a_request_it_is_sent_by_the_call(
    shop: Shop, call: t.Callable[[], None], expected: t.Any
) -> None:
    """Receivers learn what was named, as it was named, and the mode."""
    heard = shop.hear_revalidated()
    shop.call(call)
    assert heard == [expected]


@pytest.mark.parametrize(("call", "expected"), CALLS)
def test_inside_a_request_it_is_sent_at_the_end(
    shop: Shop, call: t.Callable[[], None], expected: t.Any
) -> None:
    """Not by the call, when what it names may be about to change."""
    heard = shop.hear_revalidated()

    @shop.site.app.post("/edit")
    def edit() -> str:
        call()
        assert heard == []
        return "saved"

    assert shop.post("/edit").text == "saved"
    assert heard == [expected]


@pytest.mark.parametrize("where", ["request", "outside"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_refresh_is_told_as_such_once(shop: Shop, where: str, fails: bool) -> None:
    """mode="refresh" is told once, as "refresh", and also where its render failed: the
    old page is expired all the same."""
    heard = shop.hear_revalidated()
    shop.error = RuntimeError("the CMS is down") if fails else None

    @shop.site.app.post("/edit")
    def edit() -> str:
        try:
            revalidate_path(PAGE, mode="refresh")
        except RevalidationError:
            assert fails
        return "saved"

    if where == "request":
        assert shop.post("/edit").text == "saved"
    else:
        shop.call(edit)
    assert heard == [([PAGE], [], "refresh")]


def test_a_receiver_finds_the_old_page_gone(shop: Shop) -> None:
    """The place to purge a CDN: a page that the CDN fetches from there on is new."""
    seen: list[str] = []

    def purge(sender: Flask, paths: list[str], **_: t.Any) -> None:
        seen.extend(shop.see(path)[0] for path in paths)

    shop.warm(PAGE)
    with signals.revalidated.connected_to(purge, shop.site.app):
        shop.text = "new"
        shop.call(revalidate_path, PAGE)
    assert seen == ["new"]


def test_a_receiver_that_raises_does_no_harm(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """The call returns, the page is renewed; the error is logged."""

    def purge(sender: Flask, **_: t.Any) -> None:
        raise RuntimeError("the CDN is down")

    shop.warm(PAGE)
    shop.text = "new"
    with signals.revalidated.connected_to(purge, shop.site.app):
        shop.call(revalidate_path, PAGE)
    assert "isr-revalidated" in caplog.text
    assert "the CDN is down" in caplog.text
    assert shop.see(PAGE)[0] == "new"


def test_only_the_application_that_invalidated_is_the_sender(
    shop: Shop, make_site: MakeSite
) -> None:
    """A receiver for one application hears nothing of another."""
    other = Shop(make_site())
    heard = other.hear_revalidated()
    shop.call(revalidate_tag, "products")
    assert heard == []


def test_the_route_sends_it_once(shop: Shop) -> None:
    """With all paths and tags of one call."""
    heard = shop.hear_revalidated()
    query = {"path": [PAGE, "/blog/a"], "tag": "x", "mode": "expire"}
    answer = shop.post("/api/revalidate", query_string=query, headers=BEARER)
    assert answer.status_code == 200
    assert heard == [([PAGE, "/blog/a"], ["x"], "expire")]


def test_nothing_is_sent_when_nothing_was_done(shop: Shop) -> None:
    """A call that was refused is no news."""
    heard = shop.hear_revalidated()
    with pytest.raises(LookupError):
        shop.call(revalidate_path, "/nowhere")
    shop.post("/api/revalidate", query_string={"path": "/nowhere"}, headers=BEARER)
    shop.post("/api/revalidate", query_string={"path": PAGE})
    assert heard == []
