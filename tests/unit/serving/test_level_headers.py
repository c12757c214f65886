"""What hooks add to a page, at both serving levels."""

from __future__ import annotations

import itertools

import pytest
from flask import Response
from flask import after_this_request
from flask import g
from flask import request
from flask import session

from flask_isr import rendering
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state
from tests.support.pages import add_page

pytestmark = pytest.mark.promise(8)


class TestHeaders:
    """No header doubled, none lost, at either level."""

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_a_header_of_a_hook_is_there_once(
        self, make_site: MakeSite, serve: str
    ) -> None:
        """What the view sets, and what an after_request hook adds, comes once each time;
        a list that both add to has both."""
        site = make_site(ISR_SERVE=serve)

        @site.app.after_request
        def add(response: Response) -> Response:
            response.headers.add("X-Hook", "hook")
            response.headers.add("Link", "</hook>")
            return response

        @site.app.get("/page")
        @static_page()
        def page() -> Response:
            return Response("page", headers={"X-View": "view", "Link": "</view>"})

        for state in ("MISS", "HIT", "HIT"):
            headers = site.get("/page").headers
            assert headers.getlist("X-Hook") == ["hook"]
            assert headers.getlist("X-View") == ["view"]
            assert headers.getlist("Link") == ["</view>", "</hook>"]
            assert headers.getlist("X-ISR-Cache") == [state]
            assert len(headers.getlist("Cache-Status")) == 1
            assert len(headers.getlist("Content-Type")) == 1
            assert headers.getlist("Content-Length") == ["4"]

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_after_this_request_of_the_view_is_kept(
        self, make_site: MakeSite, serve: str
    ) -> None:
        """What the view asks for with ``after_this_request`` belongs to its page."""
        site = make_site(ISR_SERVE=serve)

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            @after_this_request
            def add(response: Response) -> Response:
                response.headers.add("X-Late", "late")
                return response

            return "page"

        answers = [site.get("/page") for _ in range(3)]

        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT", "HIT"]
        assert [a.headers.getlist("X-Late") for a in answers] == [["late"]] * 3

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_the_own_cache_control_is_kept(
        self, make_site: MakeSite, serve: str
    ) -> None:
        """A view that set its own ``Cache-Control`` keeps it, alone."""
        site = make_site(ISR_SERVE=serve)

        @site.app.get("/page")
        @static_page()
        def page() -> Response:
            return Response("page", headers={"Cache-Control": "max-age=300"})

        for _ in range(2):
            headers = site.get("/page").headers
            assert headers.getlist("Cache-Control") == ["max-age=300"]

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_of_a_stale_page_only_what_allows_nothing_is_kept(
        self, make_site: MakeSite, clock: Clock, serve: str
    ) -> None:
        """It must not be transformed on the way however old, and nobody may keep it."""
        site = make_site(ISR_SERVE=serve)
        headers = {"Cache-Control": "max-age=300, no-transform"}
        site.app.add_url_rule(
            "/page", "page", static_page(60)(lambda: Response("page", headers=headers))
        )
        site.get("/page")
        clock.advance(61)

        answer = site.get("/page")
        site.settle()

        said = answer.headers.getlist("Cache-Control")
        assert cache_state(answer) == "STALE"
        assert said == ["no-transform, max-age=0, must-revalidate"]

    @pytest.mark.lint_allows("CC_MISCAP", "STORE_PUBLIC_UNNECESSARY")
    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    @pytest.mark.parametrize("own", ["no-transform", "public", "No-Cache"])
    def test_no_cache_on_the_way_guesses_a_lifetime(
        self, make_site: MakeSite, serve: str, own: str
    ) -> None:
        """Where the view's own ``Cache-Control`` says nothing of one, it is completed."""
        site = make_site(ISR_SERVE=serve)
        site.app.add_url_rule(
            "/page",
            "page",
            static_page()(lambda: Response("page", headers={"Cache-Control": own})),
        )
        completed = f"{own}, max-age=0, must-revalidate"

        for _ in range(2):
            said = site.get("/page").headers.getlist("Cache-Control")
            assert said == [own if own == "No-Cache" else completed]

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_what_is_of_one_connection_is_not_stored(
        self, make_site: MakeSite, serve: str
    ) -> None:
        """Nor what ``Connection`` names, as a view may pass on from where it asked."""
        site = make_site(ISR_SERVE=serve)
        headers = {"Connection": "X-Hop, close", "X-Hop": "1", "X-End": "2"}
        site.app.add_url_rule(
            "/page", "page", static_page()(lambda: Response("page", headers=headers))
        )

        for _ in range(2):
            names = set(site.get("/page").headers.keys())
            assert {"Connection", "X-Hop", "X-End"} & names == {"X-End"}

    def test_headers_of_an_inner_page_are_not_doubled(self, site: Site) -> None:
        """A view that passes on another static page's answer has one state of its own."""
        add_page(site)

        @site.app.get("/outer")
        @static_page()
        def outer() -> Response:
            inner = site.app.test_client().get("/page")
            return Response(inner.data, headers=inner.headers)

        answers = [site.get("/outer") for _ in range(2)]

        states = [answer.headers.getlist("X-ISR-Cache") for answer in answers]
        assert states == [["MISS"], ["HIT"]]


