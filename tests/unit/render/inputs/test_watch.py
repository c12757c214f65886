"""Whatever way a render takes to its request, on whatever thread, is seen."""

from __future__ import annotations

import copy
import pickle
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from flask import Request
from flask import abort
from flask import copy_current_request_context
from flask import g
from flask import jsonify
from flask import render_template_string
from flask import request
from flask import session
from flask import url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import SecurityError
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request as PlainRequest

from flask_isr.http import host
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state
from tests.support import detail

from .conftest import Log
from .conftest import View
from .conftest import add

BODY = {"method": "GET", "data": {"name": "bob"}}
BYTES = {"method": "GET", "data": b"bob"}
KEY = {"headers": {"X-API-Key": "k"}}
QUERY = {"query_string": "page=3"}


def visit(site: Site, **sent: t.Any) -> TestResponse:
    """GET the page, also with a body."""
    return site.app.test_client(use_cookies=False).open("/page", **sent)


#: How a page reads something, what a visitor sends who brings it, and the reason.
WAYS: list[t.Any] = [
    (lambda: request.form.get("name"), BODY, "header"),
    (lambda: dict(request.form), BODY, "header"),
    (lambda: len(request.files), BODY, "header"),
    (lambda: request.data, BYTES, "header"),
    (lambda: request.get_data() or b"", BYTES, "header"),
    (lambda: request.stream.read(9), BYTES, "header"),
    (lambda: request.content_length, BYTES, "header"),
    (lambda: request.environ["wsgi.input"].read(3), BYTES, "header"),
    (lambda: request.environ.pop("HTTP_X_API_KEY", None), KEY, "header"),
    (lambda: request.environ.setdefault("HTTP_X_API_KEY", ""), KEY, "header"),
    (lambda: request.full_path, QUERY, "undeclared-query"),
    (lambda: request.url, QUERY, "undeclared-query"),
    (lambda: request.args == MultiDict(), QUERY, "undeclared-query"),
    (lambda: request.args != MultiDict(), QUERY, "undeclared-query"),
    (lambda: list(reversed(request.args)), QUERY, "undeclared-query"),
    (lambda: pickle.dumps(request.args), QUERY, "undeclared-query"),
    (lambda: copy.deepcopy(request.args).get("page"), QUERY, "undeclared-query"),
    (
        lambda: request.environ.get("eppn"),
        {"environ_overrides": {"eppn": "bob@example.com"}},
        "environ",
    ),
    (
        lambda: "SSL_CLIENT_S_DN" in request.environ,
        {"environ_overrides": {"SSL_CLIENT_S_DN": "CN=bob"}},
        "environ",
    ),
    (
        lambda: request.environ.get("shop.tenant"),
        {"environ_overrides": {"shop.tenant": "b"}},
        "environ",
    ),
    (
        lambda: request.cookies.get("session"),
        {"headers": {"Cookie": "session=a-token-of-its-own"}},
        "cookie",
    ),
]


class TestWays:
    """The API of requests has many."""

    @pytest.mark.parametrize(("read", "sent", "reason"), WAYS)
    def test_who_brings_it_is_answered_by_the_view(
        self, make_site: MakeSite, read: View, sent: dict[str, t.Any], reason: str
    ) -> None:
        """And all others get hits."""
        site = make_site(ISR_ORIGIN="http://localhost", SECRET_KEY="a key")
        add(site, lambda: (f"{read()}.", {"Cache-Control": "max-age=60"}))
        assert [cache_state(visit(site)) for _ in range(2)] == ["MISS", "HIT"]
        answer = visit(site, **sent)
        assert (cache_state(answer), detail(answer)) == ("BYPASS", reason)
        # The query is a part of the URL: such an answer is not its visitor's own.
        own = "private" in answer.headers["Cache-Control"]
        assert own == (reason != "undeclared-query")
        assert cache_state(visit(site)) == "HIT"

    def test_what_the_render_itself_put_there(self, make_site: MakeSite) -> None:
        """What it was made of was read before."""
        site = make_site()

        @site.app.before_request
        def put() -> None:
            request.environ["shop.theme"] = request.cookies.get("theme", "light")

        add(site, lambda: request.environ["shop.theme"])
        visit(site)
        other = {"environ_overrides": {"shop.theme": "none"}}
        assert cache_state(visit(site, **other)) == "HIT"
        assert visit(site, headers={"Cookie": "theme=dark"}).text == "dark"

    def test_attributes_are_those_of_any_request(self, make_site: MakeSite) -> None:
        """On the class, and where a first look is forgotten."""
        site = make_site()

        def view() -> str:
            agent = request.user_agent
            cls: t.Any = type(request._get_current_object())  # type: ignore[attr-defined]
            del request.user_agent
            names = [name for name in dir(Request) if not hasattr(cls, name)]
            assert request.user_agent is not agent
            return f"{names} {cls.is_secure!r:.9} {cls.__name__} {request.is_secure}"

        add(site, view, ignore="*")
        answer = visit(site)
        assert (answer.text, cache_state(answer)) == (
            "[] <property Request True",
            "MISS",
        )

    def test_a_session_that_flask_opens(self, make_site: MakeSite) -> None:
        """A cookie that does not verify is nobody's."""
        site = make_site(SECRET_KEY="a key")
        add(site, lambda: str(session.get("user")))
        visit(site)
        forged = {"headers": {"Cookie": "session=forged"}}
        assert cache_state(visit(site, **forged)) == "HIT"


