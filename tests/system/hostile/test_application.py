"""Manners of an application that a visitor can turn against its pages."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import abort
from flask import request
from flask import session
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import BaseConverter
from werkzeug.test import Client

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import cache_state

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

SERVE = pytest.mark.parametrize("serve", ["wsgi", "view"])


@SERVE
@pytest.mark.parametrize("own", [False, True], ids=["another", "its-own"])
def test_an_error_handler_that_shows_a_page_stores_nothing(
    make_site: MakeSite, serve: str, own: bool
) -> None:
    """What a handler makes of a view that raised is not the page, be it a page itself."""
    site = make_site(ISR_SERVE=serve)
    runs: list[str] = []
    broken = True

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "sorry"

    @site.app.get("/posts/<slug>")
    @static_page()
    def post(slug: str) -> str:
        runs.append(slug)
        if slug == "sorry":
            return slug
        if broken:
            raise RuntimeError("the database is away")
        return f"post {slug}"

    @site.app.errorhandler(RuntimeError)
    def apologize(error: RuntimeError) -> t.Any:
        return post("sorry") if own else home()

    answer = site.get("/posts/a")
    assert (answer.text, cache_state(answer)) == ("sorry", "BYPASS")
    broken = False
    site.clock.advance(61)
    runs.clear()

    site.get("/posts/a")
    site.settle()

    answer = site.get("/posts/a")
    assert (answer.text, cache_state(answer)) == ("post a", "HIT")
    assert runs in (["a"], ["a", "a"])


def test_a_hook_that_shows_another_page_stores_nothing(make_site: MakeSite) -> None:
    """Maintenance that is announced by a static page does not become the others."""
    site = make_site()
    down = False

    @site.app.get("/maintenance")
    @static_page()
    def maintenance() -> str:
        return "back soon"

    @site.app.get("/posts/<slug>")
    @static_page(10)
    def post(slug: str) -> str:
        return f"post {slug}"

    @site.app.before_request
    @site.isr.skip_on_hit
    def announce() -> t.Any:
        return maintenance() if down else None

    site.get("/posts/a")
    site.clock.advance(11)
    down = True
    site.get("/posts/a")
    site.settle()
    down = False

    assert site.get("/posts/a").text == "post a"


class Unquoted(BaseConverter):
    """Forgets that it builds URLs."""

    def to_url(self, value: t.Any) -> str:
        """The value as it is."""
        return str(value)


class Next(BaseConverter):
    """Builds the path of the next page."""

    def to_python(self, value: str) -> int:
        """A number."""
        return int(value)

    def to_url(self, value: t.Any) -> str:
        """Another number."""
        return str(value + 1)


class Lower(BaseConverter):
    """Builds lower case, and takes any."""

    def to_url(self, value: t.Any) -> str:
        """In lower case."""
        return str(value).lower()


@SERVE
@pytest.mark.parametrize(
    ("converter", "mine", "yours"),
    [
        pytest.param(Unquoted, "50%2541", "50A", id="unquoted"),
        pytest.param(Unquoted, "a%253Fb", "a%3Fb", id="unquoted-mark"),
        pytest.param(Next, "1", "2", id="another"),
        pytest.param(Lower, "Bob", "bob", id="many-to-one"),
    ],
)
def test_a_path_whose_canonical_one_is_anothers_gets_its_own_page(
    make_site: MakeSite,
    serve: str,
    converter: type[BaseConverter],
    mine: str,
    yours: str,
) -> None:
    """Whatever a converter makes of values, nobody gets or leaves the page of others."""
    site = make_site(ISR_SERVE=serve)
    site.app.url_map.converters["own"] = converter
    runs: list[t.Any] = []

    @site.app.get("/page/<own:value>")
    @static_page()
    def page(value: t.Any) -> str:
        runs.append(value)
        return f"of {value}"

    @site.app.get("/view/<own:value>")
    def plain(value: t.Any) -> str:
        return f"of {value}"

    for value in (mine, yours) * 2:
        runs.clear()
        assert site.get(f"/page/{value}").text == site.get(f"/view/{value}").text
        assert len(runs) <= 1


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("unknown?" + "q=1&" * 51, id="parameters"),
        pytest.param("unknown?q=" + "a" * 1100, id="long-parameter"),
        pytest.param("t" * 300, id="long-tag"),
        pytest.param("t" * 1100, id="long-path"),
        pytest.param("a%01b", id="control-character"),
    ],
)
def test_no_spelling_gets_around_a_closed_list(make_site: MakeSite, path: str) -> None:
    """What cannot be stored is not listed either, and costs no run of the view."""
    site = make_site()
    runs: list[str] = []

    @site.app.get("/posts/<path:slug>")
    @static_page(paths=["/posts/a"], fallback=False, query=["q"], tags=["p:{slug}"])
    def post(slug: str) -> str:
        runs.append(slug)
        return slug

    assert site.get("/posts/a").text == "a"

    answer = site.get(f"/posts/{path}")

    assert (answer.status_code, runs) == (404, ["a"])


def test_a_listed_page_with_too_many_parameters_is_shown(make_site: MakeSite) -> None:
    """Its view answers, as without the list."""
    site = make_site()

    @site.app.get("/posts/<slug>")
    @static_page(paths=["/posts/a"], fallback=False, query=["q"])
    def post(slug: str) -> str:
        return slug

    assert site.get("/posts/a?" + "q=1&" * 51).text == "a"


@pytest.mark.parametrize("spelling", ["/posts/a", "/posts//a/"])
def test_a_redirect_of_the_router_expires_nothing(
    make_site: MakeSite, spelling: str
) -> None:
    """Who may not write expires no page by a spelling that the router corrects."""
    site = make_site()
    runs: list[str] = []

    @site.app.get("/posts/<slug>/")
    @static_page()
    def post(slug: str) -> str:
        runs.append(slug)
        return slug

    @site.app.post("/posts/<slug>/")
    def edit(slug: str) -> str:
        abort(401)

    site.get("/posts/a/")

    assert site.app.test_client().post(spelling).status_code == 308

    site.settle()
    assert cache_state(site.get("/posts/a/")) == "HIT"
    assert runs == ["a"]


@pytest.mark.lint_allows(
    "BAD_SYNTAX_DETAILED", "CC_BAD_VALUE_TYPE", "FRESHNESS_HEURISTIC"
)
@pytest.mark.parametrize(
    "control", ["private; max-age=0", "max-age=0; no-store", "max-age=60 private"]
)
def test_a_misspelled_ban_is_a_ban(make_site: MakeSite, control: str) -> None:
    """A view that says so with the wrong separator means it."""
    site = make_site()
    runs: list[str] = []

    @site.app.get("/account")
    @static_page()
    def account() -> tuple[str, dict[str, str]]:
        runs.append("run")
        return "mine", {"Cache-Control": control}

    assert [cache_state(site.get("/account")) for _ in range(2)] == ["BYPASS"] * 2
    # The render that found it out, and each visitor's own.
    assert len(runs) == 3


class Guarded(Flask):
    """Turns somebody away before any hook."""

    def preprocess_request(self, *args: t.Any) -> t.Any:
        """As Flask does it, for whoever is let in."""
        if "X-Banned" in request.headers:
            abort(403)
        return super().preprocess_request(*args)


def test_what_a_class_of_applications_does_for_each_request_is_not_skipped(
    make_site: MakeSite,
) -> None:
    """A guard in a method that Flask calls counts like a hook."""
    site = make_site(app_class=Guarded)

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "home"

    assert [cache_state(site.get("/")) for _ in range(2)] == ["MISS", "HIT"]
    assert site.get("/", headers={"X-Banned": "1"}).status_code == 403


def takes_language(inner: WSGIApplication) -> WSGIApplication:
    """Middleware that moves a language from the path into the environ."""

    def take(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        language, path = environ["PATH_INFO"][1:3], environ["PATH_INFO"][3:]
        if path.startswith("/"):
            environ["site.language"], environ["PATH_INFO"] = language, path
        return inner(environ, start_response)

    return take


@SERVE
def test_what_middleware_makes_of_a_path_is_not_lost(
    tmp_path: Path, serve: str
) -> None:
    """Two paths that it makes one of get no page of each other's, nor the other's way."""
    app = Flask("site", instance_path=str(tmp_path))
    app.config["ISR_SERVE"] = serve
    app.wsgi_app = takes_language(app.wsgi_app)  # type: ignore[assignment, method-assign]
    ISR(app)
    runs: list[str] = []

    @app.get("/about")
    @static_page()
    def about() -> str:
        runs.append(request.environ.get("site.language", "none"))
        return runs[-1]

    client = app.test_client()
    for language in ("en", "de", "none") * 2:
        path = "/about" if language == "none" else f"/{language}/about"
        assert client.get(path).text == language
    assert runs == ["en", "de", "none", "en", "de"]


@SERVE
def test_a_mount_inside_of_the_extension_finds_its_pages(
    tmp_path: Path, serve: str
) -> None:
    """Nothing is looked for at a path from which the mount prefix was taken twice."""
    app = Flask("site", instance_path=str(tmp_path))
    app.config.update(ISR_SERVE=serve, APPLICATION_ROOT="/shop")
    app.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        NotFound(), {"/shop": app.wsgi_app}
    )
    ISR(app)
    runs: list[str] = []

    @app.get("/about")
    @static_page()
    def about() -> str:
        runs.append(request.path)
        return "about"

    # Flask's own would put the prefix in front.
    client = Client(app)
    assert [client.get("/shop/about").text for _ in range(2)] == ["about"] * 2
    assert runs == ["/about"] * 2


def test_what_middleware_adds_to_a_body_is_of_one_visitor(make_site: MakeSite) -> None:
    """A list that the server is given belongs to that answer alone."""
    site = make_site()

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "home"

    front = site.app.wsgi_app

    def greet(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        def start(
            status: str, headers: list[tuple[str, str]], *exc_info: t.Any
        ) -> t.Any:
            headers[:] = [pair for pair in headers if pair[0] != "Content-Length"]
            return start_response(status, headers, *exc_info)

        body = front(environ, start)
        assert isinstance(body, list)
        body.append(f", {environ['HTTP_USER_AGENT']}".encode())
        return body

    client = Client(greet)
    for name in ("Ann", "Bob", "Eve"):
        answer = client.get("/", headers={"User-Agent": name})
        assert answer.text == f"home, {name}"
    assert cache_state(answer) == "HIT"


@SERVE
@pytest.mark.parametrize("personal", [False, True])
def test_a_body_that_a_hook_reads_breaks_no_visit(
    make_site: MakeSite, serve: str, personal: bool
) -> None:
    """It can be read once: such a request goes once through Flask, whatever comes out."""
    site = make_site(ISR_SERVE=serve)
    bodies: list[str] = []

    @site.app.get("/")
    @static_page()
    def home() -> Response:
        answer = Response("home")
        if personal:
            answer.set_cookie("visited", "yes")
        return answer

    @site.app.after_request
    def log(response: Response) -> Response:
        if not rendering():
            bodies.append(request.get_data(as_text=True))
        return response

    for _ in range(2):
        answer = site.get("/", data="body")
        assert (answer.status_code, answer.text) == (200, "home")
    # A page that is served from memory runs no hook.
    assert bodies == ["body"] * (2 if personal or serve == "view" else 1)


@SERVE
def test_a_view_that_asks_for_a_page_keeps_its_own_answer(
    make_site: MakeSite, serve: str
) -> None:
    """Text, session and all: that page is not what the visitor asked for."""
    site = make_site(ISR_SERVE=serve, SECRET_KEY="key")

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "home"

    @site.app.get("/log-in")
    def log_in() -> str:
        session["user"] = "Ann"
        with site.app.request_context({**request.environ, "PATH_INFO": "/"}):
            page = site.app.full_dispatch_request()
        return f"welcome, {page.get_data(as_text=True)}"

    for _ in range(2):
        answer = site.get("/log-in")
        assert answer.text == "welcome, home"
        assert "session=" in answer.headers["Set-Cookie"]
        # Before and after it is stored.
        assert site.get("/").text == "home"
