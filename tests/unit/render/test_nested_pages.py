"""Renders that ask the application for static pages themselves."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import copy_current_request_context
from flask import current_app
from flask import g
from flask import request

from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Gate
from tests.support import InThread
from tests.support import Site
from tests.support import cache_state


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


Inside: t.TypeAlias = t.Callable[[int], str]


def by_call(product: t.Callable[..., t.Any]) -> Inside:
    """Call the view as a function."""
    return lambda number: f"{product(number=number)}"


def by_position(product: t.Callable[..., t.Any]) -> Inside:
    """The same, as one calls functions."""
    return lambda number: f"{product(number)}"


def by_thread(product: t.Callable[..., t.Any]) -> Inside:
    """The same, in a thread that has the request."""

    def show(number: int) -> str:
        call = copy_current_request_context(lambda: f"{product(number)}")
        return str(InThread(call).result())

    return show


class Shop:
    """A home page that shows a product, whose page is static itself.

    :ivar stock: products and what is said of them.
    """

    def __init__(self, site: Site, show: t.Callable[[t.Any], Inside], **how: t.Any):
        self.site = site
        self.stock = {1: "one", 2: "two"}

        @site.app.get("/products/<int:number>")
        @static_page(**how)
        def product(number: int, extra: str = "") -> Response:
            # Text that shows in an f-string.
            return Text(f"{self.stock[number]}{extra}")

        inside = show(product)

        @site.app.get("/")
        @static_page()
        def home() -> str:
            return f"home of {inside(1)}"

    def home(self) -> tuple[str | None, str]:
        """State and text of the home page."""
        answer = self.site.get("/")
        self.site.settle()
        return cache_state(answer), answer.text


class Text(Response):
    """An answer whose text is its string."""

    def __str__(self) -> str:
        """The text."""
        return self.get_data(as_text=True)


def tag_of(number: int) -> list[str]:
    """A callable that makes tags."""
    return [f"product:{number}"]


@pytest.mark.parametrize("show", [by_call, by_position, by_thread])
class TestWhatIsInside:
    """A page that shows another one is as old as that, and goes when that goes."""

    @pytest.mark.parametrize("tags", [["products", "product:{number}"], tag_of])
    def test_tags_join(self, any_level: Site, show: t.Any, tags: t.Any) -> None:
        """Those of the product are the home page's too, those of others are not."""
        shop = Shop(any_level, show, tags=tags)
        assert shop.home() == ("MISS", "home of one")
        shop.stock = {1: "uno", 2: "due"}

        with any_level.app.app_context():
            revalidate_tag("product:2")
        assert shop.home() == ("HIT", "home of one")
        with any_level.app.app_context():
            revalidate_tag("product:1")
        assert shop.home() == ("MISS", "home of uno")

    def test_lifetimes_join(self, any_level: Site, clock: Clock, show: t.Any) -> None:
        """The lowest counts, as elsewhere."""
        shop = Shop(any_level, show, revalidate=60, expire=600)
        clock.advance(50)
        assert shop.home() == ("MISS", "home of one")
        shop.stock = {1: "uno"}
        clock.advance(61)
        assert shop.home()[0] == "STALE"
        clock.advance(601)
        assert shop.home() == ("MISS", "home of uno")

    def test_what_shows_it_in_place_of_its_own(
        self, any_level: Site, show: t.Any
    ) -> None:
        """An error handler of the home page shows a product: its tags count."""
        shop = Shop(any_level, show, tags=["product:{number}"])
        inside = show(any_level.app.view_functions["product"])

        @any_level.app.errorhandler(410)
        def sold_out(error: Exception) -> tuple[str, int]:
            return f"instead: {inside(2)}", 410

        @any_level.app.get("/sold")
        @static_page()
        def sold() -> str:
            abort(410)

        assert any_level.get("/sold").text == "instead: two"
        shop.stock = {2: "due"}
        with any_level.app.app_context():
            revalidate_tag("product:2")
        assert any_level.get("/sold").text == "instead: due"


def test_tags_that_a_call_does_not_give_keep_the_page_out(
    any_level: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A tag of a value that the URL alone has: the page could not be found by it."""

    @any_level.app.url_value_preprocessor
    @any_level.isr.skip_on_hit
    def take_language(endpoint: str | None, values: t.Any) -> None:
        g.language = (values or {}).pop("language", "en")

    @any_level.app.get("/<language>/about")
    @static_page(tags=["about:{language}"])
    def about() -> str:
        return f"about in {g.language}"

    @any_level.app.get("/")
    @static_page()
    def home() -> t.Any:
        return about()

    assert [cache_state(any_level.get("/de/about")) for _ in range(2)] == [
        "MISS",
        "HIT",
    ]
    for _ in range(2):
        answer = any_level.get("/")
        assert (answer.status_code, answer.text) == (200, "about in en")
        assert answer.headers["Cache-Status"] == "Flask-ISR; fwd=bypass; detail=tags"
    assert "its tags cannot be used: " in caplog.text
    assert "in home(): the tags of the static page 'about'" in caplog.text


def test_many_pages_inside_have_too_many_tags(any_level: Site) -> None:
    """128 of one page count together, as they do elsewhere."""
    number = [43]

    @any_level.app.get("/parts/<int:number>")
    @static_page(tags=["a:{number}", "b:{number}", "c:{number}"])
    def part(number: int) -> str:
        return "part"

    @any_level.app.get("/")
    @static_page()
    def home() -> str:
        for each in range(number[0]):
            part(each)
        return "home"

    assert cache_state(any_level.get("/")) == "BYPASS"
    number[0] = 42
    with any_level.app.app_context():
        revalidate_path("/")
    assert cache_state(any_level.get("/")) == "MISS"
