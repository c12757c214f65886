"""Applications of one name in one store: none is given another's pages."""

from __future__ import annotations

import datetime
import functools
import re
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import current_app
from flask.views import View

from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from flask_isr.pages import application
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state
from tests.support.doctor import Doctor

Config: t.TypeAlias = dict[str, t.Any]
Twin: t.TypeAlias = t.Callable[..., Site]


def _see(site: Site, path: str = "/orders") -> tuple[str, str | None]:
    answer = site.get(path)
    return answer.text, cache_state(answer)


def _id(value: object) -> str:
    # The same in all processes of a test run.
    return "set" if isinstance(value, set) else re.sub(r"0x\w+", "", str(value))


def _shop(site: Site) -> Site:
    @site.app.get("/orders")
    @static_page(tags=["orders"], query=["page"])
    def orders() -> str:
        return "shop"

    return site


def _office(site: Site) -> Site:
    @site.app.get("/orders")
    @static_page(tags=["orders"], query=["page"])
    def orders() -> str:
        return "office"

    return site


@pytest.mark.promise(5)
class TestViews:
    """What another view serves is another page."""

    def test_neither_gets_the_others(self, make_site: MakeSite) -> None:
        """In turns, and each finds its own again."""
        shop, office = _shop(make_site()), _office(make_site())
        assert [_see(shop), _see(office)] == [("shop", "MISS"), ("office", "MISS")]
        assert [_see(shop), _see(office)] == [("shop", "HIT"), ("office", "HIT")]

    def test_another_endpoint_is_another_page(self, make_site: MakeSite) -> None:
        """Also where one function serves both."""

        @static_page()
        def page() -> str:
            return next(texts)

        texts = iter("ab")
        one, two = make_site(), make_site()
        one.app.add_url_rule("/orders", "one", page)
        two.app.add_url_rule("/orders", "two", page)
        assert [_see(one), _see(two)] == [("a", "MISS"), ("b", "MISS")]

    def test_another_class_is_another_page(self, make_site: MakeSite) -> None:
        """``as_view`` gives functions of one name."""

        class Shop(View):
            decorators: t.ClassVar = [static_page()]

            def dispatch_request(self) -> str:
                return type(self).__name__

        class Office(Shop):
            pass

        sites = [make_site(), make_site()]
        for site, view in zip(sites, (Shop, Office), strict=True):
            site.app.add_url_rule("/orders", view_func=view.as_view("orders"))
        assert [_see(site)[0] for site in sites] == ["Shop", "Office"]

    @pytest.mark.parametrize("how", ["as_view", "partial", "defaults", "instance"])
    def test_one_view_that_is_given_something_else_is_another_page(
        self, make_site: MakeSite, how: str
    ) -> None:
        """Where it is registered."""

        class Page(View):
            decorators: t.ClassVar = [static_page()]

            def __init__(self, text: str) -> None:
                self.text = text

            def dispatch_request(self) -> str:
                return self.text

        class Shop:
            def __call__(self) -> str:
                return type(self).__name__.lower()

        class Office(Shop):
            pass

        def show(text: str) -> str:
            return text

        for text, instance in (("shop", Shop()), ("office", Office())):
            app = make_site().app
            if how == "as_view":
                app.add_url_rule("/orders", view_func=Page.as_view("orders", text))
            elif how == "partial":
                given = static_page()(functools.partial(show, text))
                app.add_url_rule("/orders", "orders", given)
            elif how == "defaults":
                view = static_page()(show)
                app.add_url_rule("/orders", "orders", view, defaults={"text": text})
            else:
                app.add_url_rule("/orders", "orders", static_page()(instance))
            client = app.test_client()
            assert client.get("/orders").text == text
            assert cache_state(client.get("/orders")) == "HIT"

    def test_a_release_with_one_more_page_finds_its_own(
        self, make_site: MakeSite
    ) -> None:
        """What has nothing to do with a page makes no other page of it."""
        assert _see(_shop(make_site(ISR_BUILD_ID=None))) == ("shop", "MISS")
        later = _shop(make_site(ISR_BUILD_ID=None, SECRET_KEY="another"))
        later.app.add_url_rule("/more", "more", static_page()(lambda: "more"))
        assert _see(later) == ("shop", "HIT")

    def test_a_closed_list_is_that_of_its_view(self, make_site: MakeSite) -> None:
        """What one lists is no 404 of the other."""

        def shop(app: Flask) -> None:
            @app.get("/p/<name>")
            @static_page(paths=["/p/a"], fallback=False)
            def page(name: str) -> str:
                return f"shop {name}"

        def office(app: Flask) -> None:
            @app.get("/p/<name>")
            @static_page(paths=["/p/b"], fallback=False)
            def page(name: str) -> str:
                return f"office {name}"

        one, two = make_site(), make_site()
        shop(one.app)
        office(two.app)
        for _ in range(2):
            assert [one.get(f"/p/{name}").status_code for name in "ab"] == [200, 404]
            assert [two.get(f"/p/{name}").status_code for name in "ab"] == [404, 200]


