"""Renders that ask the application for static pages themselves."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import current_app
from flask import g
from flask import request

from flask_isr import revalidate_path
from flask_isr import static_page

from ..conftest import MakeSite
from ..support import Gate
from ..support import InThread
from ..support import Site
from ..support import cache_state


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param)


class TestNested:
    """A render that asks the application for static pages."""

    def test_a_page_inside_a_page(self, any_level: Site) -> None:
        """A view that fetches another static page gets it, from the store later."""
        inner = itertools.count(1)

        @any_level.app.get("/inner")
        @static_page()
        def inner_page() -> str:
            return f"inner {next(inner)}"

        @any_level.app.get("/outer/<int:number>")
        @static_page()
        def outer_page(number: int) -> str:
            return f"outer with {current_app.test_client().get('/inner').text}"

        assert any_level.get("/outer/1").text == "outer with inner 1"
        assert any_level.get("/inner").text == "inner 2"
        assert any_level.get("/outer/2").text == "outer with inner 2"
        assert cache_state(any_level.get("/outer/1")) == "HIT"

    def test_a_page_inside_a_page_waits_for_no_flight(self, any_level: Site) -> None:
        """A nested page that another visitor's render is busy with is rendered in place:
        two pages that wait for each other would never end."""
        gate = Gate()
        first = itertools.count()

        @any_level.app.get("/inner")
        @static_page()
        def inner_page() -> str:
            if next(first) == 0:
                gate.pass_through()
            return "inner"

        @any_level.app.get("/outer")
        @static_page()
        def outer_page() -> str:
            return f"outer with {current_app.test_client().get('/inner').text}"

        slow = InThread(lambda: any_level.get("/inner").text)
        gate.wait()
        outer = InThread(lambda: any_level.get("/outer").text)

        assert outer.result() == "outer with inner"
        gate.open()
        assert slow.result() == "inner"

    def test_a_page_inside_itself_ends(self, any_level: Site) -> None:
        """A view that fetches its own page once does not wait for itself."""

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            if g.get("depth") or request.headers.get("X-Depth"):
                return "inside"
            headers = {"X-Depth": "1"}
            inside = current_app.test_client().get("/page", headers=headers)
            return f"page with {inside.text}"

        assert InThread(lambda: any_level.get("/page").text).result() == (
            "page with inside"
        )

    def test_a_view_that_calls_another(self, any_level: Site) -> None:
        """Calling a static page's function is calling the view."""

        @any_level.app.get("/products/<int:number>")
        @static_page()
        def product(number: int) -> str:
            return f"product {number}"

        @any_level.app.get("/")
        @static_page()
        def home() -> t.Any:
            return product(1)

        answers = [any_level.get("/") for _ in range(2)]

        assert "product 1" in answers[0].text
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]

    def test_a_page_must_not_invalidate(
        self, any_level: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """``revalidate_*`` inside a render is an error that says where to call it."""

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            revalidate_path("/page")
            return "page"

        any_level.get("/page")

        assert "were called while a static page is being rendered" in caplog.text
