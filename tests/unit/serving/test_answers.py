"""What a visitor gets from the store: states, HEAD, conditions, methods."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import request
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response as BaseResponse

from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state


@pytest.fixture(params=["wsgi", "view"])
def pages(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site whose page counts its renders, and is good for 60 seconds."""
    site = make_site(ISR_SERVE=request.param)
    count = itertools.count(1)

    @site.app.get("/")
    @static_page(60)
    def page() -> Response:
        response = Response(f"<p>{next(count)}")
        response.headers["X-Page"] = "yes"
        return response

    return site


class TestStates:
    """``X-ISR-Cache`` says what happened, at both serving levels."""

    def test_miss_then_hit(self, pages: Site) -> None:
        """The first visitor's page is rendered for him and stored for the others."""
        first, second = pages.get("/"), pages.get("/")

        assert [cache_state(first), cache_state(second)] == ["MISS", "HIT"]
        assert first.text == second.text == "<p>1"
        assert first.headers["Cache-Status"] == "Flask-ISR; fwd=uri-miss; stored"
        assert second.headers["Cache-Status"] == "Flask-ISR; hit; ttl=60"

    @pytest.mark.promise(1)
    def test_stale_then_new(self, pages: Site, clock: Clock) -> None:
        """An old page is served at once, and replaced behind the visitor's back."""
        pages.get("/")
        clock.advance(61)

        stale = pages.get("/")
        pages.settle()
        new = pages.get("/")

        assert (cache_state(stale), stale.text) == ("STALE", "<p>1")
        assert stale.headers["Cache-Status"] == "Flask-ISR; hit; ttl=-1"
        assert (cache_state(new), new.text) == ("HIT", "<p>2")

    def test_the_time_left_counts_down(self, pages: Site, clock: Clock) -> None:
        """``ttl`` in ``Cache-Status`` is what is left of the page's lifetime."""
        pages.get("/")
        ttls = []
        for _ in range(3):
            clock.advance(10)
            ttls.append(pages.get("/").headers["Cache-Status"])

        assert ttls == [f"Flask-ISR; hit; ttl={left}" for left in (50, 40, 30)]

    def test_browsers_must_ask_each_time(self, pages: Site) -> None:
        """Every state tells browsers to revalidate, so that a purge shows at once."""
        for _ in range(2):
            answer = pages.get("/")
            assert answer.headers.getlist("Cache-Control") == [
                "max-age=0, must-revalidate"
            ]
            assert answer.headers.getlist("ETag") == [answer.headers["ETag"]]

    def test_an_equal_render_keeps_its_etag(self, site: Site) -> None:
        """A page that is rendered anew and came out the same keeps its ETag; another
        content has another."""
        body = ["same"]

        @site.app.get("/")
        @static_page()
        def page() -> str:
            return body[0]

        etags = []
        for text in ("same", "same", "other"):
            body[0] = text
            with site.app.app_context():
                revalidate_path("/")
            site.settle()
            etags.append(site.get("/").headers["ETag"])

        assert etags[0] == etags[1] != etags[2]


class TestHead:
    """HEAD is answered from the GET entry, with the same header fields and no body."""

    def test_head_is_get_without_body(self, pages: Site) -> None:
        """HEAD on a stored page has the headers of GET, the length included."""
        pages.get("/")
        got, head = pages.get("/"), head_of(pages, "/")

        assert head.status_code == 200
        assert head.data == b""
        assert sorted(head.headers) == sorted(got.headers)
        assert head.headers["Content-Length"] == "4"

    def test_a_first_head_stores_the_page(self, pages: Site) -> None:
        """A page that HEAD asked for first is stored with its body."""
        head = head_of(pages, "/")
        got = pages.get("/")

        assert (cache_state(head), head.data) == ("MISS", b"")
        assert (cache_state(got), got.text) == ("HIT", "<p>1")