@pytest.fixture(params=["embedded", "FileSystemCache"])
def tenant(make_site: MakeSite, tmp_path: Path, request: pytest.FixtureRequest) -> Twin:
    """One factory's applications: they show what TENANT is in their configuration."""
    store: Config = {}
    if request.param != "embedded":
        store["ISR_CACHE"] = {
            "CACHE_TYPE": request.param,
            "CACHE_DIR": str(tmp_path / "cache"),
        }

    def make(**config: t.Any) -> Site:
        site = make_site(**{"ISR_BUILD_ID": "one", **store, **config})

        @site.app.get("/orders")
        @static_page(tags=["orders"], query=["page"])
        def orders() -> str:
            return str(current_app.config.get("TENANT"))

        return site

    return make


class TestConfiguration:
    """Where only the configuration differs, each has pages of its own, and it is told."""

    @pytest.mark.promise(5)
    def test_neither_gets_the_others(
        self, tenant: Twin, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The second to come says so, names what differs, and shows no value."""
        shop = tenant(TENANT="shop", API_KEY="hush")
        office = tenant(TENANT="office", API_KEY="hush, too", COLOUR="blue")
        assert _see(shop) == ("shop", "MISS")
        assert caplog.text == ""
        assert _see(office) == ("office", "MISS")
        assert (
            "another configuration, at the same build: COLOUR, TENANT." in caplog.text
        )
        assert "blue" not in caplog.text
        assert [_see(shop), _see(office)] == [("shop", "HIT"), ("office", "HIT")]

    def test_both_are_told_of_by_the_doctor(self, tenant: Twin) -> None:
        """Whichever runs it; and what to do."""
        sites = [tenant(TENANT="shop"), tenant(TENANT="office")]
        assert Doctor(sites[0]).check("identity")[0] == "ok"
        for site in sites:
            _see(site)
        for site in sites:
            found = Doctor(site)
            level, text = found.check("identity")
            assert (found.status, level) == (1, "problem")
            assert "TENANT" in text
            assert "set ISR_APP_ID" in text

    def test_a_value_of_each_process_is_found(
        self, tenant: Twin, caplog: pytest.LogCaptureFixture
    ) -> None:
        """By its name, each time."""
        for start in range(3):
            _see(tenant(START_TIME=start))
        assert caplog.text.count("at the same build: START_TIME.") == 2

    def test_named_alike_they_share_their_pages(
        self, tenant: Twin, caplog: pytest.LogCaptureFixture
    ) -> None:
        """By ISR_APP_ID; otherwise they do not."""
        names = ["one", "one", "two"]
        sites = [
            tenant(START_TIME=start, ISR_APP_ID=name)
            for start, name in enumerate(names)
        ]
        assert [_see(site)[1] for site in sites] == ["MISS", "HIT", "MISS"]
        assert Doctor(sites[0]).check("identity")[0] == "ok"
        assert caplog.text == ""

    def test_a_change_is_told_of_once(
        self, tenant: Twin, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not by each worker that is started with it."""
        for text in ("old", "new", "new", "new"):
            _see(tenant(TENANT=text))
        assert caplog.text.count("another configuration") == 1

    def test_clear_ends_it(self, tenant: Twin) -> None:
        """As the warning says."""
        old, new = tenant(TENANT="old"), tenant(TENANT="new")
        for site in (old, new):
            _see(site)
        result = new.app.test_cli_runner().invoke(args=["isr", "clear", "--yes"])
        assert result.exit_code == 0
        assert Doctor(new).check("identity")[0] == "ok"

    def test_with_another_build_it_is_a_deploy(
        self, tenant: Twin, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No alarm."""
        _see(tenant(TENANT="old"))
        new = tenant(TENANT="new", ISR_BUILD_ID="two")
        assert _see(new) == ("new", "MISS")
        assert Doctor(new).check("identity")[0] == "ok"
        assert caplog.text == ""

    def test_looking_on_is_no_meeting(
        self, tenant: Twin, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A command in another environment leaves no trace that servers warn of."""
        other = tenant(TENANT="other")
        for command in (["doctor"], ["routes"], ["show", "/orders"]):
            other.app.test_cli_runner().invoke(args=["isr", *command])
        _see(tenant(TENANT="shop"))
        assert caplog.text == ""

    @pytest.mark.parametrize("how", ["path", "variant", "tag", "rule", "prefix"])
    def test_an_invalidation_is_for_both(self, tenant: Twin, how: str) -> None:
        """Whoever asks for it: a command may be configured otherwise than the server."""
        server, command = tenant(TENANT="a"), tenant(TENANT="b")
        path = "/orders?page=2"
        assert [_see(server, path)[1] for _ in range(2)] == ["MISS", "HIT"]
        with command.app.app_context():
            if how == "tag":
                revalidate_tag("orders")
            elif how == "variant":
                revalidate_path(path)
            else:
                target = "/" if how == "prefix" else "/orders"
                revalidate_path(target, match=how)  # type: ignore[arg-type]
        assert _see(server, path)[1] == "MISS"


class TestWhatCounts:
    """Of the configuration: what is plain, and may change a page."""

    def pages(self, make_site: MakeSite, *configs: Config) -> int:
        """How many pages applications have that are configured so."""
        states = []
        for config in configs:
            site = _shop(make_site(ISR_BUILD_ID="one", **config))
            states.append(_see(site)[1])
        return states.count("MISS")

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, 2),
            (1, "1"),
            (True, 1),
            (None, False),
            ("a", b"a"),
            ("a", Path("a")),
            (["a", "b"], ["b", "a"]),
            ({"a": 1}, {"a": 2}),
            ({"a": {"b": ["c"]}}, {"a": {"b": ["d"]}}),
            ({1, 2}, {1, 3}),
            (datetime.timedelta(1), datetime.timedelta(2)),
            ("postgresql://u:p@host/a", "postgresql://u:p@host/b"),
            ("postgresql://u:p@host/a", "postgresql://v:p@host/a"),
            ([object(), "a"], [object(), "b"]),
        ],
        ids=_id,
    )
    def test_plain_values_do(
        self, make_site: MakeSite, one: t.Any, other: t.Any
    ) -> None:
        """However deep."""
        assert self.pages(make_site, {"X": one}, {"X": other}) == 2

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
            ({"a", "b", "c"}, {"c", "b", "a"}),
            (["a"], ("a",)),
            (object(), object()),
            (print, repr),
            ([object()], [object()]),
            ("postgresql://u:one@host/a", "postgresql://u:two@host/a"),
            ("mssql:?odbc=x;PWD=one;y=z", "mssql:?odbc=x;PWD=two;y=z"),
            ({"password": "one"}, {"password": "two"}),
        ],
        ids=_id,
    )
    def test_others_do_not(self, make_site: MakeSite, one: t.Any, other: t.Any) -> None:
        """Equal ones, those that are objects, and credentials within."""
        assert self.pages(make_site, {"X": one}, {"X": other}) == 1

    @pytest.mark.parametrize(
        "name",
        [
            *("SECRET_KEY", "MAIL_PASSWORD", "API_KEY", "ACCESS_TOKEN", "HASH_SALT"),
            *("SENTRY_DSN", "DB_PWD", "SESSION_COOKIE_NAME", "MAX_CONTENT_LENGTH"),
            *("DEBUG", "ENV", "APP", "RUN_FROM_CLI", "RUN_PORT", "PORT", "HOSTNAME"),
        ],
    )
    def test_what_differs_between_processes_does_not(
        self, make_site: MakeSite, name: str
    ) -> None:
        """Nor what a credential is, nor how pages are sent."""
        config: Config = {"ISR_ENABLED": True}
        configs = [{**config, name: 1000}, {**config, name: 2000}]
        if name == "SESSION_COOKIE_NAME":
            configs = [{**config, name: "one"}, {**config, name: "two"}]
        assert self.pages(make_site, *configs) == 1

    @pytest.mark.parametrize("name", ["KEYWORDS", "COMPASS", "BASALT", "AUTHORS"])
    def test_a_name_that_only_begins_so_does(
        self, make_site: MakeSite, name: str
    ) -> None:
        """A site may show it."""
        assert self.pages(make_site, {name: "one"}, {name: "two"}) == 2

    def test_a_template_folder_does(self, make_site: MakeSite) -> None:
        """Themes of one code."""

        class Themed(Flask):
            def __init__(self, name: str, **options: t.Any) -> None:
                super().__init__(name, template_folder=next(folders), **options)

        folders = iter(["blue", "red", "red"])
        states = [_see(_shop(make_site(app_class=Themed)))[1] for _ in range(3)]
        assert states == ["MISS", "MISS", "HIT"]

    def test_no_credential_is_in_the_store(
        self, make_site: MakeSite, tmp_path: Path
    ) -> None:
        """Nor its digest: neither is put in. What is kept is a digest with a salt."""
        site = _shop(make_site(TENANT="blue", DSN_URL="redis://u:hush@host/"))
        _see(site)
        (note,) = [
            note
            for _, note in site.state.store.met(
                f"{site.state.application.shared_name} {site.state.application.build.id}"
            )
        ]
        assert "TENANT" in note
        assert "blue" not in note
        values = site.state.application.configuration
        assert "hush" not in str(values)
        assert site.app.secret_key is None or str(site.app.secret_key) not in str(
            values
        )


