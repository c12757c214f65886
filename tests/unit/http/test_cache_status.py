"""What ``Cache-Status`` says, and why: each word of it that ``docs/http.rst`` lists."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import abort
from flask import request
from flask import session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import flask_isr
from flask_isr import cache_life
from flask_isr import rendering
from flask_isr import static_page
from flask_isr.core.decision import ServeEntry
from flask_isr.core.freshness import Lifetime
from flask_isr.http.cache_status import cache_status
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support.shop import Plug

DOCUMENT = Path(__file__).parents[3] / "docs" / "http.rst"

#: Words of the Engine's own, which take several visitors; see ``tests/unit/core``.
OF_THE_ENGINE = {"contended", "crowded", "no-thread", "interrupted", "internal-error"}

Ask: t.TypeAlias = t.Callable[[Site], t.Any]
CASES: dict[str, Ask] = {}


def case(word: str) -> t.Callable[[Ask], Ask]:
    """A function that provokes *word*, and returns an answer that says it."""

    def note(ask: Ask) -> Ask:
        CASES[word] = ask
        return ask

    return note


def add(site: Site, rule: str, view: t.Callable[..., t.Any], **how: t.Any) -> None:
    """Make *view* a static page."""
    site.app.add_url_rule(rule, rule, static_page(**how)(view))


@case("session")
def _session(site: Site) -> t.Any:
    add(site, "/page", lambda: str(session.get("user")))
    site.get("/page")
    bob = site.app.test_client()
    with bob.session_transaction() as held:
        held["user"] = "bob"
    return bob.get("/page")


@case("draft")
def _draft(site: Site) -> t.Any:
    add(site, "/page", lambda: "page")

    @site.app.get("/draft")
    def draft() -> Response:
        answer = Response("on")
        site.isr.draft.enable(answer)
        return answer

    editor = site.app.test_client()
    editor.get("/draft")
    return editor.get("/page")


@case("not-listed")
def _not_listed(site: Site) -> t.Any:
    add(site, "/<name>", lambda name: name, paths=["/one"], fallback=False)
    return site.get("/two")


@case("no-list")
def _no_list(site: Site) -> t.Any:
    def paths() -> list[str]:
        raise OSError("the CMS is down")

    add(site, "/<name>", lambda name: name, paths=paths, fallback=False)
    return site.get("/two")


@case("path")
def _path(site: Site) -> t.Any:
    page: t.Callable[[], t.Any] = static_page()(lambda: "page")
    site.app.add_url_rule("/page", "page", page)

    @site.app.get("/other")
    def other() -> t.Any:
        return page()

    return site.get("/other")


@case("no-front")
def _no_front(site: Site) -> t.Any:
    add(site, "/page", lambda: "page")
    with site.app.test_request_context("/page"):
        return site.app.full_dispatch_request()


@case("query")
def _query(site: Site) -> t.Any:
    add(site, "/page", lambda: "page", query=["q"])
    return site.get("/page?q=" + "x" * 5000)


@case("tags")
def _tags(site: Site) -> t.Any:
    add(site, "/<name>", lambda name: name, tags=["{name}"])
    return site.get("/" + "x" * 600)


@case("lifetime")
def _lifetime(site: Site) -> t.Any:
    def page() -> str:
        cache_life(revalidate=0)
        return "page"

    add(site, "/page", page)
    return site.get("/page")


@case("prefix")
def _prefix(site: Site) -> t.Any:
    add(site, "/page", lambda: "page")
    mounted = DispatcherMiddleware(Flask("root"), {"/elsewhere": site.app})
    return Client(mounted, Response).get("/elsewhere/page")


@case("rewritten")
def _rewritten(site: Site) -> t.Any:
    add(site, "/page", lambda: "page")

    @site.app.get("/alias")
    def alias() -> t.Any:
        environ = {**request.environ, "PATH_INFO": "/page"}
        with site.app.request_context(environ):
            return site.app.full_dispatch_request()

    return site.get("/alias")


@case("store-unavailable")
def _store_unavailable(site: Site) -> t.Any:
    add(site, "/page", lambda: "page", serve="view")
    site.get("/page")
    site.state.store.close()
    Plug(Path(site.app.instance_path) / "isr").pull()
    return site.get("/page")


@case("error")
def _error(site: Site) -> t.Any:
    add(site, "/page", lambda: abort(503))
    return site.get("/page")


def _looked_at(site: Site, read: t.Callable[[], t.Any], **sent: t.Any) -> t.Any:
    add(site, "/page", lambda: f"{read()}.")
    site.get("/page")
    return site.get("/page", **sent)


@case("authorization")
def _authorization(site: Site) -> t.Any:
    sent = {"Authorization": "Bearer x"}
    return _looked_at(site, lambda: request.authorization, headers=sent)


@case("header")
def _header(site: Site) -> t.Any:
    sent = {"X-API-Key": "x"}
    return _looked_at(site, lambda: request.headers.get("X-API-Key"), headers=sent)


@case("cookie")
def _cookie(site: Site) -> t.Any:
    sent = {"Cookie": "theme=dark"}
    return _looked_at(site, lambda: request.cookies.get("theme"), headers=sent)


@case("environ")
def _environ(site: Site) -> t.Any:
    sent = {"eppn": "bob@example.com"}
    return _looked_at(site, lambda: request.environ.get("eppn"), environ_overrides=sent)


@case("undeclared-query")
def _undeclared_query(site: Site) -> t.Any:
    return _looked_at(
        site, lambda: request.args.get("page"), query_string={"page": "2"}
    )


@case("origin")
def _origin(site: Site) -> t.Any:
    site.app.config["SERVER_NAME"] = "localhost"
    return _looked_at(site, lambda: request.host, base_url="https://localhost")


@case("nested")
def _nested(site: Site) -> t.Any:
    add(site, "/part", lambda: "part")
    heard: list[t.Any] = []

    def whole() -> str:
        heard.append(site.get("/part"))
        return "whole"

    add(site, "/whole", whole)
    site.get("/whole")
    return heard[0]


def test_a_page_that_fails_for_strangers(site: Site) -> None:
    """Nobody must look a word up to understand it."""
    add(site, "/page", lambda: abort(503) if rendering() else "page")
    site.get("/page")
    detail = 'detail="its render fails, and its view answers its visitors"'
    assert detail in site.get("/page").headers["Cache-Status"]


@pytest.mark.parametrize("word", CASES)
def test_the_view_answers_and_the_reason_is_told(
    make_site: MakeSite, word: str
) -> None:
    """In one word, by which a log can be searched."""
    answer = CASES[word](make_site(SECRET_KEY="a key"))
    assert answer.headers["X-ISR-Cache"] == "BYPASS"
    assert answer.headers["Cache-Status"] == f"Flask-ISR; fwd=bypass; detail={word}"


def test_the_documentation_has_these_words_and_no_others() -> None:
    """So that who meets one finds it there."""
    text = DOCUMENT.read_text()
    start = text.index("With ``fwd=bypass``, ``detail`` says why the view answered")
    listed = re.findall("``([a-z-]+)``", text[start : text.index("\n* ", start)])
    assert set(listed) - {"detail"} == set(CASES) | OF_THE_ENGINE


def test_the_package_says_no_others() -> None:
    """Of those that it says in one place only."""
    package = Path(flask_isr.__file__).parent
    source = "\n".join(path.read_text() for path in package.rglob("*.py"))
    said = set(
        re.findall(r'(?:RunView|NotStarted|_unable|self\._run)\("([a-z-]+)"', source)
    )
    said |= set(re.findall(r'_run_view\(page, arguments, "([a-z-]+)"\)', source))
    assert said <= set(CASES) | OF_THE_ENGINE
    assert said >= OF_THE_ENGINE


@pytest.mark.parametrize(
    ("serve", "age", "said"),
    [
        ({"state": "HIT"}, 18.9, "hit; ttl=41"),
        ({"state": "HIT"}, 61.0, "hit; ttl=0"),
        ({"state": "STALE"}, 63.0, "hit; ttl=-3"),
        ({"state": "STALE"}, 10.0, "hit; ttl=0"),
        ({"state": "STALE", "detail": "error"}, 63.0, "hit; ttl=-3; detail=error"),
        ({"state": "STALE", "detail": "timeout"}, 63.0, "hit; ttl=-3; detail=timeout"),
        ({"state": "MISS"}, 0.0, "fwd=uri-miss; stored"),
        ({"state": "MISS", "forward": "stale"}, 0.0, "fwd=stale; stored"),
        ({"state": "MISS", "detail": "collapsed"}, 0.0, "fwd=uri-miss; collapsed"),
        (
            {"state": "MISS", "detail": "collapsed", "forward": "stale"},
            0.0,
            "fwd=stale; collapsed",
        ),
        ({"state": "MISS", "stored": False}, 0.0, "fwd=uri-miss"),
        (
            {"state": "MISS", "stored": False, "detail": "off"},
            0.0,
            "fwd=uri-miss; detail=off",
        ),
    ],
)
def test_a_page_says_how_it_came(
    serve: dict[str, t.Any], age: float, said: str
) -> None:
    """Each row of the table in the documentation."""
    page = entry(FOX, "mark", lifetime=Lifetime(60))
    assert cache_status(ServeEntry(page, **serve), age) == f"Flask-ISR; {said}"


def test_a_page_without_a_limit_in_time_says_none() -> None:
    """But where it was invalidated."""
    page = entry(FOX, "mark")
    assert cache_status(ServeEntry(page, "HIT"), 5.0) == "Flask-ISR; hit"
    assert cache_status(ServeEntry(page, "STALE"), 5.0) == "Flask-ISR; hit; ttl=0"


def test_an_error_that_visitors_share_says_so(site: Site) -> None:
    """He who came first got it from the view."""
    add(site, "/page", lambda: abort(503))
    site.get("/page")
    answer = site.get("/page")
    assert answer.status_code == 503
    assert answer.headers["X-ISR-Cache"] == "MISS"
    assert answer.headers["Cache-Status"] == "Flask-ISR; fwd=uri-miss; detail=error"


class TestCacheStatus:
    """What visitors get (RFC 9211)."""

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_an_expired_page_was_there(
        self, make_site: MakeSite, clock: Clock, serve: str
    ) -> None:
        """A page that had to be rendered anew is no miss of the URL."""
        site = make_site(ISR_SERVE=serve)
        site.app.add_url_rule("/", "page", static_page(10, expire=20)(lambda: "page"))
        first = site.get("/").headers["Cache-Status"]
        clock.advance(21)
        second = site.get("/").headers["Cache-Status"]

        assert first == "Flask-ISR; fwd=uri-miss; stored"
        assert second == "Flask-ISR; fwd=stale; stored"

    @pytest.mark.lint_allows("BAD_SYNTAX_DETAILED")
    @pytest.mark.parametrize(
        ("header", "detail"),
        [
            ("Set-Cookie", '"it sets a cookie"'),
            ("Vary", r'"Vary: a\"b\\c"'),
        ],
    )
    def test_a_bypass_says_why(self, site: Site, header: str, detail: str) -> None:
        """Whoever wonders why a page is not static finds the reason in the answer."""

        @site.app.get("/")
        @static_page()
        def page() -> Response:
            return Response("page", headers={header: 'a"b\\c'})

        for _ in range(2):
            answer = site.get("/")
            assert answer.headers["Cache-Status"] == (
                f"Flask-ISR; fwd=bypass; detail={detail}"
            )

    def test_a_method_says_why(self, site: Site) -> None:
        """What is no GET or HEAD went past the cache for that."""

        @site.app.route("/", methods=["GET", "POST"])
        @static_page()
        def page() -> str:
            return "page"

        answer = site.app.test_client().post("/")

        assert answer.headers["Cache-Status"] == "Flask-ISR; fwd=method"
