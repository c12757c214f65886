"""What a page reads that no render has: a stranger has no cookies and no headers."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response
from flask import get_flashed_messages
from flask import request
from flask import session

from ..support import Site
from ..support import cache_state
from .conftest import Log
from .conftest import View
from .conftest import add

STRANGER: list[t.Any] = [
    (lambda: request.cookies.get("theme"), "the cookie 'theme'", "a script"),
    (lambda: "theme" in request.cookies, "the cookie 'theme'", "a script"),
    (lambda: dict(request.cookies), "all cookies", "a script"),
    (lambda: request.headers.get("Cookie"), "the header Cookie", "a script"),
    (lambda: request.authorization, "the header Authorization", "who asks"),
    (
        lambda: "authorization" in request.headers,
        "the header Authorization",
        "who asks",
    ),
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
    (
        lambda: request.accept_mimetypes.best_match(["text/html", "application/json"]),
        "the header Accept",
        "each format a URL",
    ),
    (
        lambda: request.headers.get("HX-Request"),
        "the header HX-Request",
        "the fragment",
    ),
    (
        lambda: "x-requested-with" in request.headers,
        "the header X-Requested-With",
        "the fragment",
    ),
    (lambda: request.headers.get("USER_AGENT"), "the header User-Agent", "CSS"),
    (lambda: request.user_agent.string, "the header User-Agent", "CSS"),
    (lambda: "User-Agent" in request.headers, "the header User-Agent", "CSS"),
]


class TestStranger:
    """What a stranger does not have."""

    @pytest.mark.parametrize(("read", "what", "advice"), STRANGER)
    def test_read_by_the_view(
        self, site: Site, log: Log, read: View, what: str, advice: str
    ) -> None:
        """The warning says what everybody gets, and what to do."""
        add(site, lambda: f"{read()}.")
        site.get("/page", headers={"Accept-Language": "de", "Cookie": "theme=x"})

        [warning] = log.reads
        assert f"reads {what} (" in warning
        assert "rendered for a stranger" in warning
        assert advice in warning
        assert "rendering()" not in warning

    @pytest.mark.parametrize("read", [case[0] for case in STRANGER])
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
            lambda: request.headers["Host"],
            lambda: dict(request.headers),
            lambda: request.is_json,
            lambda: request.url,
            lambda: request.full_path,
            lambda: request.form.get("page"),
            lambda: session.get("user"),
            get_flashed_messages,
        ],
    )
    def test_other_things_may_be_read(self, site: Site, log: Log, read: View) -> None:
        """They are not the page's errors, or are taken care of."""
        add(site, lambda: f"{read()}.")
        site.get("/page")
        assert not log.reads