def _in_a_view(site: Site, read: View) -> None:
    add(site, lambda: f"{read()}")


def _in_an_async_view(site: Site, read: View) -> None:
    async def view() -> str:
        return f"{read()}"

    add(site, view)


def _in_a_thread(site: Site, read: View) -> None:
    def view() -> str:
        found: list[t.Any] = []

        @copy_current_request_context
        def job() -> None:
            found.append(read())

        thread = threading.Thread(target=job)
        thread.start()
        thread.join()
        return f"{found[0]}"

    add(site, view)


def _in_an_error_handler(site: Site, read: View) -> None:
    @site.app.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        return f"{read()}", 404

    def view() -> str:
        abort(404)

    add(site, view)


def _in_a_context_processor(site: Site, read: View) -> None:
    @site.app.context_processor
    def add_it() -> dict[str, t.Any]:
        return {"it": read()}

    add(site, lambda: render_template_string("{{ it|safe }}"))


def _in_a_template(site: Site, read: View) -> None:
    site.app.add_template_global(read, "read")
    template = "{% macro shown() %}{{ read() }}{% endmacro %}{{ shown()|safe }}"
    add(site, lambda: render_template_string(template))


PLACES = [
    _in_a_view,
    _in_an_async_view,
    _in_a_thread,
    _in_an_error_handler,
    _in_a_context_processor,
    _in_a_template,
]


class TestPlaces:
    """What decides the page is the view's, on whichever thread or stack it is done."""

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize(
        "read",
        [
            lambda: request.user_agent.string,
            lambda: request.remote_addr,
            lambda: sorted(request.cookies),
            lambda: len(request.headers),
            lambda: request.headers.get("CF-IPCountry"),
        ],
    )
    def test_what_everybody_brings(
        self, make_site: MakeSite, place: t.Callable[[Site, View], None], read: View
    ) -> None:
        """The page is not stored."""
        site = make_site()
        place(site, read)
        assert [cache_state(visit(site)) for _ in range(2)] == ["BYPASS", "BYPASS"]

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize(
        "read", [lambda: dict(request.args), lambda: f"{request.query_string!r}"]
    )
    def test_the_whole_query(
        self, make_site: MakeSite, place: t.Callable[[Site, View], None], read: View
    ) -> None:
        """Whoever sends one is answered by the view."""
        site = make_site()
        place(site, read)
        visit(site)
        answer = visit(site, **QUERY)
        assert (detail(answer), "3" in answer.text) == ("undeclared-query", True)
        assert cache_state(visit(site)) == "HIT"

    def test_a_thread_without_a_context(self, make_site: MakeSite) -> None:
        """It was given the request itself."""
        site = make_site()

        def view() -> str:
            mine = request._get_current_object()  # type: ignore[attr-defined]
            with ThreadPoolExecutor(1) as pool:
                return str(pool.submit(lambda: mine.args.get("page")).result())

        add(site, view)
        visit(site)
        assert visit(site, **QUERY).text == "3"

    def test_a_hook_that_reads_the_whole_query(self, make_site: MakeSite) -> None:
        """The page may show it."""
        site = make_site()

        @site.app.before_request
        def keep() -> None:
            g.back = request.full_path

        add(site, lambda: str(g.back))
        visit(site)
        assert visit(site, **QUERY).text == "/page?page=3"

    @pytest.mark.parametrize(
        ("read", "what"),
        [
            (lambda: list(request.headers), "all headers"),
            (lambda: dict(request.cookies), "all cookies"),
        ],
    )
    def test_a_hook_that_reads_all_there_is(
        self, make_site: MakeSite, log: Log, read: View, what: str
    ) -> None:
        """It writes a log, as likely as not: that is told, and the page stored."""
        site = make_site()

        @site.app.before_request
        def note() -> None:
            read()

        add(site, lambda: "page")
        assert [cache_state(visit(site)) for _ in range(2)] == ["MISS", "HIT"]
        assert [what in warning for warning in log.reads] == [True]

    @pytest.mark.parametrize("fail", [lambda: abort(503), lambda: 1 / 0])
    def test_a_hook_after_a_view_that_failed(
        self, make_site: MakeSite, fail: View
    ) -> None:
        """It is no part of the answer: the error is shared."""
        site = make_site()
        calls: list[str] = []

        @site.app.after_request
        def note(response: t.Any) -> t.Any:
            calls.append(request.user_agent.string)
            return response

        add(site, fail)
        visit(site)
        shared = visit(site)
        assert (shared.status_code >= 500, cache_state(shared)) == (True, "MISS")

    def test_hooks_that_read_a_lot(self, make_site: MakeSite) -> None:
        """That leaves room for what decides the page."""
        site = make_site()

        @site.app.before_request
        def read() -> None:
            for number in range(40):
                request.headers.get(f"Sec-{number}")

        add(site, lambda: request.cookies.get("theme", "light"))
        visit(site)
        assert visit(site, headers={"Cookie": "theme=dark"}).text == "dark"


