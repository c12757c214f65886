"""Inside a request an invalidation takes effect twice: at once, and when Flask has
finished, so that a commit in between is seen."""

from __future__ import annotations

import threading
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import after_this_request
from flask import copy_current_request_context

from flask_isr import ISR
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from tests.support import SECRET
from tests.support import Clock
from tests.support import InThread
from tests.support import Site
from tests.support.shop import PAGE
from tests.support.shop import Shop
from tests.support.shop import check_new
from tests.support.shop import commit

pytestmark = pytest.mark.promise(4)

CALLS: dict[str, t.Callable[[], None]] = {
    "expire": lambda: revalidate_path(PAGE),
    "stale": lambda: revalidate_path(PAGE, mode="stale"),
    "refresh": lambda: revalidate_path(PAGE, mode="refresh"),
    "tag": lambda: revalidate_tag("products"),
    "prefix": lambda: revalidate_path("/products", match="prefix"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("where", ["view", "after_this_request", "after_request"])
def test_a_commit_after_the_call_is_seen(
    shop: Shop, call: t.Callable[[], None], where: str
) -> None:
    """The change is committed further down the view, or in a hook behind it."""
    app = shop.site.app

    @app.post("/edit")
    def edit() -> str:
        call()
        if where == "view":
            commit(shop)
        if where == "after_this_request":
            after_this_request(hook)
        return "saved"

    def hook(response: Response) -> Response:
        if response.get_data() == b"saved":
            commit(shop)
        return response

    if where == "after_request":
        app.after_request(hook)
    shop.warm(PAGE)
    assert shop.post("/edit").text == "saved"
    check_new(shop)


class EarlySite(Site):
    """A site with a teardown that was registered before the extension, and so runs after
    all others."""

    def __init__(self, folder: Path, clock: Clock, kind: str) -> None:
        self.clock = clock
        self.app = Flask("early", instance_path=str(folder))
        self.app.config["ISR_SECRET"] = SECRET
        self.last_words: list[t.Callable[[], None]] = []
        getattr(self.app, kind)(self._end)
        self.isr = ISR(self.app, clock=clock)

    def _end(self, error: BaseException | None) -> None:
        while self.last_words:
            self.last_words.pop()()


@pytest.fixture(params=["teardown_request", "teardown_appcontext"])
def early(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> t.Iterator[EarlySite]:
    """A site whose last teardown can be given something to do."""
    site = EarlySite(tmp_path, clock, request.param)
    yield site
    site.close()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_commit_in_the_last_teardown_is_seen(
    early: EarlySite, call: t.Callable[[], None]
) -> None:
    """Teardowns run in reverse order: this one was registered before the extension."""
    shop = Shop(early)

    @early.app.post("/edit")
    def edit() -> str:
        call()
        early.last_words.append(lambda: commit(shop))
        return "saved"

    shop.warm(PAGE)
    shop.post("/edit")
    check_new(shop)


def test_a_call_in_a_teardown_sees_a_commit_in_a_later_one(early: EarlySite) -> None:
    """A teardown that notes what was changed, before the one that commits it."""
    shop = Shop(early)

    @early.app.post("/edit")
    def edit() -> str:
        early.last_words += [lambda: commit(shop), lambda: revalidate_path(PAGE)]
        return "saved"

    shop.warm(PAGE)
    shop.post("/edit")
    check_new(shop)


@pytest.mark.parametrize("propagate", [False, True])
@pytest.mark.parametrize("where", ["view", "teardown"])
def test_an_error_after_the_call_does_not_lose_it(
    shop: Shop, where: str, propagate: bool
) -> None:
    """The view or a teardown raises after call and commit: the answer is an error, and
    the page is renewed all the same."""
    app = shop.site.app
    app.config["PROPAGATE_EXCEPTIONS"] = propagate
    failing: list[str] = []

    @app.post("/edit")
    def edit() -> str:
        revalidate_path(PAGE)
        commit(shop)
        failing.append(where)
        if where == "view":
            failing.clear()
            raise RuntimeError("after the commit")
        return "saved"

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        if failing:
            failing.clear()
            raise RuntimeError("after the commit")

    shop.warm(PAGE)
    if where == "view" and not propagate:
        assert shop.post("/edit").status_code == 500
    else:
        with pytest.raises(RuntimeError, match="after the commit"):
            shop.post("/edit")
    check_new(shop)


def test_background_renders_start_at_the_end_of_the_request(shop: Shop) -> None:
    """A render in the middle of the request would read what is not committed yet."""
    during: list[list[str]] = []

    @shop.site.app.post("/edit")
    def edit() -> str:
        revalidate_path(PAGE)
        shop.site.settle()
        during.append(shop.renders.copy())
        shop.text = "new"
        return "saved"

    shop.warm(PAGE)
    shop.renders.clear()
    shop.post("/edit")
    shop.site.settle()
    assert during == [[]]
    assert shop.renders == [PAGE]
    assert shop.see(PAGE) == ("new", "HIT")


def test_duplicates_merge(shop: Shop) -> None:
    """However often a request names a page or a tag, it is repeated once."""
    heard = shop.hear_revalidated()

    @shop.site.app.post("/edit")
    def edit() -> str:
        for _ in range(3):
            revalidate_path(PAGE)
            revalidate_tag("products", "blog", "products")
        return "saved"

    shop.post("/edit")
    assert heard == [([PAGE], ["products", "blog"], "expire")]


@pytest.mark.parametrize("context", ["request", "application"])
def test_a_thread_that_outlives_the_request_acts_at_once(
    shop: Shop, context: str
) -> None:
    """Nobody comes after it to repeat the call: it takes effect where it stands."""
    over, threads = threading.Event(), list[InThread]()
    heard = shop.hear_revalidated()

    @shop.site.app.post("/edit")
    def edit() -> str:
        def later() -> None:
            assert over.wait(20)
            revalidate_path(PAGE)

        if context == "request":
            threads.append(InThread(copy_current_request_context(later)))
        else:
            threads.append(InThread(lambda: shop.call(later)))
        return "saved"

    shop.warm(PAGE)
    shop.post("/edit")
    shop.text = "new"
    assert shop.see(PAGE) == ("old", "HIT")
    over.set()
    threads[0].result()
    assert heard == [([PAGE], [], "expire")]
    check_new(shop)


def test_a_thread_within_the_request_is_repeated_with_it(shop: Shop) -> None:
    """A call from a thread that carries the request's context, while that runs."""

    @shop.site.app.post("/edit")
    def edit() -> str:
        InThread(copy_current_request_context(lambda: revalidate_path(PAGE))).result()
        commit(shop)
        return "saved"

    shop.warm(PAGE)
    shop.post("/edit")
    check_new(shop)


def test_an_async_view_is_no_different(shop: Shop) -> None:
    """Flask runs it on another thread, with the request's context."""

    @shop.site.app.post("/edit")
    async def edit() -> str:
        revalidate_path(PAGE)
        commit(shop)
        return "saved"

    shop.warm(PAGE)
    shop.post("/edit")
    check_new(shop)


def test_a_call_after_a_request_acts_at_once(shop: Shop) -> None:
    """Not at the end of the request before it, whose body nobody has closed yet."""
    heard = shop.hear_revalidated()
    shop.warm(PAGE)
    answer = shop.site.get("/dynamic")
    shop.text = "new"
    shop.call(revalidate_path, PAGE)
    assert heard == [([PAGE], [], "expire")]
    shop.site.settle()
    assert shop.see(PAGE) == ("new", "HIT")
    answer.close()
