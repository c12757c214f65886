"""What shared caches must not keep: what is one visitor's own, on a page for everybody."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response
from flask import request
from flask import session
from flask.testing import FlaskClient

from flask_isr import static_page
from flask_isr.errors import StoreUnavailable
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(5)

PRIVATE = "private, max-age=0, must-revalidate"

# What a page says that may be kept for long; many caches have no regard for Vary: Cookie.
TOLD = {
    "Cache-Control": "max-age=300, s-maxage=600",
    "CDN-Cache-Control": "max-age=3600",
    "X-Accel-Expires": "3600",
}


def add_login(site: Site) -> FlaskClient:
    """A view that signs in, and the browser of bob, who did."""

    @site.app.post("/login")
    def login() -> str:
        session["user"] = "bob"
        return "in"

    browser = site.app.test_client()
    browser.post("/login")
    return browser


class TestView:
    """What the view answers somebody who has a session."""

    @pytest.fixture
    def site(self, make_site: MakeSite) -> Site:
        """A site with sessions."""
        return make_site(SECRET_KEY="a key")

    @pytest.mark.parametrize("enabled", [True, False], ids=["on", "off"])
    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    @pytest.mark.parametrize("by_hook", [False, True], ids=["by-the-view", "by-a-hook"])
    def test_lifetimes_are_the_strangers_pages(
        self, make_site: MakeSite, serve: str, by_hook: bool, enabled: bool
    ) -> None:
        """Whoever gave them; ``no-transform`` is no matter of time."""
        site = make_site(SECRET_KEY="a key", ISR_SERVE=serve, ISR_ENABLED=enabled)
        told = {**TOLD, "Cache-Control": f"{TOLD['Cache-Control']}, no-transform"}

        @site.app.get("/")
        @static_page()
        def home() -> t.Any:
            return session.get("user", "stranger"), {} if by_hook else told

        @site.app.after_request
        def tell(response: Response) -> Response:
            if by_hook and request.path == "/":
                response.headers.update(told)
            return response

        bob = add_login(site)
        for _ in range(2):
            answer = site.get("/")
            assert answer.text == "stranger"
            assert {name: answer.headers[name] for name in told} == told

            answer = bob.get("/")
            assert answer.text == "bob"
            control = answer.headers.getlist("Cache-Control")
            assert control == [f"no-transform, {PRIVATE}"]
            assert not {"CDN-Cache-Control", "X-Accel-Expires"} & {
                *answer.headers.keys()
            }

    @pytest.mark.parametrize("path", ["a%01", "a" * 300, "a" * 1100])
    def test_where_nothing_is_stored(self, site: Site, path: str) -> None:
        """By a path that somebody chose for him."""

        @site.app.get("/posts/<path:slug>")
        @static_page(tags=["post:{slug}"])
        def post(slug: str) -> t.Any:
            return session.get("user", "stranger"), TOLD

        answer = add_login(site).get(f"/posts/{path}")
        assert (answer.text, cache_state(answer)) == ("bob", "BYPASS")
        assert answer.headers["Cache-Control"] == PRIVATE

        answer = site.get(f"/posts/{path}")
        assert answer.headers["Cache-Control"] == TOLD["Cache-Control"]

    def test_while_the_store_is_away(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The view answers then."""

        @site.app.get("/")
        @static_page()
        def home() -> t.Any:
            return session.get("user", "stranger"), TOLD

        def fail(*args: t.Any) -> t.NoReturn:
            raise StoreUnavailable("load a page", "gone")

        monkeypatch.setattr(site.state.store, "load", fail)
        answer = add_login(site).get("/")
        assert (answer.text, cache_state(answer)) == ("bob", "BYPASS")
        assert answer.headers["Cache-Control"] == PRIVATE

    @pytest.mark.parametrize(
        ("control", "kept"),
        [
            ("private, max-age=60", "private, max-age=60"),
            ("no-store", "no-store"),
            # That speaks of one field alone.
            ('private="X-Seen", s-maxage=99', PRIVATE),
        ],
    )
    def test_what_the_view_says_for_somebody_counts(
        self, site: Site, control: str, kept: str
    ) -> None:
        """It may know him, and then have a word of its own."""

        @site.app.get("/")
        @static_page()
        def home() -> t.Any:
            user = session.get("user", "stranger")
            told = {"Cache-Control": control, "X-Seen": "x"}
            return user, {} if user == "stranger" else told

        bob = add_login(site)
        assert (site.get("/").text, site.get("/").text) == ("stranger", "stranger")
        answer = bob.get("/")
        assert (answer.text, answer.headers["Cache-Control"]) == ("bob", kept)


class TestHooks:
    """What hooks make of a stored page for one visitor."""

    @pytest.mark.parametrize("changed", [False, True], ids=["the-page", "changed"])
    def test_a_cookie_that_they_set(self, site: Site, changed: bool) -> None:
        """Whatever lifetime the page gives: the cookie would be everybody's."""

        @site.app.get("/page")
        @static_page()
        def page() -> t.Any:
            return "page", TOLD

        @site.app.after_request
        def give(response: Response) -> Response:
            if request.args.get("cookie"):
                response.set_cookie("group", "1")
            if changed:
                response.set_data("changed")
            return response

        @site.app.before_request
        def guard() -> None:
            """By which the page is served inside of Flask."""

        site.get("/page")
        plain, given = site.get("/page"), site.get("/page?cookie=1")
        assert plain.headers["Cache-Control"] == TOLD["Cache-Control"]
        assert plain.headers["CDN-Cache-Control"] == TOLD["CDN-Cache-Control"]
        assert given.headers.getlist("Cache-Control") == [PRIVATE]
        assert "CDN-Cache-Control" not in given.headers
        assert cache_state(given) == "HIT"

    @pytest.mark.parametrize("way", ["header", "body"])
    @pytest.mark.parametrize("anonymous", [False, True], ids=["plain", "anonymous"])
    def test_what_they_make_of_the_session(
        self, make_site: MakeSite, way: str, anonymous: bool
    ) -> None:
        """It varies on cookies, which many of them have no regard for."""
        site = make_site(SECRET_KEY="a key", ISR_SERVE="view")

        @site.app.get("/page")
        @static_page()
        def page() -> t.Any:
            return str(session.get("user")) if anonymous else "page", TOLD

        @site.app.after_request
        def greet(response: Response) -> Response:
            name = session.get("user", "stranger")
            if way == "header":
                response.headers["X-User"] = name
            else:
                response.set_data(f"hello {name}")
            return response

        visitors = {"stranger": site.app.test_client(), "bob": add_login(site)}
        for name, visitor in visitors.items():
            answer = visitor.get("/page")
            assert name in (answer.text.split()[-1], answer.headers.get("X-User"))
            private = answer.headers["Cache-Control"].startswith("private")
            # To strangers a hook says the same of an anonymous page.
            assert private == (name == "bob" or way == "body" or not anonymous)
