"""Every kind of view can be a static page."""

from __future__ import annotations

import functools
import itertools
import typing as t

import pytest
from flask import Blueprint
from flask import Response
from flask import request
from flask.views import MethodView
from flask.views import View

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

Count: t.TypeAlias = t.Iterator[int]
Register: t.TypeAlias = t.Callable[[Site, Count], None]


def function(site: Site, count: Count) -> None:
    """A plain function."""

    @site.app.get("/pages/<int:number>")
    @static_page()
    def page(number: int) -> str:
        return f"{number}: {next(count)}"


def wrong_order(site: Site, count: Count) -> None:
    """The decorator above the route, instead of below it."""

    @static_page()
    @site.app.get("/pages/<int:number>")
    def page(number: int) -> str:
        return f"{number}: {next(count)}"


def coroutine(site: Site, count: Count) -> None:
    """An async view."""

    @site.app.get("/pages/<int:number>")
    @static_page()
    async def page(number: int) -> str:
        return f"{number}: {next(count)}"


def partial(site: Site, count: Count) -> None:
    """A callable without a name."""

    def page(prefix: str, number: int) -> str:
        return f"{prefix}{number}: {next(count)}"

    view = static_page()(functools.partial(page, ""))
    site.app.add_url_rule("/pages/<int:number>", "page", view)


def class_with_decorators(site: Site, count: Count) -> None:
    """A class that names the decorator."""

    class Page(View):
        decorators: t.ClassVar = [static_page()]

        def dispatch_request(self, number: int) -> str:  # type: ignore[override]
            return f"{number}: {next(count)}"

    site.app.add_url_rule("/pages/<int:number>", view_func=Page.as_view("page"))


def method_view_decorated(site: Site, count: Count) -> None:
    """A class whose view is decorated."""

    class Page(MethodView):
        def get(self, number: int) -> str:
            return f"{number}: {next(count)}"

        def post(self, number: int) -> str:
            return "posted"

    view = static_page()(Page.as_view("page"))
    site.app.add_url_rule("/pages/<int:number>", view_func=view)


def async_class(site: Site, count: Count) -> None:
    """A class with an async method."""

    class Page(MethodView):
        decorators: t.ClassVar = [static_page()]

        async def get(self, number: int) -> str:
            return f"{number}: {next(count)}"

    site.app.add_url_rule("/pages/<int:number>", view_func=Page.as_view("page"))


def blueprint(site: Site, count: Count) -> None:
    """A blueprint's view."""
    pages = Blueprint("pages", __name__, url_prefix="/pages")

    @pages.get("/<int:number>")
    @static_page()
    def page(number: int) -> str:
        return f"{number}: {next(count)}"

    site.app.register_blueprint(pages)


def blueprint_wrong_order(site: Site, count: Count) -> None:
    """A blueprint's view with the decorator above the route."""
    pages = Blueprint("pages", __name__, url_prefix="/pages")

    @static_page()
    @pages.get("/<int:number>")
    def page(number: int) -> str:
        return f"{number}: {next(count)}"

    site.app.register_blueprint(pages)


def nested_blueprint(site: Site, count: Count) -> None:
    """A view of a blueprint in a blueprint."""
    outer = Blueprint("outer", __name__, url_prefix="/pages")
    inner = Blueprint("inner", __name__)

    @inner.get("/<int:number>")
    @static_page()
    def page(number: int) -> str:
        return f"{number}: {next(count)}"

    outer.register_blueprint(inner)
    site.app.register_blueprint(outer)


KINDS = [
    function,
    wrong_order,
    coroutine,
    partial,
    class_with_decorators,
    method_view_decorated,
    async_class,
    blueprint,
    blueprint_wrong_order,
    nested_blueprint,
]