class Copied(Request):
    """A request made of a copy of the environ."""

    def __init__(
        self, environ: dict[str, t.Any], *args: t.Any, **kwargs: t.Any
    ) -> None:
        super().__init__(dict(environ), *args, **kwargs)


class Final(Request):
    """A class of requests that nobody derives another from."""

    def __init_subclass__(cls) -> None:
        raise TypeError("final")


class Plain(Request):
    """A request with parameters in what nobody can watch."""

    parameter_storage_class = dict  # type: ignore[assignment]


class Started(Request):
    """A request that is made by code of the application."""

    def __init__(
        self, environ: dict[str, t.Any], *args: t.Any, **kwargs: t.Any
    ) -> None:
        super().__init__(environ, *args, **kwargs)


class TestUnseen:
    """A page of which nobody knows what it reads is not stored."""

    @pytest.mark.parametrize("how", ["class", "middleware"])
    def test_who_makes_a_request_reads_nothing_of_it(
        self, make_site: MakeSite, how: str
    ) -> None:
        """Whoever brings a cookie gets hits all the same."""
        site = make_site(ISR_ORIGIN="http://localhost")
        if how == "class":
            site.app.request_class = Started
        else:
            application = site.state.application
            inner = application.inner

            def wrapped(environ: t.Any, start: t.Any) -> t.Any:
                PlainRequest(environ)
                return inner(environ, start)

            application.inner = wrapped
        add(site, lambda: "page")
        visit(site)
        assert cache_state(visit(site, headers={"Cookie": "consent=1"})) == "HIT"

    @pytest.mark.parametrize("cls", [Copied, Final, Plain])
    def test_a_class_of_requests_that_hides_it(
        self, make_site: MakeSite, caplog: pytest.LogCaptureFixture, cls: type[Request]
    ) -> None:
        """And the log says so."""
        site = make_site(ISR_ORIGIN="http://localhost")
        site.app.request_class = cls
        add(site, lambda: request.args.get("page", "1"))
        assert [cache_state(visit(site)) for _ in range(2)] == ["BYPASS", "BYPASS"]
        assert "its request cannot be watched" in caplog.text

    def test_middleware_that_copies_the_environ(self, make_site: MakeSite) -> None:
        """Inside of the extension."""
        site = make_site()
        application = site.state.application
        inner = application.inner
        application.inner = lambda environ, start: inner(dict(environ), start)
        add(site, lambda: request.args.get("page", "1"))
        visit(site)
        assert visit(site, **QUERY).text == "3"

    @pytest.mark.parametrize("shallow", [False, True])
    def test_another_request_of_the_environ(
        self, make_site: MakeSite, shallow: bool
    ) -> None:
        """It takes all that there is out of it."""
        site = make_site(ISR_ORIGIN="http://localhost")

        def view() -> str:
            other = PlainRequest(request.environ, False, shallow)
            return other.args.get("page", "1")

        add(site, view)
        visit(site)
        assert visit(site, **QUERY).text == "3"


