"""Who reads it: a page, a hook around it, or nobody in a render."""

from __future__ import annotations

import pytest
from flask import Response
from flask import request

from flask_isr import rendering
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

from .conftest import Log
from .conftest import add


class TestOutside:
    """Reads outside a sealed render are nobody's business."""

    def test_a_visitors_own_request(self, site: Site, log: Log) -> None:
        """A dynamic page, and a POST that the view of a static page answers."""
        site.app.add_url_rule(
            "/page",
            view_func=static_page()(lambda: request.args.get("page", "")),
            endpoint="page",
            methods=["POST"],
        )
        site.app.add_url_rule(
            "/dynamic", view_func=lambda: str(request.cookies.get("theme"))
        )

        assert site.app.test_client().post("/page?page=2").text == "2"
        assert site.get("/dynamic").text == "None"
        assert not log.reads

    def test_a_request_that_a_render_makes(self, site: Site, log: Log) -> None:
        """It has parameters of its own."""
        site.app.add_url_rule(
            "/part", view_func=lambda: request.args["n"], endpoint="part"
        )
        add(site, lambda: site.app.test_client().get("/part?n=5").text)

        assert site.get("/page").text == "5"
        assert not log.reads


class TestHooks:
    """Hooks run in the render too."""

    def test_what_a_hook_reads_may_show_in_the_page(
        self, any_level: Site, log: Log
    ) -> None:
        """The warning also says how to spare it a hook that has nothing to do with it."""

        @any_level.app.before_request
        def choose_layout() -> None:
            str(request.user_agent)

        add(any_level, lambda: "page")
        any_level.get("/page")

        [warning] = log.reads
        assert "in choose_layout()" in warning
        assert "flask_isr.rendering()" in warning

    def test_a_hook_that_spares_renders(self, any_level: Site, log: Log) -> None:
        """As the warning says."""

        @any_level.app.before_request
        def count_campaign() -> None:
            if not rendering():
                request.args.get("utm_source")

        add(any_level, lambda: "page")
        any_level.get("/page")
        assert not log.reads

    @pytest.mark.parametrize("serve", ["auto", "view"])
    def test_a_hook_after_the_view_that_runs_for_each_visitor(
        self, make_site: MakeSite, log: Log, serve: str
    ) -> None:
        """An A/B cookie given to newcomers is no fault."""
        site = make_site(ISR_SERVE=serve)

        @site.app.after_request
        def give_group(response: Response) -> Response:
            if "group" not in request.cookies:
                response.set_cookie("group", "a")
            return response

        add(site, lambda: "page")
        assert [cache_state(site.get("/page")) for _ in range(2)] == ["MISS", "HIT"]
        assert not log.reads

    def test_a_hook_after_the_view_that_does_not(self, site: Site, log: Log) -> None:
        """It would be missed, unless somebody asked for just that."""

        @site.app.after_request
        def greet(response: Response) -> Response:
            if request.cookies.get("name"):
                response.headers["X-Greeting"] = "hello"
            return response

        add(site, lambda: "page", "/auto")
        add(site, lambda: "page", "/wsgi", serve="wsgi")
        site.get("/auto")
        site.get("/wsgi")

        [warning] = log.reads
        assert warning.startswith("/auto ")
        assert "in greet()" in warning
        assert '@static_page(serve="view")' in warning
