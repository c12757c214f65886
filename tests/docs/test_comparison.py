"""The page "Beside Next.js and Flask-Caching": what it says of Flask-Caching is so."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass

import pytest
from flask import Flask
from flask import session
from flask_caching import Cache

from flask_isr import ISR
from flask_isr import revalidate_path
from flask_isr import static_page
from flask_isr.testing import ISRTester

from ..support import PATIENCE

View: t.TypeAlias = t.Callable[[], str]


@pytest.fixture
def app() -> Flask:
    """An application with both extensions."""
    app = Flask(__name__)
    app.secret_key = "a key"
    ISR(app)
    return app


@pytest.fixture
def cache(app: Flask) -> Cache:
    """Pages in the memory of the process, for ever."""
    return Cache(app, config={"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 0})


@dataclass
class Kept:
    """How a page is kept by one of the two.

    :param by: its name.
    :param decorator: what keeps the page.
    :param forget: what is called when its data changed.
    """

    by: str
    decorator: t.Callable[[View], View]
    forget: t.Callable[[], object]


@pytest.fixture(params=["Flask-Caching", "Flask-ISR"])
def kept(request: pytest.FixtureRequest, cache: Cache) -> Kept:
    """Each of the two."""
    if request.param == "Flask-ISR":
        return Kept(request.param, static_page(), lambda: revalidate_path("/"))
    return Kept(request.param, cache.cached(), lambda: cache.delete("view//"))


def test_what_the_first_visitor_was_shown(app: Flask, kept: Kept) -> None:
    """Is what the others are shown by one, and never by the other."""

    @app.get("/")
    @kept.decorator
    def home() -> str:
        return f"Hello, {session.get('name', 'whoever you are')}."

    with ISRTester(app):
        ada = app.test_client()
        with ada.session_transaction() as opened:
            opened["name"] = "Ada"
        assert ada.get("/").text == "Hello, Ada."
        others = app.test_client().get("/").text
    anonymous = "Hello, whoever you are."
    assert others == (anonymous if kept.by == "Flask-ISR" else "Hello, Ada.")


def test_a_render_that_fails(app: Flask, cache: Cache) -> None:
    """Its visitor gets the error, or the last good page."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    works = True

    def view() -> str:
        if not works:
            raise RuntimeError("the database is gone")
        return "works"

    app.get("/cached", endpoint="cached")(cache.cached()(view))
    app.get("/static", endpoint="static_one")(static_page(expire=60)(view))
    with ISRTester(app) as tester:
        client = app.test_client()
        client.get("/cached")
        client.get("/static")
        works = False
        cache.clear()
        tester.clock.advance(61)
        assert client.get("/cached").status_code == 500
        assert client.get("/static").text == "works"


def test_a_render_that_is_under_way(app: Flask, kept: Kept) -> None:
    """Brings the old content back with one, and not with the other."""
    text, began, goes_on = "old", threading.Event(), threading.Event()

    @app.get("/")
    @kept.decorator
    def home() -> str:
        shown = text
        began.set()
        assert goes_on.wait(PATIENCE)
        return shown

    with ISRTester(app):
        first = threading.Thread(target=lambda: app.test_client().get("/"))
        first.start()
        assert began.wait(PATIENCE)
        text = "new"
        with app.app_context():
            kept.forget()
        goes_on.set()
        first.join(PATIENCE)
        later = app.test_client().get("/").text
    assert later == ("new" if kept.by == "Flask-ISR" else "old")