class TestPersonalHooks:
    """Hooks that make the final answer personal, over a clean view: the view's answer is
    stored, and hooks run for each visitor."""

    def test_an_ab_cookie_is_each_visitors_own(self, site: Site) -> None:
        """A cookie that a hook gives to newcomers is never stored with the page."""
        cookies = itertools.count(1)

        @site.app.after_request
        def group(response: Response) -> Response:
            if "group" not in request.cookies and not rendering():
                response.set_cookie("group", str(next(cookies)))
            elif "group" not in request.cookies:
                response.set_cookie("group", "render")
            return response

        add_page(site)
        answers = [site.get("/page") for _ in range(3)]

        given = [answer.headers.getlist("Set-Cookie") for answer in answers]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT", "HIT"]
        assert [answer.text for answer in answers] == ["1", "1", "1"]
        assert [len(cookie) for cookie in given] == [1, 1, 1]
        assert "render" not in str(given)
        assert len({cookie[0] for cookie in given}) == 3
        assert answers[1].headers["Cache-Control"].startswith("private")

    def test_vary_origin_is_each_visitors_own(self, site: Site) -> None:
        """A CORS hook answers each visitor's own origin over the stored page."""

        @site.app.after_request
        def cors(response: Response) -> Response:
            response.headers["Vary"] = "Origin"
            origin = request.headers.get("Origin")
            if origin is not None:
                response.headers["Access-Control-Allow-Origin"] = origin
            return response

        add_page(site)
        origins = ["https://a.test", "https://b.test", "https://a.test"]
        answers = [site.get("/page", headers={"Origin": origin}) for origin in origins]

        allowed = [a.headers.getlist("Access-Control-Allow-Origin") for a in answers]
        assert allowed == [[origin] for origin in origins]
        assert [answer.text for answer in answers] == ["1", "1", "1"]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT", "HIT"]

    def test_a_session_refreshed_after_the_view(self, site: Site) -> None:
        """A session that a hook touches after the view leaves the page static, and each
        visitor has a session of his own."""
        site.app.secret_key = "a key"
        seen = itertools.count(1)

        @site.app.after_request
        def refresh(response: Response) -> Response:
            if not rendering():
                session["seen"] = next(seen)
            return response

        add_page(site, serve="view")
        answers = [site.get("/page") for _ in range(2)]

        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
        assert all("session=" in a.headers["Set-Cookie"] for a in answers)

    def test_what_hooks_make_of_the_body_is_not_stored(
        self, make_site: MakeSite
    ) -> None:
        """At view level a hook that alters the body does so for its visitor alone."""
        site = make_site(ISR_SERVE="view")

        @site.app.after_request
        def greet(response: Response) -> Response:
            name = request.headers.get("X-Name", "stranger")
            response.set_data(f"{response.get_data(as_text=True)} {name}")
            return response

        add_page(site)
        answers = [site.get("/page", headers={"X-Name": name}) for name in ("a", "b")]

        assert [answer.text for answer in answers] == ["1 a", "1 b"]
        assert all("ETag" not in answer.headers for answer in answers)

    def test_g_of_a_hook_does_not_reach_the_stored_page(self, site: Site) -> None:
        """What a hook notes about its visitor is not what the render sees."""

        @site.app.before_request
        def name() -> None:
            g.name = request.headers.get("X-Name", "stranger")

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            return str(g.name)

        assert site.get("/page", headers={"X-Name": "bob"}).text == "bob"
        assert site.get("/page").text == "stranger"
