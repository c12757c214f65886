"""Anonymous pages: they looked at the session, and are for everybody who has none."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Flask
from flask import flash
from flask import g
from flask import get_flashed_messages
from flask import redirect
from flask import request
from flask import session
from flask import stream_with_context
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from flask_login import LoginManager
from flask_login import UserMixin
from flask_login import current_user
from flask_login import login_user

from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(5)


class Greeting:
    """A site whose page greets who is logged in.

    :ivar renders: for whom the view ran.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.renders: list[str] = []
        app = site.app

        @app.get("/")
        @static_page(revalidate=60)
        def home() -> str:
            name = session.get("user", "stranger")
            self.renders.append(name)
            return f"Hello {name}"

        @app.post("/login/<name>")
        def login(name: str) -> str:
            session["user"] = name
            return "in"

        @app.post("/logout")
        def logout() -> str:
            session.clear()
            return "out"

        @app.post("/token")
        def token() -> str:
            session["csrf_token"] = "token"
            session.permanent = True
            return "token"

    def browser(self, name: str = "") -> FlaskClient:
        """A browser with cookies, logged in as *name*."""
        client = self.site.app.test_client()
        if name:
            client.post(f"/login/{name}")
        return client


@pytest.fixture(params=["auto", "wsgi", "view"])
def greeting(request: pytest.FixtureRequest, make_site: MakeSite) -> Greeting:
    """The greeting page at each level."""
    return Greeting(make_site(ISR_SERVE=request.param, SECRET_KEY="a key"))


def see(client: FlaskClient, **headers: str) -> tuple[str, str | None]:
    """What the page says, and its state."""
    answer = client.get("/", headers=headers)
    return answer.text, cache_state(answer)


def test_strangers_share_one_page(greeting: Greeting) -> None:
    """It is rendered once, though it looked at the session."""
    states = [see(greeting.browser()) for _ in range(3)]
    assert states == [
        ("Hello stranger", "MISS"),
        ("Hello stranger", "HIT"),
        ("Hello stranger", "HIT"),
    ]
    assert greeting.renders == ["stranger"]


def test_somebody_gets_his_own_page(greeting: Greeting) -> None:
    """Rendered for him, never stored, before and after strangers come."""
    bob, stranger = greeting.browser("bob"), greeting.browser()
    assert see(bob) == ("Hello bob", "BYPASS")
    assert see(stranger)[0] == "Hello stranger"
    assert see(bob) == ("Hello bob", "BYPASS")
    assert see(greeting.browser("eve")) == ("Hello eve", "BYPASS")
    assert see(stranger) == ("Hello stranger", "HIT")


def test_a_cookie_is_his_however_he_spells_it(greeting: Greeting) -> None:
    """With a blank before the equals sign, which Flask does not mind."""
    see(greeting.browser())
    cookie = greeting.browser("bob").get_cookie("session")
    assert cookie is not None
    known = {"Cookie": f"a=b; session = {cookie.value}"}
    answer = greeting.site.get("/", headers=known)
    assert (answer.text, cache_state(answer)) == ("Hello bob", "BYPASS")


def test_who_logs_out_is_a_stranger_again(greeting: Greeting) -> None:
    """On the next load."""
    see(greeting.browser())
    bob = greeting.browser("bob")
    assert see(bob) == ("Hello bob", "BYPASS")
    bob.post("/logout")
    assert see(bob) == ("Hello stranger", "HIT")


def test_a_forged_cookie_forces_no_render(greeting: Greeting) -> None:
    """Nor do many: who does not verify is nobody."""
    see(greeting.browser())
    for number in range(5):
        client = greeting.site.app.test_client(use_cookies=False)
        cookie = f"session=forged{number}; remember_token=5|forged"
        assert see(client, Cookie=cookie) == ("Hello stranger", "HIT")
    assert greeting.renders == ["stranger"]


def test_a_forged_cookie_on_a_cold_page_renders_once(greeting: Greeting) -> None:
    """As a stranger's visit does."""
    client = greeting.site.app.test_client(use_cookies=False)
    assert see(client, Cookie="session=forged") == ("Hello stranger", "MISS")
    assert see(client, Cookie="session=forged") == ("Hello stranger", "HIT")


def test_a_session_with_nothing_of_its_own_is_nobodys(greeting: Greeting) -> None:
    """A CSRF token and Flask's own mark are in everybody's."""
    see(greeting.browser())
    client = greeting.browser()
    client.post("/token")
    assert see(client) == ("Hello stranger", "HIT")


