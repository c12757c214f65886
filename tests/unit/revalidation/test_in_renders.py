"""Renders that write: a view counter whose commit calls ``revalidate_*``."""

from __future__ import annotations

import threading
import typing as t
from pathlib import Path

import pytest
from flask import abort
from flask import copy_current_request_context
from flask import g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy import text

from flask_isr import ConfigurationError
from flask_isr import NotAStaticPage
from flask_isr import StoreUnavailable
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import PATIENCE
from tests.support import Clock
from tests.support import InThread
from tests.support import Site
from tests.support import cache_state

Hook: t.TypeAlias = t.Callable[[int], object]


class Blog:
    """Posts that count their views, and a list of them that shows how many they have.

    :ivar hook: called with the number of a post when a view was committed.
    :ivar renders: of posts and list.
    :ivar status: of the posts.
    """

    def __init__(self, site: Site, hook: Hook, *, late: bool = False) -> None:
        self.site = site
        self.hook = hook
        self.views = {1: 0, 2: 0}
        self.renders = 0
        self.status = 200

        @site.app.teardown_appcontext
        def commit(error: BaseException | None) -> None:
            if g.get("viewed"):
                self.commit(g.viewed)

        @site.app.get("/posts/<int:number>")
        @static_page(60, tags=["posts", "post:{number}"])
        def post(number: int) -> str:
            self.renders += 1
            if late:
                g.viewed = number
            else:
                self.commit(number)
            if self.status != 200:
                abort(self.status)
            return f"post {number}"

        @site.app.get("/list")
        @static_page(tags=["list"])
        def listed() -> str:
            self.renders += 1
            return f"views: {self.views}"

    def commit(self, number: int) -> None:
        """Count a view; the hook hears of it, as of the commit of a session."""
        self.views[number] += 1
        self.hook(number)

    def ask(self, path: str) -> tuple[str | None, str]:
        """State and text of a page, with the work that it starts done."""
        answer = self.site.get(path)
        self.site.settle()
        return cache_state(answer), answer.text


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param)


#: How a page names itself.
OWN: dict[str, Hook] = {
    "tag": lambda number: revalidate_tag(f"post:{number}"),
    "stale": lambda number: revalidate_tag(f"post:{number}", mode="stale"),
    "shared": lambda number: revalidate_tag("posts"),
    "path": lambda number: revalidate_path(f"/posts/{number}"),
    "refresh": lambda number: revalidate_path(f"/posts/{number}", mode="refresh"),
    "rule": lambda number: revalidate_path("/posts/<int:number>", match="rule"),
    "prefix": lambda number: revalidate_path("/posts", match="prefix"),
}

#: How it names another one.
OTHER: dict[str, Hook] = {
    "tag": lambda number: revalidate_tag("list"),
    "both": lambda number: revalidate_tag("list", f"post:{number}"),
    "path": lambda number: revalidate_path("/list"),
    "refresh": lambda number: revalidate_path("/list", mode="refresh"),
    "rule": lambda number: revalidate_path("/list", match="rule"),
    "prefix": lambda number: revalidate_path("/list", match="prefix"),
}


