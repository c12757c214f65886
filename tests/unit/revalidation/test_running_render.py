"""An invalidation while a render is under way: never old content as fresh."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr import cache_tag
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Gate
from tests.support import InThread
from tests.support.shop import Shop

pytestmark = pytest.mark.promise(4)

PAGE = "/products/1"

Call: t.TypeAlias = t.Callable[..., None]

EXPIRING = {
    "path": lambda: revalidate_path(PAGE),
    "rule": lambda: revalidate_path("/products/<int:product_id>", match="rule"),
    "prefix": lambda: revalidate_path("/products", match="prefix"),
    "tag": lambda: revalidate_tag("product:1"),
    "refresh": lambda: revalidate_path(PAGE, mode="refresh"),
}

SOFT = {
    "path": lambda: revalidate_path(PAGE, mode="stale"),
    "rule": lambda: revalidate_path(
        "/products/<int:product_id>", match="rule", mode="stale"
    ),
    "prefix": lambda: revalidate_path("/products", match="prefix", mode="stale"),
    "tag": lambda: revalidate_tag("product:1", mode="stale"),
}


@pytest.fixture(params=["this process", "another process"])
def editor(request: pytest.FixtureRequest, shop: Shop, make_site: MakeSite) -> Shop:
    """The shop that invalidates: the one that renders, or another on its store."""
    return shop if request.param == "this process" else Shop(make_site())


def begin(shop: Shop) -> tuple[Gate, InThread]:
    """A visitor for whom the page is being rendered, from the old text."""
    gate = shop.stop_next_render()
    visitor = InThread(lambda: shop.see(PAGE))
    gate.wait()
    return gate, visitor


@pytest.mark.parametrize("call", EXPIRING.values(), ids=EXPIRING)
def test_a_render_that_began_before_does_not_bring_old_content_back(
    shop: Shop, editor: Shop, call: Call
) -> None:
    """Who comes after the call sees the change, while the old render runs and after it
    has landed; who came before may see either."""
    gate, early = begin(shop)
    shop.text = editor.text = "new"
    editor.call(call)
    assert shop.see(PAGE)[0] == "new"
    gate.open()
    assert early.result()[0] in ("old", "new")
    shop.site.settle()
    editor.site.settle()
    assert shop.see(PAGE) == ("new", "HIT")


@pytest.mark.parametrize("call", EXPIRING.values(), ids=EXPIRING)
def test_a_render_that_lands_after_the_call_is_expired(
    shop: Shop, editor: Shop, call: Call
) -> None:
    """With nobody in between, the old result is not served as fresh either."""
    gate, early = begin(shop)
    shop.text = editor.text = "new"
    done = InThread(lambda: editor.call(call))
    done.result()
    gate.open()
    early.result()
    assert shop.see(PAGE)[0] == "new"


@pytest.mark.parametrize("call", SOFT.values(), ids=SOFT)
def test_a_render_that_began_before_lands_stale(
    shop: Shop, editor: Shop, call: Call
) -> None:
    """mode="stale" marks what a running render brings: served once, and renewed."""
    gate, early = begin(shop)
    shop.text = editor.text = "new"
    editor.call(call)
    gate.open()
    early.result()
    assert shop.see(PAGE) == ("old", "STALE")
    shop.site.settle()
    assert shop.see(PAGE) == ("new", "HIT")


def test_refresh_waits_for_a_render_that_began_after_the_call(shop: Shop) -> None:
    """A running render, which may have read the old data, is not what was asked for."""
    gate, early = begin(shop)
    shop.text = "new"
    second = shop.stop_next_render()
    caller = InThread(lambda: shop.call(revalidate_path, PAGE, mode="refresh"))
    second.wait()
    gate.open()
    early.result()
    assert caller.is_alive()
    second.open()
    caller.result()
    assert shop.see(PAGE) == ("new", "HIT")


@pytest.mark.parametrize("first", ["older", "newer"])
def test_of_two_renders_the_newer_stays(shop: Shop, first: str) -> None:
    """Whichever lands first, the page shows what the render that began later read."""
    older, early = begin(shop)
    shop.text = "new"
    newer = shop.stop_next_render()
    caller = InThread(lambda: shop.call(revalidate_path, PAGE, mode="refresh"))
    newer.wait()
    landings = [(older, early), (newer, caller)]
    for gate, thread in landings if first == "older" else reversed(landings):
        gate.open()
        thread.result()
    assert shop.see(PAGE) == ("new", "HIT")


def test_a_tag_that_the_render_adds_late_counts_from_its_beginning(shop: Shop) -> None:
    """A tag is invalidated before the running render says that it has it."""
    gate = Gate()
    gates = [gate]

    @shop.site.app.get("/late")
    @static_page()
    def late() -> str:
        text = shop.text
        if gates:
            gates.pop().pass_through()
        cache_tag("found late")
        return text

    early = InThread(lambda: shop.see("/late"))
    gate.wait()
    shop.text = "new"
    shop.call(revalidate_tag, "found late")
    gate.open()
    early.result()
    assert shop.see("/late")[0] == "new"


def test_a_page_expired_all_the_time_is_still_served(shop: Shop) -> None:
    """A visitor waits for two renders at most, however often the tag expires meanwhile."""

    def show() -> str:
        shop.renders.append(PAGE)
        # Not on the stack of the render, where it is forbidden.
        InThread(lambda: shop.call(revalidate_tag, "products")).result()
        return "page"

    shop.show = show  # type: ignore[method-assign]
    for _ in range(3):
        shop.renders.clear()
        assert shop.see(PAGE)[0] == "page"
        assert len(shop.renders) <= 2
