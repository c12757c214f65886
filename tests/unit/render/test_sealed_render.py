"""A page is rendered as a stranger would see it, whoever asks for it."""

from __future__ import annotations

import contextvars
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import g
from flask import got_request_exception
from flask import request
from flask import request_started
from flask import url_for

from flask_isr import rendering
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(5)

visitor: contextvars.ContextVar[str] = contextvars.ContextVar(
    "visitor", default="nobody"
)


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param)


class TestStranger:
    """Nothing of the visitor reaches the render."""

    def test_the_request_is_nobodys(self, any_level: Site) -> None:
        """No cookie, no header of the client, no body, no address of a visitor."""

        seen: list[dict[str, t.Any]] = []

        @any_level.app.get("/page")
        @static_page(query=["q"])
        def page() -> str:
            if not rendering():
                return "."
            values = {
                "method": request.method,
                "headers": sorted(name for name, _ in request.headers),
                "accept": request.headers.get("Accept"),
                "cookies": dict(request.cookies),
                "query": dict(request.args),
                "body": request.get_data(as_text=True),
                "address": request.remote_addr,
                "user": request.authorization is not None,
                "referrer": request.referrer,
                "strange": sorted(key for key in request.environ if "strange" in key),
            }
            seen.append(values)
            return "."

        any_level.app.test_client().get(
            "/page?q=1&other=2",
            data={"form": "sent"},
            headers={
                "Authorization": "Basic dXNlcjpwYXNz",
                "Cookie": "session=mine",
                "Accept": "application/json",
                "Accept-Language": "de",
                "User-Agent": "browser",
                "Referer": "http://elsewhere.test/",
                "X-Forwarded-For": "10.0.0.1",
                "If-None-Match": '"x"',
                "Range": "bytes=0-1",
            },
            environ_overrides={"REMOTE_ADDR": "10.0.0.2", "strange.key": "1"},
        )
        any_level.settle()

        assert seen[0] == {
            "method": "GET",
            "headers": ["Accept", "Host"],
            "accept": "text/html,*/*;q=0.8",
            "cookies": {},
            "query": {"q": "1"},
            "body": "",
            "address": "192.0.2.1",
            "user": False,
            "referrer": None,
            "strange": [],
        }

    @pytest.mark.parametrize(
        ("path", "text"), [("/posts/none", "no post"), ("/data", "[1]\n")]
    )
    def test_a_choice_of_formats_falls_as_for_browsers(
        self, any_level: Site, path: str, text: str
    ) -> None:
        """What asks for no format at all gets JSON from most handlers of errors."""

        @any_level.app.get("/posts/<slug>")
        @static_page()
        def post(slug: str) -> str:
            abort(404)

        @any_level.app.get("/data")
        @static_page()
        def data() -> t.Any:
            if not request.accept_mimetypes.accept_json:
                abort(406)
            return [1]

        @any_level.app.errorhandler(404)
        def show(error: Exception) -> t.Any:
            wanted = request.accept_mimetypes
            if wanted["application/json"] >= wanted["text/html"]:
                return {"error": "no post"}, 404
            return "no post", 404

        answer = any_level.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
        assert (answer.text, cache_state(answer)) == (text, "MISS")
        scripts = any_level.get(path, headers={"Accept": "application/json"})
        assert scripts.is_json

    def test_context_variables_are_fresh(self, any_level: Site) -> None:
        """A context variable that middleware set for the visitor is not seen inside."""

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            return visitor.get()

        token = visitor.set("bob")
        try:
            assert any_level.get("/page").text == "nobody"
        finally:
            visitor.reset(token)

    def test_g_is_fresh(self, any_level: Site) -> None:
        """Neither ``g`` of the visitor's request nor of one around it is seen inside."""

        @any_level.app.before_request
        @any_level.isr.skip_on_hit
        def note() -> None:
            if not rendering():
                g.name = "bob"

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            return str(g.get("name"))

        with any_level.app.app_context():
            g.name = "eve"
            assert any_level.get("/page").text == "None"

    def test_context_of_the_render_does_not_leak_out(self, any_level: Site) -> None:
        """What the view sets in its context is gone when the visitor goes on."""

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            visitor.set("the render")
            return "page"

        any_level.get("/page")

        assert visitor.get() == "nobody"


class TestRendering:
    """``rendering()`` tells a render from a visitor's request."""

    def test_true_inside_only(self, any_level: Site) -> None:
        """It is true in the view, in hooks and in helpers of a render, else false."""
        seen: list[tuple[str, bool]] = []

        @any_level.app.before_request
        def before() -> None:
            seen.append(("hook", rendering()))

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            seen.append(("view", rendering()))
            return "page"

        @any_level.app.get("/dynamic")
        def dynamic() -> str:
            return str(rendering())

        any_level.get("/page")

        assert ("view", True) in seen
        assert ("view", False) not in seen
        assert ("hook", True) in seen
        assert ("hook", False) in seen
        assert any_level.get("/dynamic").text == "False"
        assert rendering() is False

    def test_false_where_the_view_answers_a_visitor(self, any_level: Site) -> None:
        """In a view that answers a visitor's POST nothing is being rendered."""

        @any_level.app.post("/page")
        @static_page()
        def page() -> str:
            return str(rendering())

        assert any_level.app.test_client().post("/page").text == "False"

    def test_the_whole_application_runs_once(self, any_level: Site) -> None:
        """Hooks, teardowns and signals run as for any request, once per render."""
        counts: dict[str, int] = {}

        def count(what: str) -> None:
            if rendering():
                counts[what] = counts.get(what, 0) + 1

        any_level.app.before_request(lambda: count("before_request"))
        any_level.app.teardown_request(lambda error: count("teardown_request"))
        any_level.app.teardown_appcontext(lambda error: count("teardown_appcontext"))

        @any_level.app.after_request
        def after(response: Response) -> Response:
            count("after_request")
            return response

        def started(sender: t.Any, **extra: t.Any) -> None:
            count("request_started")

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            count("view")
            return "page"

        with request_started.connected_to(started, any_level.app):
            for _ in range(3):
                any_level.get("/page")

        assert counts == dict.fromkeys(
            (
                "before_request",
                "after_request",
                "teardown_request",
                "teardown_appcontext",
                "request_started",
                "view",
            ),
            1,
        )

    def test_an_exception_is_reported_once_per_render(self, any_level: Site) -> None:
        """``got_request_exception``, by which error trackers work, is sent for renders."""
        errors: list[bool] = []

        def report(sender: t.Any, exception: Exception, **extra: t.Any) -> None:
            errors.append(rendering())

        @any_level.app.get("/page")
        @static_page()
        def page() -> str:
            raise RuntimeError("no database")

        with got_request_exception.connected_to(report, any_level.app):
            any_level.get("/page")

        # The render, and the visitor's own request after it.
        assert errors == [True, False]


def test_links_are_those_of_the_site(make_site: MakeSite) -> None:
    """A page has the configured origin in its links, whatever Host a visitor sent."""
    site = make_site(ISR_ORIGIN="https://shop.example.com")

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return f"{url_for('page', _external=True)} {request.host} {request.is_secure}"

    assert cache_state(site.get("/page", headers={"Host": "evil.test"})) == "BYPASS"

    answer = site.get("/page", base_url="https://shop.example.com")

    assert cache_state(answer) == "HIT"
    assert answer.text == "https://shop.example.com/page shop.example.com True"
