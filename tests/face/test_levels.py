"""Who runs on a hit: nobody, or the application's hooks."""

from __future__ import annotations

import itertools
import threading
import typing as t
from pathlib import Path

import pytest
from flask import Blueprint
from flask import Flask
from flask import Response
from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import static_page

from ..conftest import MakeSite
from ..support import Site
from ..support import cache_state


class Visits:
    """Counts what runs for visitors, apart from what runs for renders."""

    def __init__(self) -> None:
        self.count = 0
        self.renders = 0

    def __call__(self, *args: t.Any) -> None:
        """A ``before_request`` function, or a URL preprocessor."""
        if rendering():
            self.renders += 1
        else:
            self.count += 1


def add_page(site: Site | Flask | Blueprint, **kwargs: t.Any) -> None:
    """A page that counts its renders."""
    count = itertools.count(1)
    app = site.app if isinstance(site, Site) else site

    @app.get("/page")
    @static_page(**kwargs)
    def page() -> str:
        return str(next(count))


def runs_on_a_hit(site: Site, visits: Visits, path: str = "/page") -> bool:
    """Whether the hook runs for a visitor whose page is stored and in memory."""
    for _ in range(2):
        site.get(path)
    before = visits.count
    answer = site.get(path)
    assert (cache_state(answer), answer.text) == ("HIT", "1")
    return visits.count > before


class TestAuto:
    """``"auto"``: hooks that a visitor must pass are run for each of them."""

    def test_after_request_alone_stays_outside(self, site: Site) -> None:
        """A plain after_request hook works once, at render time."""
        visits = Visits()

        @site.app.after_request
        def count(response: Response) -> Response:
            visits()
            return response

        add_page(site)

        assert not runs_on_a_hit(site, visits)
        assert visits.renders == 1

    def test_before_request_runs_on_hits(self, site: Site) -> None:
        """A before_request hook (a ban list, a login wall) is passed by each visitor."""
        visits = Visits()
        site.app.before_request(visits)
        add_page(site)

        assert runs_on_a_hit(site, visits)
        assert visits.renders == 1

    def test_a_hook_can_refuse_a_visitor(self, site: Site) -> None:
        """What a hook answers in the page's place reaches its visitor, and nobody else."""

        @site.app.before_request
        def ban() -> Response | None:
            return Response("banned", 403) if "X-Banned" in request.headers else None

        add_page(site)
        site.get("/page")

        banned = site.get("/page", headers={"X-Banned": "1"})
        assert (banned.status_code, banned.text) == (403, "banned")
        assert site.get("/page").text == "1"

    def test_url_preprocessors_run_on_hits(self, site: Site) -> None:
        """A URL preprocessor counts like a before_request hook."""
        visits = Visits()
        site.app.url_value_preprocessor(visits)
        add_page(site)

        assert runs_on_a_hit(site, visits)

    @pytest.mark.parametrize("kind", ["before_request", "url_value_preprocessor"])
    def test_skip_on_hit_takes_a_hook_out(self, site: Site, kind: str) -> None:
        """A marked hook does not run on hits; it runs in the render all the same."""
        visits = Visits()
        getattr(site.app, kind)(site.isr.skip_on_hit(visits))
        add_page(site)

        assert not runs_on_a_hit(site, visits)
        assert visits.renders == 1

    def test_a_bound_method_can_be_marked(self, site: Site) -> None:
        """``skip_on_hit`` takes a method of an object too."""
        visits = Visits()
        site.app.before_request(site.isr.skip_on_hit(visits.__call__))
        add_page(site)

        assert not runs_on_a_hit(site, visits)

    def test_one_unmarked_hook_is_enough(self, site: Site) -> None:
        """Beside a marked hook an unmarked one still runs on hits."""
        visits = Visits()
        site.app.before_request(site.isr.skip_on_hit(Visits()))
        site.app.before_request(visits)
        add_page(site)

        assert runs_on_a_hit(site, visits)

    def test_hooks_of_blueprints_concern_their_pages(self, site: Site) -> None:
        """A blueprint's hook runs on hits of its own pages and of those nested in it."""
        ours, theirs = Visits(), Visits()
        outer = Blueprint("outer", __name__, url_prefix="/outer")
        inner = Blueprint("inner", __name__, url_prefix="/inner")
        other = Blueprint("other", __name__, url_prefix="/other")
        outer.before_request(ours)
        other.before_request(theirs)
        add_page(inner)
        add_page(other)
        outer.register_blueprint(inner)
        site.app.register_blueprint(outer)
        site.app.register_blueprint(other)
        add_page(site)

        assert not runs_on_a_hit(site, ours)
        assert runs_on_a_hit(site, ours, "/outer/inner/page")
        assert theirs.count == 0

    def test_something_wrapped_inside_sees_every_request(self, tmp_path: Path) -> None:
        """Middleware below the Front is passed by each visitor, hits too."""
        visits = Visits()
        app = Flask("app", instance_path=str(tmp_path))
        bare = app.wsgi_app

        def middleware(environ: t.Any, start_response: t.Any) -> t.Any:
            visits()
            return bare(environ, start_response)

        app.wsgi_app = middleware  # type: ignore[method-assign]
        ISR(app)
        add_page(app)

        states = [cache_state(app.test_client().get("/page")) for _ in range(3)]
        app.extensions["isr"].store.close()

        assert states == ["MISS", "HIT", "HIT"]
        assert (visits.count, visits.renders) == (3, 1)

    def test_proxy_fix_belongs_outside(self, site: Site) -> None:
        """ProxyFix around the extension works, and hits stay outside of Flask."""
        visits = Visits()

        @site.app.after_request
        def count(response: Response) -> Response:
            visits()
            return response

        site.app.wsgi_app = ProxyFix(site.app.wsgi_app, x_proto=1, x_host=1)  # type: ignore[method-assign]
        add_page(site)

        assert not runs_on_a_hit(site, visits)
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com"}
        assert cache_state(site.get("/page", headers=forwarded)) == "HIT"


class TestExplicit:
    """``serve`` and ``ISR_SERVE`` decide over the hooks; ``serve`` is the stronger."""

    @pytest.mark.parametrize(
        ("setting", "serve", "runs"),
        [
            ("wsgi", None, False),
            ("view", None, True),
            ("view", "wsgi", False),
            ("wsgi", "view", True),
            ("wsgi", "auto", True),
            ("auto", "wsgi", False),
        ],
    )
    def test_who_decides(
        self, make_site: MakeSite, setting: str, serve: t.Any, runs: bool
    ) -> None:
        """The page's own word counts first, then the setting, then the hooks."""
        site = make_site(ISR_SERVE=setting)
        visits = Visits()
        site.app.before_request(visits)
        add_page(site, serve=serve)

        assert runs_on_a_hit(site, visits) is runs

    def test_an_entry_of_one_level_is_a_miss_at_the_other(
        self, make_site: MakeSite
    ) -> None:
        """A page captured for one level is rendered anew for the other."""
        states = []
        for serve in ("wsgi", "view", "wsgi"):
            site = make_site(ISR_SERVE=serve)
            add_page(site)
            states.append([cache_state(site.get("/page")) for _ in range(2)])

        assert states == [["MISS", "HIT"]] * 3

    def test_view_level_renders_on_another_thread(self, make_site: MakeSite) -> None:
        """A render must not share the thread-locals of the visitor's live request."""
        site = make_site(ISR_SERVE="view")

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            return str(threading.get_ident())

        assert site.get("/page").text != str(threading.get_ident())
