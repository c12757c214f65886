"""The five points of the tutorial, against the running example, on every worker."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.support.waiting import poll

from .running import TIMEOUT
from .running import RunningDemo

if TYPE_CHECKING:
    from .conftest import StartDemo

pytestmark = pytest.mark.xdist_group("example")


def new_name() -> str:
    """Make a name that no page has shown before."""
    return f"Renamed {uuid4().hex[:12]}"


def texts(pages: list[requests.Response]) -> set[str]:
    """Return the different bodies among successful answers."""
    assert {page.status_code for page in pages} == {200}
    return {page.text for page in pages}


def assert_shown(text: str, pages: list[requests.Response]) -> None:
    """Demand that every page is there and shows *text*."""
    assert all(text in body for body in texts(pages))


def test_a_page_that_never_expires_keeps_its_content(demo: RunningDemo) -> None:
    """Changed data does not show, nor after another path was revalidated."""
    before = texts(demo.load("/"))
    name = new_name()
    demo.change("PATCH", "products/19", {"name": name})
    assert texts(demo.load("/")) == before

    assert demo.revalidate(path="/products/19").status_code == 200
    assert_shown(name, demo.load("/products/19"))
    assert texts(demo.load("/")) == before


def test_a_page_with_a_lifetime_keeps_its_content_meanwhile(demo: RunningDemo) -> None:
    """A product page of 60 seconds shows nothing new when reloaded at once."""
    demo.revalidate(path="/products/2")
    before = texts(demo.load("/products/2"))
    demo.change("PATCH", "products/2", {"name": new_name()})
    assert len(before) == 1
    assert texts(demo.load("/products/2")) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_revalidated_page_shows_the_change_at_once(
    demo: RunningDemo, method: str
) -> None:
    """The very next load shows it, on every worker process."""
    name = new_name()
    demo.load("/products/2")
    demo.change("PATCH", "products/2", {"name": name})
    answer = demo.revalidate(method, path="/products/2")
    assert (answer.status_code, answer.json()["revalidated"]) == (200, True)
    assert_shown(name, demo.load("/products/2"))


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        pytest.param(
            {"secret": "wrong", "path": "/products/3"},
            401,
            "Invalid token",
            id="wrong secret",
        ),
        pytest.param({}, 400, "Path is required", id="no path"),
        pytest.param({"path": "products/3"}, 400, "", id="no leading slash"),
        pytest.param({"path": "/healthz"}, 404, "", id="not a static page"),
    ],
)
def test_a_bad_call_is_refused_and_changes_nothing(
    demo: RunningDemo, query: dict[str, str], status: int, message: str
) -> None:
    """The answer says what is wrong, and the page stays what it was."""
    demo.revalidate(path="/products/3")
    before = texts(demo.load("/products/3"))
    demo.change("PATCH", "products/3", {"name": new_name()})
    answer = demo.revalidate(**query)
    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert texts(demo.load("/products/3")) == before


def test_the_old_page_stays_when_the_cms_is_down(start_demo: StartDemo) -> None:
    """Revalidating answers 500, and every worker still serves the last good page."""
    demo = start_demo()
    before = texts(demo.load("/products/2"))
    os.kill(demo.pids["cms"], signal.SIGTERM)
    poll(lambda: "The CMS was stopped" in demo.output())

    answer = demo.revalidate(path="/products/2")
    assert answer.status_code == 500
    assert answer.json()["message"] == "Error revalidating"
    assert texts(demo.load("/products/2")) == before
    assert_shown("Hello from the workshop", demo.load("/blog/hello"))
    assert demo.stop() == 0


def test_the_webhook_of_the_cms_renews_a_post(demo: RunningDemo) -> None:
    """An edit that fires it shows on the post and on the pages that list it."""
    for path in ("/blog/hello", "/blog", "/"):
        demo.load(path, fresh=0)
    name = new_name()
    demo.change("PATCH", "posts/hello", {"title": name}, webhook=True)
    for path in ("/blog/hello", "/blog", "/"):
        assert_shown(name, demo.load(path))


def test_a_webhook_needs_only_the_slug(demo: RunningDemo) -> None:
    """``{"entry": {"slug": "hello"}}`` renews ``/blog/hello``."""
    name = new_name()
    demo.load("/blog/hello", fresh=0)
    demo.change("PATCH", "posts/hello", {"title": name})
    answer = demo.notify({"entry": {"slug": "hello"}})
    assert (answer.status_code, answer.json()["revalidated"]) == (200, True)
    assert_shown(name, demo.load("/blog/hello"))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="list"),
        pytest.param({}, id="empty"),
        pytest.param({"entry": "hello"}, id="entry is text"),
        pytest.param({"entry": {"slug": 7}}, id="slug is a number"),
        pytest.param({"entry": {"slug": ""}}, id="empty slug"),
        pytest.param({"entry": {"slug": "a/b"}}, id="slug with a slash"),
        pytest.param({"entry": {"slug": "x" * 5000}}, id="endless slug"),
        pytest.param({"model": "product", "entry": {"id": "2"}}, id="id is text"),
        pytest.param({"model": "product", "entry": {"id": -2}}, id="negative id"),
        pytest.param({"model": "author", "entry": {"slug": "hello"}}, id="other model"),
    ],
)
def test_a_webhook_with_a_bad_body_is_refused(demo: RunningDemo, body: Any) -> None:
    """The answer is a 400 with a message, never an error of the server."""
    answer = demo.notify(body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]


def test_a_webhook_that_is_not_json_is_refused(demo: RunningDemo) -> None:
    """A form, or broken JSON, is answered like any other bad body."""
    answer = requests.post(
        f"{demo.shop}/webhooks/cms",
        data="{broken",
        headers={
            "Authorization": f"Bearer {demo.secret}",
            "Content-Type": "application/json",
        },
        timeout=TIMEOUT,
    )
    assert answer.status_code == 400
    assert "Expected JSON" in answer.json()["message"]


def test_a_webhook_without_the_secret_is_refused(demo: RunningDemo) -> None:
    """A stranger cannot renew pages."""
    before = texts(demo.load("/blog/repair-week"))
    demo.change("PATCH", "posts/repair-week", {"title": new_name()})
    assert demo.notify({"entry": {"slug": "repair-week"}}, "wrong").status_code == 401
    assert texts(demo.load("/blog/repair-week")) == before


def test_several_paths_and_tags_are_renewed_in_one_call(demo: RunningDemo) -> None:
    """Two paths and two tags: all four pages show their changes."""
    pages = {
        "/products/5": ("products/5", "name"),
        "/products/6": ("products/6", "name"),
        "/blog/willow-harvest": ("posts/willow-harvest", "title"),
        "/blog/brass-left-alone": ("posts/brass-left-alone", "title"),
    }
    names = {path: new_name() for path in pages}
    for path, (entry, field) in pages.items():
        demo.load(path, fresh=0)
        demo.change("PATCH", entry, {field: names[path]})
    answer = demo.revalidate(
        "POST",
        path=["/products/5", "/products/6"],
        tag=["post:willow-harvest", "post:brass-left-alone"],
    )
    assert (answer.status_code, answer.json()["revalidated"]) == (200, True)
    for path, name in names.items():
        assert_shown(name, demo.load(path))


def test_a_new_product_appears_after_its_webhook(demo: RunningDemo) -> None:
    """Its address is a 404 before, and the page on every worker process after."""
    products: Any = demo.entry("products")
    path = f"/products/{products[-1]['id'] + 1}"
    assert {page.status_code for page in demo.load(path)} == {404}
    demo.load("/products", fresh=0)

    new = {**products[0], "name": new_name()}
    entry = demo.change("POST", "products", new, webhook=True)
    assert path == f"/products/{entry['id']}"
    assert_shown(new["name"], demo.load(path))
    assert_shown(new["name"], demo.load("/products"))


def test_a_deleted_product_disappears_after_its_webhook(demo: RunningDemo) -> None:
    """Its page becomes a 404 on every worker process, and the list forgets it."""
    name = demo.entry("products/90")["name"]
    for listed in ("/products/90", "/products"):
        assert_shown(name, demo.load(listed, fresh=0))
    demo.change("DELETE", "products/90", webhook=True)
    assert {page.status_code for page in demo.load("/products/90")} == {404}
    assert not any(f">{name}<" in body for body in texts(demo.load("/products")))


def test_every_page_is_there_and_says_when_it_was_rendered(demo: RunningDemo) -> None:
    """All static pages answer with the time of their render and a cache state."""
    entries: Any = [demo.entry("products"), demo.entry("posts")]
    paths = [f"/products/{product['id']}" for product in entries[0]]
    paths += [f"/blog/{post['slug']}" for post in entries[1]]
    with requests.Session() as session:
        for path in ["/", "/products", "/blog", *paths]:
            page = session.get(demo.shop + path, timeout=TIMEOUT)
            assert page.status_code == 200, path
            assert "data-rendered" in page.text, path
            assert page.headers["X-ISR-Cache"] in {"HIT", "STALE", "MISS"}, path
            assert page.headers["X-ISR-Cache"] not in page.text, path
