"""What may be one answer's own: a page that shows it is rendered for each visitor."""

from __future__ import annotations

import datetime
import html
import itertools
import random
import secrets
import string
import typing as t
import uuid

import pytest
from flask import Flask
from flask import Request
from flask import Response
from flask import g
from flask import render_template_string
from flask import session
from flask.sessions import SecureCookieSession
from flask.sessions import SecureCookieSessionInterface

from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(5)

SERVE = pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])


def cookie_site(
    make_site: MakeSite,
    held: t.Callable[[], str],
    shown: t.Callable[[], str],
    path: str = "/",
    serve: str = "auto",
) -> Site:
    """A site with one page that is *shown*. For each visitor a hook puts what is *held*
    into ``g.held``, and another one into a cookie."""
    site = make_site(SECRET_KEY="a key", ISR_SERVE=serve)
    site.app.add_url_rule(path, "page", static_page()(shown))

    @site.app.before_request
    def make() -> None:
        g.held = held()

    @site.app.after_request
    def give(response: Response) -> Response:
        response.set_cookie("kept", g.held)
        return response

    return site


def states(site: Site, path: str = "/") -> list[str | None]:
    """What two visits get."""
    return [cache_state(site.get(path)) for _ in range(2)]


class TestCookies:
    """What the cookies hold that hooks set."""

    @SERVE
    @pytest.mark.parametrize(
        ("shown", "held"),
        [
            ("{{ it }}", "{}"),
            ("{{ it }}", "{}&1"),
            ("{{ it|e }}", '{{"id": "{}"}}'),
            ("{{ escape(it)|safe }}", '{{"id": "{}"}}'),
            ("/carts/{{ it|replace('/', '%2F') }}", "{}/1"),
            ("{{ it }}", "{}, sir"),
            ("{{ it.partition('.')[0] }}", "{}.signature"),
            ("{{ url_for('page', it=it) }}", "{}+/ =&"),
            ("{{ it|urlencode }}", "{}+/ =&"),
            ("{{ it|tojson }}", "{}<&'\"/ \u00e9\U0001f98a"),
            ("{{ it|tojson|forceescape }}", "{}<&'\"/ \u00e9\U0001f98a"),
        ],
        ids=[
            "plain",
            "escaped",
            "json",
            "other-escapes",
            "in-a-link",
            "quoted",
            "signed",
            "url-for",
            "url-encoded",
            "to-json",
            "to-json-in-an-attribute",
        ],
    )
    def test_a_page_that_repeats_it(
        self,
        make_site: MakeSite,
        serve: str,
        shown: str,
        held: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A form that sends back what its cookie says: nobody else's cookie says so."""
        numbers = itertools.count(10_000_000)

        def page() -> str:
            return render_template_string(shown, it=g.held, escape=html.escape)

        site = cookie_site(
            make_site, lambda: held.format(next(numbers)), page, serve=serve
        )

        answers = [site.get("/") for _ in range(3)]
        assert [cache_state(answer) for answer in answers] == ["BYPASS"] * 3
        assert len({answer.text for answer in answers}) == 3
        assert "it shows what the cookie 'kept' is set to" in caplog.text

    def test_words_without_end_are_no_words(self, make_site: MakeSite) -> None:
        """But a token that is made of groups of letters."""

        def token() -> str:
            letters = random.choices(string.ascii_lowercase, k=40)
            return "-".join("".join(letters[at : at + 8]) for at in range(0, 40, 8))

        assert states(cookie_site(make_site, token, lambda: g.held)) == ["BYPASS"] * 2

    def test_letters_without_end_are_no_word(self, make_site: MakeSite) -> None:
        """But a token."""

        def token() -> str:
            return "".join(random.choices(string.ascii_lowercase, k=20))

        assert states(cookie_site(make_site, token, lambda: g.held)) == ["BYPASS"] * 2

    @pytest.mark.parametrize(
        ("held", "shown"),
        [
            ("1234567", "1234567"),
            ("required", "<input required>"),
            ("Europe/Berlin", "<option>Europe/Berlin</option>"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("dark.1f3a9c77", "a dark page"),
            ("/some-page/7654321", "<a href=/some-page/7654321>"),
            ("/some-page/7654321", "<a href='/login?next=%2Fsome-page%2F7654321'>"),
            ("%2Fsome-page%2F7654321", "<a href='/login?next=%2Fsome-page%2F7654321'>"),
            (
                "http://x.test/some-page/7654321",
                "<a>http://x.test/some-page/7654321</a>",
            ),
        ],
        ids=[
            "short",
            "word",
            "words",
            "more-words",
            "signed-word",
            "path",
            "path-in-a-link",
            "quoted-path",
            "address",
        ],
    )
    def test_what_is_in_a_page_by_accident(
        self, make_site: MakeSite, held: str, shown: str
    ) -> None:
        """A short value, a word, or the page's own address says nothing of anybody."""
        path = "/some-page/7654321"
        site = cookie_site(make_site, lambda: held, lambda: shown, path)
        assert states(site, path) == ["MISS", "HIT"]

    @pytest.mark.lint_allows(
        "BAD_SYNTAX_DETAILED",
        "FIELD_VALUE_ENCODING",
        "SET_COOKIE_NO_NAME",
        "SET_COOKIE_NON_ASCII",
    )
    @pytest.mark.parametrize(
        "field", ["name=Zo\xeb; Path=/", "name=\ud8001234567", "=", ";;", '"']
    )
    def test_what_is_no_cookie_is_no_failure(self, site: Site, field: str) -> None:
        """Hooks may write fields as they please; pages are stored all the same."""
        site.app.add_url_rule("/", "page", static_page()(lambda: "page"))

        @site.app.after_request
        def give(response: Response) -> Response:
            response.headers.add("Set-Cookie", field)
            return response

        assert states(site) == ["MISS", "HIT"]

    def test_more_than_can_be_looked_for(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each costs a search of the page: beyond a bound it counts as shown."""
        given = 20

        @site.app.get("/")
        @static_page()
        def page() -> str:
            return "page"

        @site.app.after_request
        def give(response: Response) -> Response:
            for number in range(given):
                response.set_cookie(f"cookie{number}", f"value{number:08}")
            return response

        assert states(site) == ["MISS", "HIT"]
        given = 65
        with site.app.app_context():
            revalidate_path("/")
        assert states(site) == ["BYPASS", "BYPASS"]
        # It may be the render in the background that tells of it.
        site.settle()
        assert "hold more than 64 values" in caplog.text


class TestSession:
    """What a stranger has in his session, who has no cookie."""

    @pytest.fixture
    def site(self, make_site: MakeSite) -> Site:
        """A site with sessions."""
        return make_site(SECRET_KEY="a key")

    def test_what_a_hook_wrote(self, site: Site) -> None:
        """A cart that each visitor is given: two of them would share the render's."""
        carts = itertools.count(1)

        @site.app.before_request
        def give_cart() -> None:
            g.cart = session.setdefault("cart", next(carts))

        @site.app.get("/")
        @static_page()
        def home() -> str:
            return f"cart {g.cart}"

        bob, ann = site.app.test_client(), site.app.test_client()
        assert [cache_state(browser.get("/")) for browser in (bob, ann)] == [
            "BYPASS"
        ] * 2
        assert bob.get("/").text == bob.get("/").text != ann.get("/").text

    def test_a_token_of_ones_own(self, site: Site) -> None:
        """Under the name of Flask-WTF's, which alone makes nobody known."""

        @site.app.before_request
        def make_token() -> None:
            session.setdefault("csrf_token", secrets.token_hex(8))

        @site.app.get("/")
        @static_page()
        def form() -> str:
            return f"token={session['csrf_token']}"

        site.app.add_url_rule("/plain", "plain", static_page()(lambda: "no form"))

        bob, ann = site.app.test_client(), site.app.test_client()
        assert [cache_state(browser.get("/")) for browser in (bob, ann)] == [
            "BYPASS"
        ] * 2
        assert bob.get("/").text == bob.get("/").text != ann.get("/").text
        assert states(site, "/plain") == ["MISS", "HIT"]

    @pytest.mark.parametrize(
        "make",
        [
            lambda number: uuid.UUID(int=number),
            lambda number: number,
            lambda number: {"id": f"{number}"},
            lambda number: [{"ids": (f"{number}",)}],
            lambda number: f'"{number}"',
            lambda number: f"{number}".encode(),
            lambda number: (number % 10**6) / 7,
            lambda number: datetime.datetime.fromtimestamp(
                number % 10**9, datetime.UTC
            ),
        ],
        ids=["uuid", "int", "dict", "deep", "quotes", "bytes", "float", "datetime"],
    )
    def test_whatever_it_is(self, site: Site, make: t.Callable[[int], t.Any]) -> None:
        """Where a token may stand that tells nobody from others (``csrf_token``)."""
        numbers = itertools.count(10**30)

        @site.app.before_request
        def fill() -> None:
            session["csrf_token"] = make(next(numbers))

        @site.app.get("/")
        @static_page()
        def page() -> str:
            held = session["csrf_token"]
            while isinstance(held, dict | list | tuple):
                held = next(iter(held.values() if isinstance(held, dict) else held))
            if isinstance(held, bytes):
                held = held.decode()
            return render_template_string("{{ it|e }}", it=held)

        answers = [site.get("/") for _ in range(2)]
        assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]
        assert len({answer.text for answer in answers}) == 2

    def test_what_a_hook_adds_of_it(self, site: Site) -> None:
        """The page is the same for everybody, and what the hook makes of it is not."""
        site.app.session_interface = Holding(secrets.token_hex)
        site.app.add_url_rule("/", "page", static_page()(lambda: "page "))

        @site.app.after_request
        def add(response: Response) -> Response:
            response.set_data(response.get_data(as_text=True) + session["csrf_token"])
            return response

        answers = [site.get("/") for _ in range(3)]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT", "HIT"]
        assert len({answer.text for answer in answers}) == 3

    @pytest.mark.parametrize("kind", [list, dict])
    def test_what_holds_itself_ends(self, site: Site, kind: type[t.Any]) -> None:
        """A session in memory may be a knot; that is no failure of the page."""
        knot = kind()
        if kind is list:
            knot.append(knot)
        else:
            knot["knot"] = knot
        site.app.session_interface = Holding(lambda: knot)
        site.app.add_url_rule("/", "page", static_page()(lambda: "page"))

        assert states(site) == ["MISS", "HIT"]

    def test_what_is_there_from_the_first(self, site: Site) -> None:
        """Though nobody wrote to it."""
        site.app.session_interface = Numbered()

        @site.app.get("/")
        @static_page()
        def home() -> str:
            return str(session["number"])

        assert len({site.get("/").text for _ in range(3)}) == 3


class Numbered(SecureCookieSessionInterface):
    """Sessions that have a short number from the first."""

    numbers = itertools.count(1)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """One that was never written to."""
        opened = super().open_session(app, request)
        assert opened is not None
        return opened or SecureCookieSession({"number": next(self.numbers)})


class Holding(SecureCookieSessionInterface):
    """Sessions that hold something where it tells nobody from others."""

    def __init__(self, make: t.Callable[[], t.Any]) -> None:
        self._make = make

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """One that was never written to."""
        return SecureCookieSession({"csrf_token": self._make()})