def _view_of(how: str, kind: str) -> t.Callable[..., t.Any]:
    """A view to which a factory gives *kind*."""

    def load() -> str:
        return kind

    class Shop:
        def __init__(self) -> None:
            self.kind = kind

        def show(self) -> str:
            return self.kind

    def itself() -> str:
        return kind

    def by_default(kind: str = kind) -> str:
        return kind

    def by_keyword(*, kind: str = kind) -> str:
        return kind

    def by_a_function() -> str:
        return load()

    views = {
        view.__name__: view for view in (itself, by_default, by_keyword, by_a_function)
    }
    return views.get(how, Shop().show)


@pytest.mark.parametrize(
    "how", ["itself", "by_default", "by_keyword", "by_a_function", "by_a_method"]
)
def test_what_a_factory_was_given_is_told_of(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Beside another process: neither is served the other's page."""

    def create(kind: str) -> Site:
        site = make_site(ISR_BUILD_ID="one")
        site.app.add_url_rule("/orders", "orders", static_page()(_view_of(how, kind)))
        return site

    shop = create("shop")
    _see(shop)
    application._applications.clear()
    assert caplog.text == ""
    office = create("office")
    for _ in range(3):
        assert _see(office)[0] == "office"
        assert _see(shop)[0] == "shop"
    assert "with other values in its views, at the same build: " in caplog.text
    assert "kind in " in caplog.text
    assert "set ISR_APP_ID" in caplog.text
    assert Doctor(shop).check("identity")[0] == "problem"


def test_a_build_in_another_environment_says_so(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """The servers would not find what it renders."""
    _see(_shop(make_site(ISR_BUILD_ID="one", TENANT="shop")))
    shell = _shop(make_site(ISR_BUILD_ID="one"))
    result = shell.app.test_cli_runner().invoke(args=["isr", "build"])
    assert "1 page built" in result.stdout
    assert "another configuration, at the same build: TENANT." in caplog.text


def test_two_that_cannot_be_told_apart_are_told_of(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """In one process: one factory, called twice, whose views know what it was given."""

    def create(text: str, **config: t.Any) -> Site:
        site = make_site(**config)
        site.app.add_url_rule("/orders", "orders", static_page()(lambda: text))
        return site

    sites = [create("shop"), create("office")]
    for site in sites:
        _see(site)
    assert "have the same views and store their pages in one place" in caplog.text
    caplog.clear()
    sites = [create(name, ISR_APP_ID=name) for name in ("shop", "office")]
    assert [_see(site)[0] for site in sites] == ["shop", "office"]
    assert caplog.text == ""


def test_pages_of_others_are_not_listed(make_site: MakeSite) -> None:
    """They are counted: `show` and `revalidate` would mean one's own."""
    shop = _shop(make_site(TENANT="shop"))
    _see(shop)
    other = _shop(make_site(TENANT="other"))
    _see(other)
    _see(other, "/orders?page=2")
    result = shop.app.test_cli_runner().invoke(args=["isr", "pages"])
    assert "1 page." in result.stdout
    assert "2 pages of other applications or configurations" in result.stderr