def test_shared_caches_are_told(greeting: Greeting) -> None:
    """Vary: Cookie is on every answer of the page, once."""
    for client in (greeting.browser(), greeting.browser(), greeting.browser("bob")):
        answer = client.get("/")
        assert answer.headers.getlist("Vary") == ["Cookie"]


def test_a_condition_of_somebody_is_not_judged_by_the_page(greeting: Greeting) -> None:
    """Who logs in after he saw the stranger's page is not told that it is unmodified."""
    browser = greeting.browser()
    etag = browser.get("/").headers["ETag"]
    assert browser.get("/", headers={"If-None-Match": etag}).status_code == 304
    browser.post("/login/bob")
    answer = browser.get("/", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.text) == (200, "Hello bob")


def test_invalidation_renews_it(greeting: Greeting) -> None:
    """As any other page."""
    see(greeting.browser())
    with greeting.site.app.app_context():
        revalidate_path("/", mode="refresh")
    assert see(greeting.browser()) == ("Hello stranger", "HIT")
    assert greeting.renders == ["stranger", "stranger"]


def test_pages_that_never_look_ignore_cookies(make_site: MakeSite) -> None:
    """Whoever is logged in gets the stored page."""
    greeting = Greeting(make_site(SECRET_KEY="a key"))

    @greeting.site.app.get("/plain")
    @static_page()
    def plain() -> str:
        return "the same for all"

    bob = greeting.browser("bob")
    assert [cache_state(bob.get("/plain")) for _ in range(2)] == ["MISS", "HIT"]
    assert "Vary" not in bob.get("/plain").headers


def test_flashed_messages_are_shown_to_their_visitor(make_site: MakeSite) -> None:
    """In the base template of most sites: the next page shows them once."""
    site = make_site(SECRET_KEY="a key")

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return f"messages: {get_flashed_messages()}"

    @site.app.post("/save")
    def save() -> t.Any:
        flash("Saved.")
        return redirect("/")

    visitor = site.app.test_client()
    assert visitor.get("/").text == "messages: []"
    answer = visitor.post("/save", follow_redirects=True)
    assert (answer.text, cache_state(answer)) == ("messages: ['Saved.']", "BYPASS")
    answer = visitor.get("/")
    assert (answer.text, cache_state(answer)) == ("messages: []", "HIT")


def test_a_hook_that_loads_the_user_makes_it_anonymous(make_site: MakeSite) -> None:
    """As the tutorial of Flask does it: the view only sees ``g.user``."""
    site = make_site(SECRET_KEY="a key")

    @site.app.before_request
    def load_logged_in_user() -> None:
        g.user = session.get("user")

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return f"Hello {g.user or 'stranger'}"

    @site.app.post("/login")
    def login() -> str:
        session["user"] = "bob"
        return "in"

    stranger, bob = site.app.test_client(), site.app.test_client()
    bob.post("/login")
    assert [see(stranger), see(bob), see(stranger), see(bob)] == [
        ("Hello stranger", "MISS"),
        ("Hello bob", "BYPASS"),
        ("Hello stranger", "HIT"),
        ("Hello bob", "BYPASS"),
    ]


def test_a_stream_that_looks_at_the_session_is_anonymous(make_site: MakeSite) -> None:
    """Though Flask can say so in no header any more."""
    site = make_site(SECRET_KEY="a key")

    @site.app.get("/")
    @static_page()
    def home() -> t.Any:
        def parts() -> t.Iterator[str]:
            yield "Hello "
            yield session.get("user", "stranger")

        return stream_with_context(parts())

    @site.app.post("/login")
    def login() -> str:
        session["user"] = "bob"
        return "in"

    stranger, bob = site.app.test_client(), site.app.test_client()
    bob.post("/login")
    assert see(stranger)[0] == "Hello stranger"
    assert see(bob)[0] == "Hello bob"
    answer = stranger.get("/")
    assert (answer.text, answer.headers["Vary"]) == ("Hello stranger", "Cookie")


def test_a_stream_that_writes_to_the_session_is_not_stored(
    make_site: MakeSite,
) -> None:
    """Though what it writes is lost: Flask has saved the session by then."""
    site = make_site(SECRET_KEY="a key")

    @site.app.get("/")
    @static_page()
    def home() -> t.Any:
        def parts() -> t.Iterator[str]:
            yield "Your number is "
            session["number"] = next(numbers)
            yield str(session["number"])

        return stream_with_context(parts())

    numbers = itertools.count(1)
    answers = [site.get("/", buffered=True) for _ in range(2)]
    assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]
    assert len({answer.text for answer in answers}) == 2