@pytest.mark.parametrize("register", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("serve", ["wsgi", "view"])
def test_every_kind_of_view_is_rendered_once(
    make_site: MakeSite, register: Register, serve: str
) -> None:
    """The first visit renders the page, the second gets it from the store."""
    site = make_site(ISR_SERVE=serve)
    register(site, itertools.count(1))

    first = site.get("/pages/7")
    second = site.get("/pages/7")

    assert (cache_state(first), first.text) == ("MISS", "7: 1")
    assert (cache_state(second), second.text) == ("HIT", "7: 1")
    assert site.get("/pages/8").text == "8: 2"


def test_other_methods_of_a_class_work(site: Site) -> None:
    """A POST to a class-based static page reaches its method."""
    method_view_decorated(site, itertools.count(1))
    site.get("/pages/7")

    assert site.app.test_client().post("/pages/7").text == "posted"


def test_two_rules_of_one_view_are_two_pages(site: Site) -> None:
    """A view on two rules has a page at each of them."""
    count = itertools.count(1)

    @site.app.get("/new")
    @site.app.get("/old")
    @static_page()
    def page() -> str:
        return str(next(count))

    texts = [site.get(path).text for path in ("/new", "/old", "/new", "/old")]

    assert texts == ["1", "2", "1", "2"]


def test_the_decorated_view_keeps_its_name(site: Site) -> None:
    """Name and docstring survive, so that the endpoint is the expected one."""

    @site.app.get("/")
    @static_page()
    def front_page() -> str:
        """The front page."""
        return "front"

    assert front_page.__name__ == "front_page"
    assert front_page.__doc__ == "The front page."
    assert "front_page" in site.app.view_functions


class TestDecoratorsAround:
    """Decorators above and below ``@static_page`` do what they did without it."""

    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    def test_a_guard_above_still_guards(self, make_site: MakeSite, serve: str) -> None:
        """What a decorator above refuses stays refused: it is not thrown away."""
        site = make_site(ISR_SERVE=serve)

        @site.app.get("/secret")
        @members_only
        @static_page()
        def secret() -> str:
            return "for members"

        key = {"X-Member": "yes"}
        assert site.get("/secret").status_code == 403
        assert site.get("/secret", headers=key).text == "for members"
        again = site.get("/secret")
        assert again.status_code == 403
        assert "for members" not in again.text

    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    def test_a_guard_below_still_guards(self, make_site: MakeSite, serve: str) -> None:
        """A page that refuses strangers is not stored; members get it from the view."""
        site = make_site(ISR_SERVE=serve)

        @site.app.get("/secret")
        @static_page()
        @members_only
        def secret() -> str:
            return "for members"

        key = {"X-Member": "yes"}
        assert site.get("/secret", headers=key).text == "for members"
        assert site.get("/secret").status_code == 403
        assert site.get("/secret", headers=key).text == "for members"

    def test_the_same_function_undecorated_is_not_static(self, site: Site) -> None:
        """A function registered twice, once as it is (a live view), is live there."""
        count = itertools.count(1)

        def page() -> str:
            return str(next(count))

        site.app.add_url_rule("/static", "static-page", static_page()(page))
        site.app.add_url_rule("/live", "live", page)

        assert [site.get("/live").text for _ in range(2)] == ["1", "2"]
        assert [site.get("/static").text for _ in range(2)] == ["3", "3"]

    def test_a_decorator_that_hides_the_page_is_told(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Without ``functools.wraps`` nobody can tell the page's route: it is live."""
        count = itertools.count(1)

        @static_page()
        def page() -> str:
            return str(next(count))

        site.app.add_url_rule("/page", "page", functools.partial(page))

        assert [site.get("/page").text for _ in range(2)] == ["1", "2"]
        [warning] = caplog.messages
        assert "<locals>.page has @static_page" in warning
        assert "functools.wraps" in warning

    def test_a_decorated_method_is_told(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Of each class, although all call it the same: its decorators are the place."""

        class Home(MethodView):
            @static_page()
            def get(self) -> str:
                return "home"

        class About(MethodView):
            @static_page()
            def get(self) -> str:
                return "about"

        for view in (Home, About):
            name = view.__name__.lower()
            site.app.add_url_rule(f"/{name}", view_func=view.as_view(name))

        assert [site.get(path).text for path in ("/home", "/about")] == [
            "home",
            "about",
        ]
        home, about = caplog.messages
        assert ".Home.get has @static_page" in home
        assert "its decorators" in home
        assert ".About.get has @static_page" in about

    def test_a_page_that_another_view_calls_is_nobodys_mistake(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is static at its own route."""

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            return "page"

        site.app.add_url_rule("/live", "live", functools.partial(page))

        assert cache_state(site.get("/live")) == "BYPASS"
        assert cache_state(site.get("/page")) == "MISS"
        assert not caplog.messages


def members_only(view: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Refuse visitors without a header, as ``login_required`` does without a session."""

    @functools.wraps(view)
    def guarded(*args: t.Any, **kwargs: t.Any) -> t.Any:
        if "X-Member" not in request.headers:
            return Response("members only", 403)
        return view(*args, **kwargs)

    return guarded
