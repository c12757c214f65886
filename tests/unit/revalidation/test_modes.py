"""What visitors get after an invalidation, by its mode; no render is under way."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from flask_isr import RevalidationError
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from tests.conftest import MakeSite
from tests.support.shop import Shop

PAGE = "/products/1"


@pytest.fixture(params=["this process", "another process"])
def reader(request: pytest.FixtureRequest, shop: Shop, make_site: MakeSite) -> Shop:
    """The shop of the visitors: the one that invalidates, or another on its store."""
    reader = shop if request.param == "this process" else Shop(make_site())
    reader.warm(PAGE)
    return reader


def change(shop: Shop, reader: Shop) -> None:
    """Change the text that both processes show."""
    shop.text = reader.text = "new"


@pytest.mark.promise(4)
def test_an_expired_page_is_never_served_as_fresh(shop: Shop, reader: Shop) -> None:
    """mode="expire": the very next visitor sees the change, whoever renders it."""
    change(shop, reader)
    shop.call(revalidate_path, PAGE)
    assert reader.see(PAGE)[0] == "new"
    shop.site.settle()
    assert reader.see(PAGE) == ("new", "HIT")


def test_an_expired_tag_is_rendered_by_the_next_visitor(
    shop: Shop, reader: Shop
) -> None:
    """mode="expire" for a tag renders nothing by itself: it may name a million pages."""
    change(shop, reader)
    reader.renders.clear()
    shop.call(revalidate_tag, "product:1")
    shop.site.settle()
    assert reader.renders == []
    assert reader.see(PAGE) == ("new", "MISS")
    assert reader.see(PAGE) == ("new", "HIT")
    assert reader.renders == [PAGE]


def test_an_expired_page_is_rendered_before_anybody_asks(shop: Shop) -> None:
    """mode="expire" for a stored page named by its path renders it in the background."""
    shop.warm(PAGE)
    shop.text = "new"
    shop.call(revalidate_path, PAGE)
    shop.site.settle()
    assert shop.see(PAGE) == ("new", "HIT")


def test_all_stored_variants_of_a_path_are_rendered(shop: Shop) -> None:
    """A path without a query string stands for each of its variants."""
    shop.warm("/list", "/list?page=2")
    shop.text = "new"
    shop.call(revalidate_path, "/list")
    shop.site.settle()
    assert shop.see("/list") == ("new 1", "HIT")
    assert shop.see("/list?page=2") == ("new 2", "HIT")


def test_a_page_that_is_not_stored_is_not_rendered_for_nobody(shop: Shop) -> None:
    """mode="expire" of a page that nobody visited yet costs no render."""
    shop.call(revalidate_path, PAGE)
    shop.site.settle()
    assert shop.renders == []
    assert shop.see(PAGE) == ("old", "MISS")


@pytest.mark.promise(1)
@pytest.mark.parametrize("how", ["path", "prefix", "rule", "tag"])
def test_a_stale_page_is_served_once_more(shop: Shop, reader: Shop, how: str) -> None:
    """mode="stale": the next visitor gets the old page, marked; the one after the new."""
    change(shop, reader)
    reader.renders.clear()
    match how:
        case "tag":
            shop.call(revalidate_tag, "product:1", mode="stale")
        case "rule":
            rule = "/products/<int:product_id>"
            shop.call(revalidate_path, rule, match="rule", mode="stale")
        case _:
            shop.call(revalidate_path, PAGE, match=how, mode="stale")
    shop.site.settle()
    assert reader.renders == []
    assert reader.see(PAGE) == ("old", "STALE")
    reader.site.settle()
    assert reader.see(PAGE) == ("new", "HIT")


@pytest.mark.parametrize("calls", [["expire", "stale"], ["stale", "expire"]])
def test_stale_does_not_soften_an_expire(
    shop: Shop, calls: list[t.Literal["expire", "stale"]]
) -> None:
    """The stricter of two invalidations counts, in whichever order they come."""
    shop.warm(PAGE)
    shop.text = "new"
    for mode in calls:
        shop.call(revalidate_tag, "products", mode=mode)
    assert shop.see(PAGE) == ("new", "MISS")


def test_refresh_returns_when_the_new_page_is_in_place(
    shop: Shop, reader: Shop
) -> None:
    """mode="refresh": the caller waits, the next visitor finds the page new."""
    change(shop, reader)
    shop.call(revalidate_path, PAGE, mode="refresh")
    assert reader.see(PAGE) == ("new", "HIT")


def test_refresh_renders_a_page_that_nobody_visited_yet(shop: Shop) -> None:
    """mode="refresh" asks for the page itself, stored or not."""
    shop.call(revalidate_path, "/list?page=7", mode="refresh")
    assert shop.renders == ["/list"]
    assert shop.see("/list?page=7") == ("old 7", "HIT")


@pytest.mark.promise(3)
@pytest.mark.parametrize("mode", ["expire", "refresh"])
def test_the_last_good_page_stands_in_for_a_failing_render(
    shop: Shop, mode: str
) -> None:
    """The page stays expired and its last good copy is served, marked; it recovers."""
    shop.warm(PAGE)
    shop.error = RuntimeError("the CMS is down")
    refresh = pytest.raises(RevalidationError, match="the CMS is down")
    with refresh if mode == "refresh" else contextlib.nullcontext():
        shop.call(revalidate_path, PAGE, mode=mode)
    shop.site.settle()
    assert shop.see(PAGE) == ("old", "STALE")
    shop.error, shop.text = None, "new"
    shop.site.clock.advance(120)
    # Nobody waits while the last attempt has failed.
    shop.see(PAGE)
    shop.site.settle()
    assert shop.see(PAGE) == ("new", "HIT")


def test_a_failed_refresh_names_path_and_cause(shop: Shop) -> None:
    """RevalidationError carries why which page was not renewed, and says what is served."""
    shop.warm(PAGE)
    shop.error = RuntimeError("the CMS is down")
    with pytest.raises(
        RevalidationError, match="last good copies, if there are any, are"
    ) as caught:
        shop.call(revalidate_path, PAGE, mode="refresh")
    assert set(caught.value.failures) == {PAGE}
    assert "RuntimeError: the CMS is down" in caught.value.failures[PAGE]
    assert caught.value.pending == ()


def test_a_slow_refresh_names_the_path_as_pending(impatient: Shop) -> None:
    """Whoever waited ISR_WAIT_TIMEOUT learns what is still rendering; it is finished."""
    impatient.warm(PAGE)
    impatient.text = "new"
    gate = impatient.stop_next_render()
    with pytest.raises(RevalidationError, match="still rendering") as caught:
        impatient.call(revalidate_path, PAGE, mode="refresh")
    assert caught.value.pending == (PAGE,)
    assert caught.value.failures == {}
    assert impatient.see(PAGE) == ("old", "STALE")
    gate.open()
    impatient.site.settle()
    assert impatient.see(PAGE) == ("new", "HIT")


def test_revalidating_forgets_the_back_off(shop: Shop) -> None:
    """A page that failed a moment ago is tried at once when its path is revalidated."""
    shop.warm(PAGE)
    shop.error = RuntimeError("the CMS is down")
    shop.call(revalidate_path, PAGE)
    shop.site.settle()
    shop.error, shop.text = None, "new"
    shop.call(revalidate_path, PAGE, mode="refresh")
    assert shop.see(PAGE) == ("new", "HIT")