def test_the_cookies_can_be_named(make_site: MakeSite) -> None:
    """A site that keeps its sessions elsewhere says by which cookie."""
    greeting = Greeting(
        make_site(SECRET_KEY="a key", ISR_PERSONAL_COOKIES=["other", "session"])
    )
    see(greeting.browser())
    assert see(greeting.browser("bob")) == ("Hello bob", "BYPASS")


def test_naming_others_takes_none_away(make_site: MakeSite) -> None:
    """Such as the cookie of a token, beside sessions of Flask."""
    greeting = Greeting(
        make_site(SECRET_KEY="a key", ISR_PERSONAL_COOKIES=["access_token_cookie"])
    )
    see(greeting.browser())
    assert see(greeting.browser("bob")) == ("Hello bob", "BYPASS")


def test_who_becomes_somebody_by_this_very_request_is_somebody(
    make_site: MakeSite,
) -> None:
    """A hook that knows visitors by a header, or a link, and has them in the session."""
    site = make_site(SECRET_KEY="a key")

    @site.app.before_request
    def sign_on() -> None:
        if "X-User" in request.headers:
            session["user"] = request.headers["X-User"]

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return f"Hello {session.get('user', 'stranger')}"

    assert site.get("/").text == "Hello stranger"
    assert site.get("/", headers={"X-User": "ann"}).text == "Hello ann"
    assert site.get("/").text == "Hello stranger"


class NamedByApp(SecureCookieSessionInterface):
    """Sessions in a cookie with a name of its own."""

    def get_cookie_name(self, app: Flask) -> str:
        """Another one for each application."""
        return f"{app.name}-sid"


class NamedByRequest(SecureCookieSessionInterface):
    """Sessions in a cookie that each host names as it likes."""

    def get_cookie_name(self, app: Flask) -> str:
        """What the host of the request has chosen."""
        return f"{request.host}-sid"


@pytest.mark.parametrize("interface", [NamedByApp, NamedByRequest])
def test_a_session_interface_names_its_cookie(
    make_site: MakeSite, interface: type[SecureCookieSessionInterface]
) -> None:
    """Not the configuration."""
    site = make_site(SECRET_KEY="a key", ISR_ORIGIN="http://localhost")
    site.app.session_interface = interface()
    greeting = Greeting(site)

    assert see(greeting.browser()) == ("Hello stranger", "MISS")
    assert see(greeting.browser()) == ("Hello stranger", "HIT")
    assert see(greeting.browser("bob")) == ("Hello bob", "BYPASS")


class TestFlaskLogin:
    """Flask-Login, with its session and its remember cookie."""

    @pytest.fixture
    def app(self, make_site: MakeSite) -> Flask:
        """A page that shows ``current_user``."""
        site = make_site(SECRET_KEY="a key")
        app = site.app
        manager = LoginManager(app)

        class User(UserMixin):  # type: ignore[misc]
            def __init__(self, name: str) -> None:
                self.id = name

        manager.user_loader(User)

        @app.get("/")
        @static_page()
        def home() -> str:
            name = current_user.id if current_user.is_authenticated else "stranger"
            return f"Hello {name}"

        @app.post("/login")
        def login() -> str:
            login_user(User("bob"), remember=request.args.get("remember") == "1")
            return "in"

        return app

    def test_users_get_their_own_page(self, app: Flask) -> None:
        """And strangers the stored one."""
        bob, stranger = app.test_client(), app.test_client()
        bob.post("/login")
        assert see(stranger) == ("Hello stranger", "MISS")
        assert see(bob) == ("Hello bob", "BYPASS")
        assert see(stranger) == ("Hello stranger", "HIT")

    def test_who_is_remembered_is_somebody(self, app: Flask) -> None:
        """Also where his session has ended."""
        bob, stranger = app.test_client(), app.test_client()
        see(stranger)
        bob.post("/login?remember=1")
        bob.delete_cookie("session")
        assert see(bob) == ("Hello bob", "BYPASS")

    def test_a_forged_remember_cookie_is_nobodys(self, app: Flask) -> None:
        """It does not verify."""
        client = app.test_client(use_cookies=False)
        see(client)
        assert see(client, Cookie="remember_token=bob|0000") == (
            "Hello stranger",
            "HIT",
        )