@pytest.mark.parametrize("late", [False, True], ids=["in the view", "in a teardown"])
@pytest.mark.parametrize("how", OWN)
def test_a_page_does_not_invalidate_itself(
    any_level: Site, how: str, late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It is stored as any other, and one warning names the line."""
    blog = Blog(any_level, OWN[how], late=late)
    assert [blog.ask("/posts/1") for _ in range(3)] == [
        ("MISS", "post 1"),
        ("HIT", "post 1"),
        ("HIT", "post 1"),
    ]
    assert blog.renders == 1
    (record,) = caplog.records
    warning = record.getMessage()
    assert warning.startswith("/posts/1 (rule /posts/<int:number>) invalidates itself")
    assert "test_in_renders.py:" in warning


@pytest.mark.parametrize("late", [False, True], ids=["in the view", "in a teardown"])
@pytest.mark.parametrize("how", OTHER)
def test_what_it_writes_of_others_is_not_lost(
    any_level: Site, how: str, late: bool
) -> None:
    """The list is made anew, from what was committed."""
    blog = Blog(any_level, OTHER[how], late=late)
    assert blog.ask("/list")[1] == "views: {1: 0, 2: 0}"
    assert blog.ask("/posts/1") == ("MISS", "post 1")
    assert blog.ask("/list") == ("MISS", "views: {1: 1, 2: 0}")
    assert [blog.ask(path)[0] for path in ("/list", "/posts/1")] == ["HIT", "HIT"]


def test_in_mode_stale_too(any_level: Site) -> None:
    """The list is served once more."""
    blog = Blog(any_level, lambda number: revalidate_tag("list", mode="stale"))
    blog.ask("/list")
    blog.ask("/posts/1")
    assert blog.ask("/list") == ("STALE", "views: {1: 0, 2: 0}")
    assert blog.ask("/list") == ("HIT", "views: {1: 1, 2: 0}")


@pytest.mark.parametrize("status", [503, 402])
def test_whatever_comes_of_the_render(any_level: Site, status: int) -> None:
    """What was committed stays so, where the page fails or is not static."""
    blog = Blog(any_level, OTHER["tag"])
    blog.status = status
    blog.ask("/list")
    blog.ask("/posts/1")
    assert blog.ask("/list") == ("MISS", f"views: {blog.views}")


@pytest.mark.parametrize("mode", ["expire", "stale", "refresh"])
def test_pages_that_invalidate_each_other_rest_without_visitors(
    any_level: Site, clock: Clock, mode: t.Any
) -> None:
    """No render starts another one."""
    blog = Blog(
        any_level, lambda number: revalidate_path(f"/posts/{3 - number}", mode=mode)
    )
    for number in (1, 2, 1):
        blog.ask(f"/posts/{number}")
    clock.advance(61)
    blog.ask("/posts/1")
    before = blog.renders
    any_level.settle()
    assert blog.renders == before <= 5


def test_wrong_arguments_are_what_they_are_elsewhere(any_level: Site) -> None:
    """An error where it is called."""
    raised: list[type[Exception]] = []

    def hook(number: int) -> None:
        for name in ("nowhere", "/nowhere"):
            try:
                revalidate_path(name)
            except Exception as error:
                raised.append(type(error))
        try:
            revalidate_tag("")
        except ConfigurationError as error:
            raised.append(type(error))

    blog = Blog(any_level, hook)
    assert blog.ask("/posts/1")[0] == "MISS"
    assert raised == [ConfigurationError, NotAStaticPage, ConfigurationError]


@pytest.mark.slow
def test_a_store_that_is_gone_is_asked_again(
    any_level: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The page is answered, the log tells, and the list is made anew in the end."""
    blog = Blog(any_level, OTHER["tag"])
    blog.ask("/list")
    store = any_level.state.store
    invalidate, done = store.invalidate, threading.Event()
    down = [True]

    def fail_once(**tags: t.Any) -> t.Any:
        if down:
            down.clear()
            raise StoreUnavailable("write", OSError("unplugged"))
        mark = invalidate(**tags)
        done.set()
        return mark

    monkeypatch.setattr(store, "invalidate", fail_once)
    assert any_level.get("/posts/1").text == "post 1"
    assert "the invalidation of list could not be recorded" in caplog.text
    assert done.wait(PATIENCE)
    assert blog.ask("/list") == ("MISS", "views: {1: 1, 2: 0}")


def test_a_thread_of_the_view_counts_as_the_view(any_level: Site) -> None:
    """It has the request, and works for the render."""

    def hook(number: int) -> None:
        call = copy_current_request_context(lambda: OTHER["both"](number))
        InThread(call).result()

    blog = Blog(any_level, hook)
    blog.ask("/list")
    assert [blog.ask("/posts/1")[0] for _ in range(2)] == ["MISS", "HIT"]
    assert blog.ask("/list") == ("MISS", "views: {1: 1, 2: 0}")


def test_a_thread_that_outlives_the_render_acts_at_once(any_level: Site) -> None:
    """What it commits then is nobody's render any more."""
    go, done = threading.Event(), threading.Event()

    def hook(number: int) -> None:
        @copy_current_request_context
        def work() -> None:
            assert go.wait(PATIENCE)
            blog.views[number] += 1
            with any_level.app.app_context():
                revalidate_tag("list")
            done.set()

        threading.Thread(target=work, daemon=True).start()

    blog = Blog(any_level, hook)
    blog.ask("/posts/1")
    assert blog.ask("/list")[1] == "views: {1: 1, 2: 0}"
    go.set()
    assert done.wait(PATIENCE)
    assert blog.ask("/list") == ("MISS", "views: {1: 2, 2: 0}")


def test_a_commit_of_sqlalchemy(any_level: Site, tmp_path: Path) -> None:
    """Its event calls ``revalidate_tag``, for visitors' requests and for renders."""
    site = any_level
    site.app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/blog.sqlite"
    db = SQLAlchemy(site.app)
    with site.app.app_context():
        db.session.execute(text("create table post (views integer)"))
        db.session.execute(text("insert into post values (0)"))
        db.session.commit()

    @event.listens_for(db.session, "after_commit")
    def committed(session: t.Any) -> None:
        revalidate_tag("post", "list")

    @site.app.get("/post")
    @static_page(tags=["post"])
    def post() -> str:
        db.session.execute(text("update post set views = views + 1"))
        db.session.commit()
        return "post"

    @site.app.get("/list")
    @static_page(tags=["list"])
    def listed() -> str:
        return str(db.session.execute(text("select views from post")).scalar())

    assert site.get("/list").text == "0"
    assert [cache_state(site.get("/post")) for _ in range(3)] == ["MISS", "HIT", "HIT"]
    assert site.get("/list").text == "1"
