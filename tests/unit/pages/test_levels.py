"""Who runs on a hit: nobody, or the application's hooks."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import typing as t
from pathlib import Path

import pytest
from flask import Blueprint
from flask import Flask
from flask import Response
from flask import abort
from flask import appcontext_pushed
from flask import request
from flask import request_started
from werkzeug.exceptions import Forbidden
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state
from tests.support.pages import add_page

pytestmark = pytest.mark.promise(8)


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
        """Middleware below the middleware is passed by each visitor, hits too."""
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


class Gatekeeper:
    """Turns everybody away once the site is closed.

    :ivar closed: whether it is.
    :ivar refused: how many were turned away.
    """

    def __init__(self) -> None:
        self.closed = False
        self.refused = 0

    def __call__(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Whatever Flask calls it with."""
        if self.closed:
            self.refused += 1
            abort(403)


Post: t.TypeAlias = t.Callable[[Site, Blueprint, Gatekeeper], object]


def receives(signal: t.Any, sender: bool = True) -> Post:
    """The gatekeeper stands at a signal, of this application or of all."""
    return lambda site, _, keeper: (
        signal.connect(keeper, site.app) if sender else signal.connect(keeper)
    )


def in_place_of(name: str) -> Post:
    """An extension has put it into the application."""

    def put(site: Site, _: Blueprint, keeper: Gatekeeper) -> None:
        method = getattr(site.app, name)

        def guarded(*args: t.Any, **kwargs: t.Any) -> t.Any:
            keeper()
            return method(*args, **kwargs)

        setattr(site.app, name, guarded)

    return put


def by_its_class(name: str) -> Post:
    """The application's class has it."""

    def put(site: Site, _: Blueprint, keeper: Gatekeeper) -> None:
        def guarded(self: Flask, *args: t.Any, **kwargs: t.Any) -> t.Any:
            keeper()
            return getattr(Flask, name)(self, *args, **kwargs)

        site.app.__class__ = type("Guarded", (Flask,), {name: guarded})

    return put


METHODS = ("full_dispatch_request", "preprocess_request", "dispatch_request")
EARLY = ("request_context", "create_url_adapter")

POSTS: dict[str, Post] = {
    "before_request": lambda site, _, keeper: site.app.before_request(keeper),
    "preprocessor": lambda site, _, keeper: site.app.url_value_preprocessor(keeper),
    "before_request of the blueprint": lambda _, outer, keeper: outer.before_request(
        keeper
    ),
    "before_app_request": lambda _, outer, keeper: outer.before_app_request(keeper),
    "request_started": receives(request_started),
    "request_started of all": receives(request_started, sender=False),
    "appcontext_pushed": receives(appcontext_pushed),
    **{f"in place of {name}": in_place_of(name) for name in (*METHODS, *EARLY)},
    **{f"{name} of the class": by_its_class(name) for name in (*METHODS, *EARLY)},
}


@pytest.mark.parametrize("post", POSTS)
def test_whoever_can_turn_a_visitor_away_is_asked(
    site: Site, post: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On each hit, wherever he stands before the view."""
    monkeypatch.setitem(site.app.config, "PROPAGATE_EXCEPTIONS", False)
    keeper = Gatekeeper()
    outer = Blueprint("outer", __name__)
    inner = Blueprint("inner", __name__)
    add_page(inner)
    POSTS[post](site, outer, keeper)
    outer.register_blueprint(inner)
    site.app.register_blueprint(outer)
    assert [cache_state(site.get("/page")) for _ in range(3)] == ["MISS", "HIT", "HIT"]
    keeper.closed = True
    try:
        # Where Flask asks so early, no error handler is asked, and it stumbles itself: its
        # context is left behind.
        with contextlib.suppress(Forbidden, LookupError):
            answer = contextvars.copy_context().run(site.get, "/page")
            assert answer.status_code >= 400
        assert keeper.refused
    finally:
        # A signal may know him for longer than the test.
        keeper.closed = False


@pytest.mark.parametrize("signal", [request_started, appcontext_pushed])
def test_receivers_may_be_skipped(site: Site, signal: t.Any) -> None:
    """A marked one does not run on hits, nor does one of another application."""
    visits, others = Visits(), Visits()
    receive = site.isr.skip_on_hit(lambda *_, **__: visits())
    signal.connect(receive, site.app)
    other = Flask("other")
    hear = lambda *_, **__: others()  # noqa: E731
    signal.connect(hear, other)
    add_page(site)

    assert not runs_on_a_hit(site, visits)
    assert others.count == 0


def test_what_runs_for_each_request_is_named(site: Site) -> None:
    """With the signal, by which it is found."""

    def turn_away(sender: Flask, **more: t.Any) -> None:
        """Receive."""

    request_started.connect(turn_away, site.app)
    add_page(site)
    site.get("/page")
    required = site.state.application.levels.required("page")
    assert required.level == "view"
    assert required.cause == (
        "tests.unit.pages.test_levels.test_what_runs_for_each_request_is_named.<locals>"
        ".turn_away, a receiver of request_started, runs before each request"
    )


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
