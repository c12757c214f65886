"""Who gets a stored page: whoever brings nothing that its render looked at."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask
from flask import Request
from flask import abort
from flask import g
from flask import render_template_string
from flask import request
from flask import session
from flask import url_for
from flask_login import LoginManager
from flask_login import UserMixin
from flask_login import current_user

from flask_isr import revalidate_tag
from flask_isr import static_page
from flask_isr.signals import revalidated
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state
from tests.support import detail

from .conftest import Log
from .conftest import View
from .conftest import add

pytestmark = pytest.mark.promise(5)

BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, br",
    "Accept-Language": "de-DE,de;q=0.9",
    "Cache-Control": "max-age=0",
    "DNT": "1",
    "If-None-Match": '"other"',
    "Referer": "http://elsewhere.test/",
    "Sec-CH-UA": '"Browser"',
    "Sec-Fetch-Site": "none",
    "Traceparent": "00-1-1-01",
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": "a browser",
    "Via": "1.1 proxy",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "http",
    "X-Request-ID": "1",
}


#: What a page reads; what a visitor sends who is answered by the view; the reason.
BROUGHT: list[t.Any] = [
    (
        lambda: request.headers.get("X-API-Key"),
        {"headers": {"X-Api-Key": "k"}},
        "header",
    ),
    (
        lambda: request.environ.get("HTTP_X_API_KEY"),
        {"headers": {"X-API-Key": ""}},
        "header",
    ),
    (
        lambda: "HX-Request" in request.headers,
        {"headers": {"hx-request": "true"}},
        "header",
    ),
    (lambda: request.headers.get("Origin"), {"headers": {"Origin": "x"}}, "header"),
    (
        lambda: request.authorization,
        {"headers": {"Authorization": "garbage"}},
        "authorization",
    ),
    (
        lambda: request.headers.get("Authorization"),
        {"environ_overrides": {"REMOTE_USER": "bob"}},
        "authorization",
    ),
    (
        lambda: request.remote_user,
        {"environ_overrides": {"REMOTE_USER": "bob"}},
        "authorization",
    ),
    (
        lambda: request.cookies.get("theme"),
        {"headers": {"Cookie": "a=1; theme=dark"}},
        "cookie",
    ),
    (
        lambda: request.cookies.get("theme"),
        {"headers": {"Cookie": "theme"}},
        "cookie",
    ),
    (
        lambda: request.cookies.get("thème"),
        {"headers": {"Cookie": "thème=x".encode().decode("latin-1")}},
        "cookie",
    ),
    (
        lambda: request.args.get("page"),
        {"query_string": "p%61ge=3"},
        "undeclared-query",
    ),
    (lambda: "page" in request.args, {"query_string": "page"}, "undeclared-query"),
    (
        lambda: request.values.get("page"),
        {"query_string": "x=1&page=3"},
        "undeclared-query",
    ),
    (
        lambda: url_for("/page", **request.args),  # type: ignore[arg-type]
        {"query_string": "color=red"},
        "undeclared-query",
    ),
    (
        lambda: f"{request.query_string!r}",
        {"query_string": "color=red"},
        "undeclared-query",
    ),
    (
        lambda: render_template_string("{{ request.args.page }}"),
        {"query_string": "page=3"},
        "undeclared-query",
    ),
    (
        lambda: request.accept_mimetypes.best_match(["text/html", "application/json"]),
        {"headers": {"Accept": "application/json"}},
        "header",
    ),
    (
        lambda: request.accept_mimetypes.best_match(["text/html", "application/json"]),
        {"headers": {"Accept": "application/json, text/javascript, */*; q=0.01"}},
        "header",
    ),
]


class TestBrought:
    """A page is for those who bring none of what it looked at."""

    @pytest.mark.parametrize(("read", "sent", "reason"), BROUGHT)
    def test_who_brings_it_is_answered_by_the_view(
        self, any_level: Site, read: View, sent: dict[str, t.Any], reason: str
    ) -> None:
        """At both levels, whoever comes first; everybody else gets hits, whatever else a
        browser sends."""
        add(any_level, lambda: f"{read()}.")

        first = any_level.get("/page", **sent)
        stranger = [any_level.get("/page", headers=BROWSER) for _ in range(2)]
        again = any_level.get("/page", **sent)
        hit = any_level.get("/page?utm_source=mail&fbclid=1", headers=BROWSER)

        assert [cache_state(answer) for answer in stranger][1] == "HIT"
        for answer in (first, again):
            assert (cache_state(answer), detail(answer)) == ("BYPASS", reason)
        assert (cache_state(hit), hit.text) == ("HIT", stranger[0].text)

    @pytest.mark.parametrize(("read", "sent", "reason"), BROUGHT)
    def test_where_nothing_is_read_everything_is_a_hit(
        self, any_level: Site, read: View, sent: dict[str, t.Any], reason: str
    ) -> None:
        """Strangers cannot force renders by sending anything."""
        add(any_level, lambda: "page")
        any_level.get("/page")
        assert cache_state(any_level.get("/page", **sent)) == "HIT"

    def test_another_process_knows_it_too(self, make_site: MakeSite) -> None:
        """The store keeps it with the page."""
        here, there = make_site(), make_site()
        for site in (here, there):
            add(site, lambda: request.cookies.get("theme", "light"))
        here.get("/page")
        assert there.get("/page", headers={"Cookie": "theme=dark"}).text == "dark"
        assert cache_state(there.get("/page")) == "HIT"

    def test_shared_caches_are_told(self, site: Site) -> None:
        """By ``Vary``, of each header that the page depends on."""

        def view() -> tuple[str, dict[str, str]]:
            request.headers.get("X-API-Key")
            request.cookies.get("theme")
            return "page", {"Cache-Control": "max-age=60"}

        add(site, view)
        site.get("/page")
        answer = site.get("/page")
        assert answer.headers["Vary"] == "Cookie, X-API-Key"
        own = site.get("/page", headers={"X-API-Key": "k"})
        assert "private" in own.headers["Cache-Control"]

    def test_a_view_may_say_itself_on_what_it_varies(self, site: Site) -> None:
        """As the documentation of htmx has it."""

        def view() -> tuple[str, dict[str, str]]:
            part = "part" if request.headers.get("HX-Request") else "page"
            return part, {"Vary": "HX-Request"}

        add(site, view)
        assert [cache_state(site.get("/page")) for _ in range(2)] == ["MISS", "HIT"]
        assert site.get("/page", headers={"HX-Request": "true"}).text == "part"
        assert site.get("/page").headers.getlist("Vary") == ["HX-Request"]

    def test_more_than_an_entry_remembers(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Such a page is not stored."""
        names = [f"X-{number}" for number in range(17)]
        add(site, lambda: str([request.headers.get(name) for name in names]))
        assert cache_state(site.get("/page")) == "BYPASS"
        assert "more than 16 inputs" in caplog.text

    def test_an_error_that_looked_at_it_is_not_shared(self, site: Site) -> None:
        """Between the first failure and the next attempt."""

        def view() -> str:
            abort(503, request.headers.get("X-API-Key", "nobody"))

        add(site, view)
        assert "nobody" in site.get("/page").text
        shared = site.get("/page")
        assert cache_state(shared) == "MISS"
        own = site.get("/page", headers={"X-API-Key": "somebody"})
        assert "somebody" in own.text


