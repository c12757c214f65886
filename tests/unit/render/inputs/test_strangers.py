"""What a page reads that no render has: a stranger has no cookies and no headers."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response
from flask import get_flashed_messages
from flask import render_template_string
from flask import request
from flask import session
from flask import url_for
from werkzeug.wsgi import get_host

from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

from .conftest import Log
from .conftest import View
from .conftest import add

INPUTS: list[t.Any] = [
    (lambda: request.cookies.get("theme"), "the cookie 'theme'", "a script"),
    (lambda: "theme" in request.cookies, "the cookie 'theme'", "a script"),
    (lambda: request.headers.get("Cookie"), "the header Cookie", "a script"),
    (lambda: request.authorization, "the header Authorization", "answered by the view"),
    (
        lambda: "authorization" in request.headers,
        "the header Authorization",
        "answered by the view",
    ),
    (
        lambda: request.accept_mimetypes.best_match(["text/html", "application/json"]),
        "the header Accept",
        "each format a URL",
    ),
    (
        lambda: request.headers.get("HX-Request"),
        "the header HX-Request",
        "answered by the view",
    ),
    (
        lambda: "x-requested-with" in request.headers,
        "the header X-Requested-With",
        "answered by the view",
    ),
]

OBSTACLES: list[t.Any] = [
    (lambda: dict(request.cookies), "all cookies", "by their names"),
    (lambda: list(request.headers), "all headers", "by their names"),
    (lambda: dict(request.headers), "all headers", "by their names"),
    (lambda: dict(request.environ), "all headers", "by their names"),
    (
        lambda: request.accept_languages.best_match(["de", "en"]),
        "the header Accept-Language",
        "a URL of its own",
    ),
    (
        lambda: request.headers.getlist("ACCEPT-LANGUAGE"),
        "the header Accept-Language",
        "a URL of its own",
    ),
    (lambda: request.headers.get("USER_AGENT"), "the header User-Agent", "CSS"),
    (lambda: request.user_agent.string, "the header User-Agent", "CSS"),
    (lambda: "User-Agent" in request.headers, "the header User-Agent", "CSS"),
    (lambda: request.environ.get("HTTP_USER_AGENT"), "the header User-Agent", "CSS"),
    (lambda: request.referrer, "the header Referer", "Every browser or proxy"),
    (
        lambda: request.headers.get("X-Forwarded-For"),
        "the header X-Forwarded-For",
        "Every browser or proxy",
    ),
    (
        lambda: request.headers.get("CF-IPCountry"),
        "the header Cf-Ipcountry",
        "Every browser or proxy",
    ),
    (
        lambda: request.headers.get("Sec-CH-UA-Mobile"),
        "the header Sec-Ch-Ua-Mobile",
        "Every browser or proxy",
    ),
    (lambda: request.remote_addr, "the visitor's address", "Every visitor has one"),
    (lambda: request.access_route, "the visitor's address", "Every visitor has one"),
    (
        lambda: request.environ["REMOTE_ADDR"],
        "the visitor's address",
        "Every visitor has one",
    ),
    (
        lambda: render_template_string("{{ request.remote_addr }}"),
        "the visitor's address",
        "Every visitor has one",
    ),
]

ORIGINS: list[t.Any] = [
    (lambda: request.host, "the host of the request"),
    (lambda: request.headers["Host"], "the host of the request"),
    (lambda: request.url, "the host of the request"),
    (lambda: request.base_url, "the host of the request"),
    (lambda: request.url_root, "the host of the request"),
    (lambda: request.root_url, "the host of the request"),
    (lambda: request.host_url, "the host of the request"),
    (lambda: get_host(request.environ), "the scheme of the request"),
    (lambda: request.environ["SERVER_NAME"], "the host of the request"),
    (lambda: render_template_string("{{ request.url }}"), "the host of the request"),
    (lambda: request.scheme, "the scheme of the request"),
    (lambda: request.is_secure, "the scheme of the request"),
    (lambda: request.environ["wsgi.url_scheme"], "the scheme of the request"),
]


def _file(read: View) -> str:
    is_template = "render_template_string" in read.__code__.co_names
    return "<template>" if is_template else __file__


class TestStranger:
    """What a stranger does not have."""

    @pytest.mark.parametrize(("read", "what", "advice"), INPUTS)
    def test_an_input(
        self, site: Site, log: Log, read: View, what: str, advice: str
    ) -> None:
        """The page is stored for those who do not bring it; the warning says what becomes
        of the others."""
        add(site, lambda: f"{read()}.")
        browser = {"Accept": "text/html,*/*;q=0.8"}

        states = [cache_state(site.get("/page", headers=browser)) for _ in range(2)]

        assert states == ["MISS", "HIT"]
        [warning] = log.reads
        assert f"reads {what} (" in warning
        assert advice in warning
        assert "@static_page(ignore=[" in warning

    @pytest.mark.parametrize(("read", "what", "advice"), OBSTACLES)
    def test_what_every_visitor_brings(
        self,
        site: Site,
        caplog: pytest.LogCaptureFixture,
        read: View,
        what: str,
        advice: str,
    ) -> None:
        """Such a page is not stored, and the warning names the line and the cure."""
        add(site, lambda: f"{read()}.")
        answers = [site.get("/page") for _ in range(2)]

        assert [cache_state(answer) for answer in answers] == ["BYPASS"] * 2
        assert f'detail="it reads {what}"' in answers[0].headers["Cache-Status"]
        assert f"it reads {what} ({_file(read)}:" in caplog.text
        assert advice in caplog.text

    @pytest.mark.parametrize(("read", "what"), ORIGINS)
    def test_the_address_of_the_site(
        self,
        make_site: MakeSite,
        caplog: pytest.LogCaptureFixture,
        read: View,
        what: str,
    ) -> None:
        """Nobody knows it, and what stands in for it decides nothing that is stored. Where
        it is known, the page is for those who come by it."""
        unknown = make_site()
        add(unknown, lambda: f"{read()}.")
        assert cache_state(unknown.get("/page")) == "BYPASS"
        assert f"it reads {what} ({_file(read)}:" in caplog.text
        assert "Set ISR_ORIGIN" in caplog.text

        known = make_site(ISR_ORIGIN="https://a.test", ISR_BUILD_ID="other")
        add(known, lambda: f"{read()}.")
        seen = {
            base: [cache_state(known.get("/page", base_url=base)) for _ in range(2)]
            for base in ("https://a.test", "https://b.test", "http://a.test")
        }
        assert seen == {
            "https://a.test": ["MISS", "HIT"],
            "https://b.test": ["BYPASS", "BYPASS"],
            "http://a.test": ["BYPASS", "BYPASS"],
        }

    @pytest.mark.parametrize("read", [case[0] for case in INPUTS + OBSTACLES[4:]])
    def test_a_page_that_is_not_stored_is_right(
        self, site: Site, log: Log, read: View
    ) -> None:
        """Its visitors are answered on their own requests."""

        def view() -> Response:
            response = Response(f"{read()}.")
            response.set_cookie("seen", "1")
            return response

        add(site, view)

        assert cache_state(site.get("/page")) == "BYPASS"
        assert not log.reads

    @pytest.mark.parametrize(
        "read",
        [
            lambda: request.headers.get("X-Request-ID"),
            lambda: request.headers.get("Accept-Encoding"),
            lambda: request.if_none_match,
            lambda: request.range,
            lambda: request.cache_control.no_cache,
            lambda: request.is_json,
            lambda: url_for("/page", _external=True) and "",
            lambda: request.form.get("page"),
            lambda: session.get("user"),
            get_flashed_messages,
        ],
    )
    def test_other_things_may_be_read(self, site: Site, log: Log, read: View) -> None:
        """They are not the page's errors, or are taken care of."""
        add(site, lambda: f"{read()}.")
        states = [cache_state(site.get("/page")) for _ in range(2)]
        assert states == ["MISS", "HIT"]
        assert not log.reads
