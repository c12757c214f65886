"""Pages that are not the same for everybody are never wrong, only uncached."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import flash
from flask import g
from flask import redirect
from flask import request
from flask import session

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(5)

View: t.TypeAlias = t.Callable[[], t.Any]


def _with(**headers: str) -> View:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: Response(f"for {request.headers.get('X-Name')}", headers=named)


def _status(status: int) -> View:
    return lambda: Response(f"for {request.headers.get('X-Name')}", status)


def sets_a_cookie() -> Response:
    """A view that gives a cookie to its visitor."""
    response = Response(f"for {request.headers.get('X-Name')}")
    response.set_cookie("seen", "yes")
    return response


def writes_the_session() -> str:
    """A view that counts visits in the session."""
    session["visits"] = session.get("visits", 0) + 1
    return f"for {request.headers.get('X-Name')}"


def flashes() -> str:
    """A view that leaves a message for the next page."""
    flash("hello")
    return f"for {request.headers.get('X-Name')}"


PERSONAL: dict[str, tuple[View, str]] = {
    "set-cookie": (sets_a_cookie, "cookie"),
    "session-written": (writes_the_session, "session"),
    "flashing": (flashes, "session"),
    "private": (_with(Cache_Control="private"), "private"),
    "private-among-others": (_with(Cache_Control="max-age=5, Private"), "private"),
    "no-store": (_with(Cache_Control="no-store"), "no-store"),
    "vary-cookie": (_with(Vary="Cookie"), "Vary"),
    "vary-language": (_with(Vary="Accept-Encoding, Accept-Language"), "Vary"),
    "vary-anything": (_with(Vary="*"), "Vary"),
    "redirect": (
        lambda: redirect(f"/login?for={request.headers.get('X-Name')}"),
        "302",
    ),
    "moved": (_status(301), "301"),
    "unauthorized": (_status(401), "401"),
    "forbidden": (_status(403), "403"),
    "nonce": (
        _with(Content_Security_Policy="script-src 'self' 'nonce-r4nd0m'"),
        "nonce",
    ),
}

# What views say of caches.
OWN_WORDS = {
    "nothing": {},
    "a-lifetime": {"Cache-Control": "max-age=5"},
    "a-date": {"Expires": "Thu, 01 Jan 2099 00:00:00 GMT"},
}


def personal_site(make_site: MakeSite, serve: str, view: View) -> Site:
    """A site with one page of *view*, and sessions."""
    site = make_site(ISR_SERVE=serve, SECRET_KEY="a key")
    site.app.add_url_rule("/", "page", static_page()(view))
    return site


class TestNeverStored:
    """What a view says or does that makes its answer its visitor's own."""

    @pytest.mark.lint_allows(
        "CC_MISCAP", "FRESHNESS_HEURISTIC", "REDIRECT_WITHOUT_LOCATION", "VARY_ASTERISK"
    )
    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    @pytest.mark.parametrize("what", PERSONAL)
    def test_each_visitor_has_his_own_answer(
        self,
        make_site: MakeSite,
        serve: str,
        what: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The visitor's real request is answered by the view each time, and one warning
        names page and reason."""
        view, reason = PERSONAL[what]
        site = personal_site(make_site, serve, view)

        for name in ("bob", "eve", "bob"):
            answer = site.get("/", headers={"X-Name": name})
            assert name in f"{answer.text} {answer.location}"
            assert answer.headers.getlist("X-ISR-Cache") == ["BYPASS"]

        warnings = [
            record.getMessage()
            for record in caplog.records
            if "not the same for everybody" in record.getMessage()
        ]
        assert len(warnings) == 1
        assert "rule /" in warnings[0]
        assert reason in warnings[0]
        assert warnings[0].partition("for each visitor. ")[2], "it says what to do"

    def test_no_cache_on_the_way_keeps_them(self, site: Site) -> None:
        """Where the view says nothing of caches they are told: not even for a guess. What
        it does say is its own."""

        @site.app.get("/<what>")
        @static_page()
        def page(what: str) -> Response:
            return Response("page", 403, headers=OWN_WORDS[what])

        said = [site.get(f"/{what}").headers.get("Cache-Control") for what in OWN_WORDS]

        assert said == ["private, max-age=0, must-revalidate", "max-age=5", None]

    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    def test_sessions_work(self, make_site: MakeSite, serve: str) -> None:
        """Two visitors count their own visits, from the very first one."""
        count: View = lambda: str(_count_visit())  # noqa: E731
        site = personal_site(make_site, serve, count)
        bob, eve = site.app.test_client(), site.app.test_client()

        texts = [visitor.get("/").text for visitor in (bob, bob, eve, bob)]

        assert texts == ["1", "2", "1", "3"]

    @pytest.mark.parametrize("serve", ["auto", "view"])
    def test_a_hook_that_looks_who_is_there(
        self, make_site: MakeSite, serve: str
    ) -> None:
        """Flask's own pattern, a hook that loads the user from the session into ``g``:
        each visitor is greeted by his own name."""
        site = personal_site(make_site, serve, lambda: f"hello {g.user}")

        @site.app.before_request
        def load_logged_in_user() -> None:
            g.user = session.get("user", "stranger")

        @site.app.post("/login/<name>")
        def login(name: str) -> str:
            session["user"] = name
            return "done"

        bob = site.app.test_client()
        texts = [site.get("/").text, bob.get("/").text]
        bob.post("/login/bob")
        texts += [bob.get("/").text, site.get("/").text, bob.get("/").text]

        assert texts == [
            "hello stranger",
            "hello stranger",
            "hello bob",
            "hello stranger",
            "hello bob",
        ]

    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    @pytest.mark.parametrize("keyword", ["nonce", "NONCE"])
    def test_a_nonce_by_hooks(
        self, make_site: MakeSite, serve: str, keyword: str
    ) -> None:
        """A nonce that hooks make and the view's body repeats is new for each visitor,
        and the same in body and header."""
        nonces = itertools.count(1)
        site = personal_site(make_site, serve, lambda: f"<script nonce={g.nonce}>")

        @site.app.before_request
        def make_nonce() -> None:
            g.nonce = f"abc{next(nonces)}"

        @site.app.after_request
        def policy(response: Response) -> Response:
            response.headers["Content-Security-Policy"] = (
                f"script-src '{keyword}-{g.nonce}'"
            )
            return response

        bodies = set()
        for _ in range(3):
            answer = site.get("/")
            nonce = answer.text.removeprefix("<script nonce=").removesuffix(">")
            assert f"'{keyword}-{nonce}'" in answer.headers["Content-Security-Policy"]
            bodies.add(answer.text)
        assert len(bodies) == 3

    @pytest.mark.parametrize(
        ("tag", "state"),
        [
            (
                """<meta http-equiv="content-security-policy" content="'nonce-{}'">""",
                "BYPASS",
            ),
            (
                "<META CONTENT=&#39;NONCE-{}&#39; HTTP-EQUIV=Content-Security-Policy>",
                "BYPASS",
            ),
            ("<meta name=x><p>Content-Security-Policy: 'nonce-{}'", "HIT"),
        ],
        ids=["tag", "in-capitals", "text"],
    )
    def test_a_nonce_in_the_page_itself(self, site: Site, tag: str, state: str) -> None:
        """One that all visitors share protects nobody."""
        site.app.add_url_rule("/", "page", static_page()(lambda: tag.format("r4nd0m")))
        site.get("/")
        assert cache_state(site.get("/")) == state

    def test_what_does_no_harm_is_stored(self, site: Site) -> None:
        """``no-cache``, ``Vary: Accept-Encoding`` and a policy without nonce are no
        obstacle."""
        headers = {
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": "script-src 'self'",
        }
        view = static_page()(lambda: Response("page", headers=headers))
        site.app.add_url_rule("/", "page", view)

        answers = [site.get("/") for _ in range(2)]

        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
        for name, value in headers.items():
            assert answers[1].headers.getlist(name) == [value]

    @pytest.mark.parametrize("code", [401, 403, 404])
    def test_an_error_out_of_the_view_is_marked(
        self, make_site: MakeSite, code: int
    ) -> None:
        """``abort`` in a view that answers its visitor is a BYPASS as well."""

        def view() -> str:
            if "X-Name" not in request.headers:
                abort(403)
            abort(code)

        site = personal_site(make_site, "auto", view)

        for _ in range(2):
            answer = site.get("/", headers={"X-Name": "bob"})
            assert answer.status_code == code
            assert answer.headers.getlist("X-ISR-Cache") == ["BYPASS"]


def _count_visit() -> int:
    session["visits"] = session.get("visits", 0) + 1
    return int(session["visits"])