class TestBefore:
    """What a hook reads before the view decides what the page shows, too."""

    def test_a_value_in_g(self, any_level: Site) -> None:
        """A memo hides that it was read."""

        @any_level.app.before_request
        def load_user() -> None:
            g.user = request.headers.get("X-User", "nobody")

        add(any_level, lambda: str(g.user))
        any_level.get("/page")
        assert any_level.get("/page", headers={"X-User": "bob"}).text == "bob"
        assert any_level.get("/page").text == "nobody"

    def test_a_language_that_a_hook_chose(
        self, any_level: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Every browser brings one: the page is not stored."""

        @any_level.app.before_request
        def choose() -> None:
            g.language = request.accept_languages.best_match(["en", "de"])

        add(any_level, lambda: str(g.language))
        any_level.get("/page")
        answer = any_level.get("/page", headers={"Accept-Language": "de"})
        assert (answer.text, cache_state(answer)) == ("de", "BYPASS")
        assert "it reads the header Accept-Language" in caplog.text

    def test_a_tenant_that_a_hook_found(self, make_site: MakeSite) -> None:
        """By the host: each gets the pages of their own."""
        site = make_site(ISR_ORIGIN="http://a.test")

        @site.app.before_request
        def find() -> None:
            g.tenant = request.host.partition(".")[0]

        add(site, lambda: f"shop of {g.tenant}")
        for _ in range(2):
            assert site.get("/page", base_url="http://a.test").text == "shop of a"
            assert site.get("/page", base_url="http://b.test").text == "shop of b"
        assert cache_state(site.get("/page", base_url="http://a.test")) == "HIT"

    @pytest.mark.parametrize("origin", [None, "http://a.test"])
    def test_an_unknown_tenant_is_nobodys_404(
        self, make_site: MakeSite, origin: str | None
    ) -> None:
        """What the render's host makes of the page is not what others get."""
        site = make_site(ISR_ORIGIN=origin)
        tenants = {"b.test": "b"}

        def view() -> str:
            return tenants.get(request.host) or abort(404)

        add(site, view)
        for _ in range(2):
            assert site.get("/page", base_url="http://b.test").text == "b"
            assert site.get("/page", base_url="http://c.test").status_code == 404


class TestIgnore:
    """A site that knows better says so."""

    @pytest.mark.parametrize("config", [False, True])
    @pytest.mark.parametrize(
        ("read", "name", "sent"),
        [
            (
                lambda: request.authorization,
                "Authorization",
                {"headers": {"Authorization": "Basic eDp4"}},
            ),
            (
                lambda: request.user_agent.string,
                "user_agent",
                {"headers": {"User-Agent": "x"}},
            ),
            (
                lambda: request.cookies.get("theme"),
                "theme",
                {"headers": {"Cookie": "theme=x"}},
            ),
            (lambda: request.args.get("page"), "page", {"query_string": "page=2"}),
            (lambda: request.host, "Host", {"base_url": "https://b.test"}),
            (lambda: request.is_secure, "Host", {"base_url": "https://b.test"}),
            (
                lambda: request.remote_addr,
                "Remote-Addr",
                {"environ_overrides": {"REMOTE_ADDR": "203.0.113.1"}},
            ),
        ],
    )
    def test_what_is_ignored_is_no_input(
        self,
        make_site: MakeSite,
        log: Log,
        read: View,
        name: str,
        sent: dict[str, t.Any],
        config: bool,
    ) -> None:
        """On a page, or on all of them."""
        site = make_site(
            ISR_ORIGIN="http://a.test", ISR_IGNORE=[name] if config else []
        )
        add(site, lambda: f"{read()}.", ignore=[] if config else [name])
        text = site.get("/page").text
        answer = site.get("/page", **sent)
        assert (answer.text, cache_state(answer)) == (text, "HIT")
        assert not log.reads


class TestLibraries:
    """By whatever code it is read."""

    def test_flask_login_with_a_request_loader(self, make_site: MakeSite) -> None:
        """An application's function that a library calls."""
        site = make_site(SECRET_KEY="a key")
        manager = LoginManager(site.app)

        class User(UserMixin):  # type: ignore[misc]
            def __init__(self, id: str) -> None:
                self.id = id

        @manager.request_loader  # type: ignore[untyped-decorator]
        def load(request: Request) -> User | None:
            key = request.headers.get("X-API-Key")
            return User(key) if key else None

        add(
            site,
            lambda: current_user.id if current_user.is_authenticated else "nobody",
        )
        for _ in range(2):
            assert site.get("/page", headers=BROWSER).text == "nobody"
        assert cache_state(site.get("/page", headers=BROWSER)) == "HIT"
        bob = site.get("/page", headers={"X-API-Key": "bob"})
        assert (bob.text, detail(bob)) == ("bob", "header")

    def test_sessions_that_go_by_a_header(self, make_site: MakeSite) -> None:
        """A session interface of the application's own."""
        site = make_site(SECRET_KEY="a key")
        plain = site.app.session_interface

        class Sessions(type(plain)):  # type: ignore[misc]
            def open_session(self, app: Flask, request: Request) -> t.Any:
                opened = super().open_session(app, request)
                if request.headers.get("X-Session"):
                    opened["user"] = request.headers["X-Session"]
                return opened

        site.app.session_interface = Sessions()
        add(site, lambda: str(session.get("user")))
        assert [site.get("/page").text for _ in range(2)] == ["None", "None"]
        assert site.get("/page", headers={"X-Session": "bob"}).text == "bob"


class TestDeclared:
    """Parameters whose names are known late, or not at all."""

    def test_names_that_a_callable_gives(self, any_level: Site) -> None:
        """Such as the filters of a shop, which are rows of its database."""
        filters = ["color"]

        def shop() -> str:
            return ",".join(request.args.get(name, "all") for name in filters)

        add(any_level, shop, query=lambda: filters)
        for _ in range(2):
            assert any_level.get("/page?color=red").text == "red"
            assert any_level.get("/page?color=blue&size=1").text == "blue"
        assert cache_state(any_level.get("/page?color=red&utm_id=1")) == "HIT"

        filters.append("size")
        assert any_level.get("/page?size=7").text == "all,7"
        assert cache_state(any_level.get("/page?size=7")) == "HIT"

    @pytest.mark.parametrize("names", [lambda: 1 / 0, lambda: "color", lambda: [5]])
    def test_a_callable_that_fails_is_no_visitors_error(
        self, site: Site, caplog: pytest.LogCaptureFixture, names: t.Any
    ) -> None:
        """The view answers, and the log says why."""
        add(site, lambda: request.args.get("color", "all"), query=names)
        for _ in range(2):
            answer = site.get("/page?color=red")
            assert (answer.text, detail(answer)) == ("red", "query")
        assert caplog.text.count("the callable given as query= failed") == 1

    def test_one_that_fails_later_takes_no_page_with_it(self, site: Site) -> None:
        """A render asks it once, before the view runs."""
        runs: list[str] = []

        def names() -> list[str]:
            if runs:
                raise LookupError
            return ["color"]

        def page() -> str:
            runs.append(request.args.get("size", "all"))
            revalidate_tag("other")
            return "page"

        sent: list[str] = []

        def hear(sender: Flask, *, tags: list[str], **rest: t.Any) -> None:
            sent.extend(tags)

        add(site, page, query=names)
        with revalidated.connected_to(hear, site.app):
            assert cache_state(site.get("/page")) == "MISS"
            site.settle()
        assert len(list(site.state.store.overview())) == 1
        assert sent == ["other"]

    def test_all_of_them(self, any_level: Site, log: Log) -> None:
        """But for what senders of advertisements add."""
        add(any_level, lambda: str(sorted(request.args.items())), query="*")
        for _ in range(2):
            assert any_level.get("/page?a=1&b=2").text == "[('a', '1'), ('b', '2')]"
        hit = any_level.get("/page?b=2&a=1&utm_source=x&gclid=1")
        assert (cache_state(hit), hit.text) == ("HIT", "[('a', '1'), ('b', '2')]")
        assert any_level.get("/page").text == "[]"
        assert not log.reads

    def test_all_of_them_are_bounded(self, site: Site) -> None:
        """A stranger may send any number."""
        add(site, lambda: str(len(request.args)), query="*")
        many = "&".join(f"n{number}=1" for number in range(51))
        answer = site.get(f"/page?{many}")
        assert (answer.text, detail(answer)) == ("51", "query")


def test_a_request_in_a_render_that_brings_it(site: Site) -> None:
    """Is answered by the view as well."""
    add(site, lambda: request.headers.get("X-Part", "page"), "/part")

    @site.app.get("/whole")
    @static_page()
    def whole() -> str:
        return site.get("/part", headers={"X-Part": "part"}).text

    assert site.get("/part").text == "page"
    assert site.get("/whole").text == "part"


def test_a_page_that_depends_on_nothing(make_site: MakeSite, log: Log) -> None:
    """Its author says so, and strangers all get the same."""
    site = make_site(ISR_ORIGIN="http://a.test")
    add(
        site,
        lambda: f"{dict(request.headers)} {request.remote_addr} {request.host}",
        ignore="*",
    )
    text = site.get("/page").text
    answer = site.get("/page?x=1", headers=BROWSER, base_url="https://b.test")
    assert (answer.text, cache_state(answer)) == (text, "HIT")
    assert not log.reads


def test_a_server_that_always_names_a_user(any_level: Site) -> None:
    """Who is nobody, and gets hits."""
    add(any_level, lambda: str(request.authorization))
    nobody = {"environ_overrides": {"REMOTE_USER": ""}}
    states = [cache_state(any_level.get("/page", **nobody)) for _ in range(2)]
    assert states == ["MISS", "HIT"]
    bob = any_level.get("/page", environ_overrides={"REMOTE_USER": "bob"})
    assert detail(bob) == "authorization"
