"""One application, several, or a factory; and what cannot work says so at once."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Blueprint
from flask import Flask

from flask_isr import ISR
from flask_isr import ConfigurationError
from flask_isr import revalidate_path
from flask_isr import static_page

from ..conftest import MakeSite
from ..support import Site
from ..support import cache_state

MakeApp: t.TypeAlias = t.Callable[..., Flask]


@pytest.fixture
def make_app(tmp_path: Path) -> t.Iterator[MakeApp]:
    """Make applications without the extension, each with a folder of its own."""
    apps: list[Flask] = []

    def make(**arguments: t.Any) -> Flask:
        folder = tmp_path / f"app{len(apps)}"
        apps.append(Flask("app", instance_path=str(folder), **arguments))
        return apps[-1]

    yield make
    for app in apps:
        if "isr" in app.extensions:
            app.extensions["isr"].store.close()


def add_page(app: Flask, text: str) -> None:
    """A page with *text* at the root."""

    @app.get("/")
    @static_page()
    def page() -> str:
        return text


class TestSeveralApps:
    """State lives on the application, never on the ISR object or the view."""

    def test_one_isr_serves_several_apps(self, make_app: MakeApp) -> None:
        """Each application of one ISR has its own pages."""
        isr = ISR()
        for text in ("one", "two"):
            app = make_app()
            isr.init_app(app)
            add_page(app, text)
            client = app.test_client()
            assert cache_state(client.get("/")) == "MISS"
            again = client.get("/")
            assert (cache_state(again), again.text) == ("HIT", text)

    def test_one_blueprint_on_several_apps(self, make_app: MakeApp) -> None:
        """A blueprint with static pages is stored by each application for itself."""
        pages = Blueprint("pages", __name__)
        views = []

        @pages.get("/")
        @static_page()
        def page() -> str:
            views.append("rendered")
            return "page"

        clients = []
        for _ in range(2):
            app = make_app()
            ISR(app)
            app.register_blueprint(pages)
            clients.append(app.test_client())

        states = [cache_state(client.get("/")) for client in clients * 2]
        assert states == ["MISS", "MISS", "HIT", "HIT"]
        assert len(views) == 2

    def test_an_invalidation_stays_in_its_app(self, make_app: MakeApp) -> None:
        """Revalidating in one application leaves the other one's pages alone."""
        apps = [make_app(), make_app()]
        for app in apps:
            ISR(app)
            add_page(app, "page")
            app.test_client().get("/")

        with apps[0].app_context():
            revalidate_path("/")
        assert apps[0].extensions["isr"].runner.drain(20)

        assert cache_state(apps[1].test_client().get("/")) == "HIT"

    def test_the_revalidate_route_on_several_apps(self, make_app: MakeApp) -> None:
        """``isr.blueprint`` can be registered on each application."""
        isr = ISR()
        for _ in range(2):
            app = make_app()
            app.config["ISR_SECRET"] = "a secret of sixteen"
            isr.init_app(app)
            app.register_blueprint(isr.blueprint, url_prefix="/api")
            assert app.test_client().get("/api/revalidate").status_code == 401


class TestWiring:
    """``ISR(app)`` and ``init_app`` say what is wrong, and with what remedy."""

    def test_a_second_init_app_is_refused(self, make_app: MakeApp) -> None:
        """An application gets the extension once; the error says what to do."""
        app = make_app()
        isr = ISR(app)

        with pytest.raises(RuntimeError, match=r"has Flask-ISR already.* once"):
            isr.init_app(app)

    def test_an_app_without_isr_names_the_remedy(self, make_app: MakeApp) -> None:
        """A static page in an application without Flask-ISR says how to add it."""
        app = make_app()
        app.testing = True
        add_page(app, "page")

        with pytest.raises(
            RuntimeError, match=r"'app' has no Flask-ISR.*init_app\(app\)"
        ):
            app.test_client().get("/")

    def test_views_may_come_before_the_extension(self, make_app: MakeApp) -> None:
        """A factory may call ``init_app`` after it registered its views."""
        app = make_app()
        add_page(app, "page")
        ISR().init_app(app)

        states = [cache_state(app.test_client().get("/")) for _ in range(2)]
        assert states == ["MISS", "HIT"]

    def test_a_tag_with_an_unknown_field_is_named(self, site: Site) -> None:
        """A tag with a field that the rule lacks is an error at the first request."""

        @site.app.get("/<slug>")
        @static_page(tags=["post:{id}"])
        def post(slug: str) -> str:
            return slug

        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"'post'.*\{id\}.*'/<slug>'"):
                site.get("/hello")

    def test_every_rule_must_fill_the_tags(self, site: Site) -> None:
        """Of a view with two rules, the one that lacks the field is named."""

        @site.app.get("/posts")
        @site.app.get("/posts/<int:id>")
        @static_page(tags=["post:{id}"])
        def post(id: int = 0) -> str:
            return str(id)

        with pytest.raises(ConfigurationError, match=r"\{id\}.*'/posts' "):
            site.get("/posts/1")


def test_a_site_with_isr_serves_dynamic_views(make_site: MakeSite) -> None:
    """Views without the decorator are answered as without the extension."""
    site = make_site()
    count = iter(range(9))
    site.app.add_url_rule("/", view_func=lambda: str(next(count)), endpoint="dynamic")

    answers = [site.get("/") for _ in range(2)]

    assert [answer.text for answer in answers] == ["0", "1"]
    assert [cache_state(answer) for answer in answers] == [None, None]