class TestConditions:
    """A visitor who has the page already gets 304; everything else gets the page."""

    @pytest.mark.parametrize(
        "condition",
        [
            pytest.param("{etag}", id="strong"),
            pytest.param("W/{etag}", id="weak"),
            pytest.param('"x", {etag}', id="list"),
            pytest.param('"x", W/{etag} , "y"', id="weak-in-list"),
            pytest.param("*", id="star"),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_known_etag_is_304(
        self, pages: Site, condition: str, method: str
    ) -> None:
        """If-None-Match is compared weakly, in a list too, and any page matches ``*``."""
        etag = pages.get("/").headers["ETag"]

        answer = ask(pages, method, {"If-None-Match": condition.format(etag=etag)})

        assert answer.status_code == 304
        assert answer.data == b""
        assert answer.headers["ETag"] == etag
        assert answer.headers["Cache-Control"] == "max-age=0, must-revalidate"
        assert cache_state(answer) == "HIT"
        assert "Content-Type" not in answer.headers
        assert "Content-Length" not in answer.headers

    @pytest.mark.parametrize("condition", ['"other"', "", '"', "garbage", "W/", ",,"])
    def test_another_etag_gets_the_page(self, pages: Site, condition: str) -> None:
        """An ETag of another version, or what is no ETag, gets the whole page."""
        pages.get("/")

        answer = ask(pages, "GET", {"If-None-Match": condition})

        assert (answer.status_code, answer.text) == (200, "<p>1")

    def test_a_date_is_no_condition_without_last_modified(self, pages: Site) -> None:
        """If-Modified-Since on a page that has no date gets the whole page."""
        pages.get("/")

        answer = ask(
            pages, "GET", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
        )

        assert (answer.status_code, answer.text) == (200, "<p>1")

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"}, 304),
            ({"If-Modified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}, 200),
            ({"If-Modified-Since": "yesterday"}, 200),
            (
                {
                    "If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT",
                    "If-None-Match": '"other"',
                },
                200,
            ),
        ],
        ids=["newer", "older", "malformed", "etag-wins"],
    )
    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_a_view_that_dates_its_page(
        self, make_site: MakeSite, serve: str, headers: dict[str, str], status: int
    ) -> None:
        """A Last-Modified of the view answers If-Modified-Since; an ETag wins over it."""
        site = make_site(ISR_SERVE=serve)

        @site.app.get("/")
        @static_page()
        def page() -> Response:
            dated = {"Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT"}
            return Response("page", headers=dated)

        site.get("/")

        assert ask(site, "GET", headers).status_code == status

    @pytest.mark.parametrize("status", [404, 410])
    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_a_stored_error_stays_one(
        self, make_site: MakeSite, serve: str, status: int
    ) -> None:
        """A stored 404 or 410 is one for a visitor with any condition as well."""
        site = make_site(ISR_SERVE=serve)

        @site.app.get("/")
        @static_page()
        def page() -> Response:
            abort(status)

        etag = site.get("/").headers["ETag"]

        for condition in ("*", etag):
            answer = ask(site, "GET", {"If-None-Match": condition})
            assert (cache_state(answer), answer.status_code) == ("HIT", status)

    def test_the_condition_never_reaches_the_render(self, site: Site) -> None:
        """A view that answers conditions itself is rendered without one."""

        @site.app.get("/")
        @static_page()
        def page() -> BaseResponse:
            response = Response("page")
            response.set_etag("v1")
            return response.make_conditional(request)

        first = ask(site, "GET", {"If-None-Match": '"v1"'})
        second = site.get("/")

        assert (first.status_code, cache_state(first)) == (304, "MISS")
        assert (second.text, second.headers["ETag"]) == ("page", '"v1"')


class TestMethods:
    """Everything but GET and HEAD belongs to Flask."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FOO"])
    def test_a_method_that_the_rule_lacks_is_405(
        self, pages: Site, method: str
    ) -> None:
        """A stored page does not answer a method that its rule does not have."""
        pages.get("/")

        assert ask(pages, method).status_code == 405

    def test_options_is_flasks(self, pages: Site) -> None:
        """OPTIONS lists the methods, and is not the page."""
        pages.get("/")

        answer = ask(pages, "OPTIONS")

        assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))
        assert answer.data == b""

    def test_post_reaches_the_view(self, site: Site) -> None:
        """A POST to a static page's own view gets an answer of its own each time."""
        posts = itertools.count(1)

        @site.app.route("/", methods=["GET", "POST"])
        @static_page()
        def page() -> str:
            return f"post {next(posts)}" if request.method == "POST" else "page"

        site.get("/")
        answers = [ask(site, "POST") for _ in range(2)]

        assert [answer.text for answer in answers] == ["post 1", "post 2"]
        assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]
        assert answers[0].headers["Cache-Status"] == "Flask-ISR; fwd=method"
        assert site.get("/").text == "page"


HOSTILE = [
    {"Cache-Control": "no-cache"},
    {"Cache-Control": "max-age=0, no-store"},
    {"Pragma": "no-cache"},
    {"Authorization": "Bearer stranger"},
    {"Cookie": "session=forged; other=1"},
    {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"},
    {"X-Forwarded-Prefix": "/evil", "X-Original-URL": "/evil"},
    {"X-HTTP-Method-Override": "POST"},
    {"X-ISR-Cache": "BYPASS", "X-Revalidate": "1"},
    {"Host": "evil.test"},
    {"Range": "bytes=0-0"},
]


@pytest.mark.parametrize("headers", HOSTILE, ids="+".join)
def test_request_headers_do_not_bypass(pages: Site, headers: dict[str, str]) -> None:
    """No request header forces a render or changes the page."""
    pages.get("/")

    answer = ask(pages, "GET", headers)

    assert (answer.status_code, cache_state(answer)) == (200, "HIT")
    assert answer.text == "<p>1"


def head_of(site: Site, path: str) -> TestResponse:
    """HEAD *path* as a stranger."""
    return site.app.test_client(use_cookies=False).head(path)


def ask(
    site: Site, method: str, headers: t.Mapping[str, str] | None = None
) -> TestResponse:
    """Ask for the page as a stranger."""
    client = site.app.test_client(use_cookies=False)
    return client.open("/", method=method, headers=headers)
