"""An invalidation that could not be recorded: it says so where it was called, or is made up
for in the background."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response

from flask_isr import StoreUnavailable
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr.background import retries
from tests.support.shop import Plug
from tests.support.shop import Shop
from tests.support.shop import have_old_page_stored
from tests.support.waiting import poll

pytestmark = pytest.mark.promise(6)

PAGE = "/products/1"


@pytest.mark.parametrize(
    "call",
    [
        lambda: revalidate_path(PAGE),
        lambda: revalidate_path(PAGE, mode="stale"),
        lambda: revalidate_path(PAGE, mode="refresh"),
        lambda: revalidate_path("/products", match="prefix"),
        lambda: revalidate_tag("products"),
    ],
    ids=["expire", "stale", "refresh", "prefix", "tag"],
)
@pytest.mark.parametrize("where", ["request", "outside"])
def test_the_caller_is_told_that_it_was_not_recorded(
    shop: Shop, plug: Plug, call: t.Callable[[], None], where: str
) -> None:
    """StoreUnavailable is raised where the call stands; nothing pretends it was done."""
    heard = shop.hear_revalidated()

    def act() -> None:
        plug.pull()
        try:
            with pytest.raises(StoreUnavailable, match="record the invalidation"):
                call()
        finally:
            plug.push()

    @shop.site.app.post("/edit")
    def edit() -> str:
        act()
        return "told"

    shop.warm(PAGE)
    shop.text = "new"
    if where == "request":
        assert shop.post("/edit").text == "told"
    else:
        shop.call(act)
    shop.site.settle()
    assert heard == []
    assert shop.see(PAGE) == ("old", "HIT")


def test_a_second_recording_that_fails_is_retried(
    shop: Shop,
    plug: Plug,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is logged as an error, the answer goes out all the same, and as soon as the
    store is back what was rendered before the commit is expired."""
    monkeypatch.setattr(retries, "_PAUSE", 0.01)
    heard = shop.hear_revalidated()

    @shop.site.app.post("/edit")
    def edit() -> str:
        revalidate_path(PAGE)
        have_old_page_stored(shop)
        return "saved"

    @shop.site.app.after_request
    def commit(response: Response) -> Response:
        if response.get_data() == b"saved":
            plug.pull()
            shop.text = "new"
        return response

    shop.warm(PAGE)
    answer = shop.post("/edit")
    assert (answer.status_code, answer.text) == (200, "saved")
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert PAGE in errors[0].getMessage()
    assert "is retried" in errors[0].getMessage()
    assert shop.see(PAGE)[0] == "new"
    assert heard == []
    plug.push()
    poll(lambda: heard != [])
    shop.site.settle()
    assert heard == [([PAGE], [], "expire")]
    assert shop.see(PAGE) == ("new", "HIT")


def test_visitors_are_served_while_the_store_is_gone(shop: Shop, plug: Plug) -> None:
    """Pages are rendered on the visitors' own requests, and are right."""
    shop.warm(PAGE)
    shop.text = "new"
    plug.pull()
    shop.site.clock.advance(2)
    shop.site.state.store.close()
    assert shop.see(PAGE) == ("new", "BYPASS")
    plug.push()
    assert shop.see(PAGE) == ("old", "HIT")