class TestAccept:
    """A page that looks at ``Accept``."""

    def test_who_takes_anything_gets_what_browsers_get(self, site: Site) -> None:
        """Who prefers something else gets that from the view, and so does who says
        nothing."""

        def view() -> str:
            types = ["application/json", "text/html"]
            return str(request.accept_mimetypes.best_match(types))

        add(site, view)
        visit(site)
        anything = visit(site, headers={"Accept": "*/*"})
        assert (anything.text, cache_state(anything)) == ("text/html", "HIT")
        for headers in ({}, {"Accept": "application/json"}):
            assert detail(visit(site, headers=headers)) == "header"
        browser = visit(site, headers={"Accept": "text/html,*/*;q=0.8"})
        assert (browser.text, cache_state(browser)) == ("text/html", "HIT")

    def test_who_takes_anything_gets_what_browsers_got_of_an_api(
        self, site: Site
    ) -> None:
        """It has no HTML, though they prefer it."""

        def view() -> t.Any:
            return jsonify(request.accept_mimetypes.best_match(["application/json"]))

        add(site, view)
        visit(site)
        assert cache_state(visit(site, headers={"Accept": "*/*"})) == "HIT"


class TestParameters:
    """Many of them, or those that no page depends on as a rule."""

    def test_a_form_of_many_fields(self, site: Site) -> None:
        """Whoever sends any is answered by the view, as if the page read them all."""
        names = [f"n{number}" for number in range(40)]
        add(site, lambda: "a".join(request.args.get(name, "") for name in names))
        assert [cache_state(visit(site)) for _ in range(2)] == ["MISS", "HIT"]
        assert visit(site, query_string="n39=x").text == "a" * 39 + "x"

    def test_all_of_them_where_some_are_declared(self, site: Site, log: Log) -> None:
        """Its author has said which of them count: the others are invisible."""

        def view() -> str:
            return url_for("/page", **{**request.args, "page": "2"})  # type: ignore[arg-type]

        add(site, view, query=["page"])
        visit(site)
        visit(site, query_string="page=1")
        for other in ("sort=name", "utm_id=7"):
            hit = visit(site, query_string=f"page=1&{other}")
            assert (hit.text, cache_state(hit)) == ("/page?page=2", "HIT")
        assert not log.reads

    def test_an_advertisers_parameter_that_is_read_by_name(self, site: Site) -> None:
        """It is not among ``"*"``, and the page depends on it."""
        add(site, lambda: request.args.get("utm_source", "nobody"), query="*")
        visit(site)
        assert visit(site, query_string="utm_source=mail").text == "mail"
        assert cache_state(visit(site, query_string="utm_id=1")) == "HIT"


class TestShown:
    """A page that shows an address which nobody declared."""

    @pytest.mark.parametrize(
        "show",
        [
            lambda url: quote(url, safe=""),
            str.upper,
        ],
    )
    def test_in_any_spelling(
        self, make_site: MakeSite, show: t.Callable[[str], str]
    ) -> None:
        """It is for those who come by it."""
        site = make_site(SERVER_NAME="shop.test:8000")
        add(site, lambda: show(url_for("/page", _external=True)))
        for _ in range(2):
            other = visit(site, base_url="https://shop.test:8000")
            assert "https" in other.text.lower()
            visit(site, base_url="http://shop.test:8000")
        assert cache_state(visit(site, base_url="http://shop.test:8000")) == "HIT"


def test_a_host_that_none_can_be(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some releases of Werkzeug raise for it: Flask answers, and nothing breaks."""
    site = make_site(ISR_ORIGIN="http://localhost")
    add(site, lambda: request.host)
    visit(site)

    def refuse(environ: t.Any) -> str:
        raise SecurityError

    monkeypatch.setattr(host, "get_host", refuse)
    answer = visit(site, headers={"Host": "a b"})
    assert detail(answer) == "origin"
    assert cache_state(visit(site)) == "HIT"
