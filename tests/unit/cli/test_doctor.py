"""``flask isr doctor``."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask import Response
from flask import g
from flask import request
from flask import request_started
from flask_caching import Cache
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_isr import static_page
from flask_isr.cli.doctor import command
from flask_isr.cli.doctor import pages as page_checks
from flask_isr.cli.doctor import store as store_checks
from flask_isr.testing import ISRTester
from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support import Site
from tests.support.doctor import Doctor

ORIGIN = "https://shop.example"


@pytest.fixture(autouse=True)
def _local_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount_at(tmp_path, monkeypatch, "/ ext4")


def mount_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *mounts: str) -> None:
    """Have these file systems mounted, each a place and a type."""
    table = tmp_path / "mounts"
    table.write_text("".join(f"device {mount} rw 0 0\n" for mount in mounts))
    monkeypatch.setattr(store_checks, "_MOUNTS", table)


@pytest.fixture
def good(make_site: MakeSite) -> Site:
    """A site at which there is nothing to find."""
    site = make_site(ISR_ORIGIN=ORIGIN)
    site.app.register_blueprint(site.isr.blueprint, url_prefix="/api")

    @site.app.get("/")
    @static_page(revalidate=60)
    def home() -> str:
        return "home"

    return site


def test_all_is_well(good: Site) -> None:
    """One line for each check, and exit status 0."""
    found = Doctor(good)
    assert found.status == 0
    assert found.checks == [
        *("order", "settings", "enabled", "store", "disk", "space", "identity"),
        *("build", "secret", "origin", "hooks", "routes", "static", "inputs"),
        *("caching", "workers"),
    ]
    assert {found.check(name)[0] for name in found.checks} == {"ok"}
    assert SECRET not in found.output


def test_a_store_without_folder_and_backend(good: Site) -> None:
    """Such as that of the tests of users: there is nothing to look at."""
    with ISRTester(good.app):
        found = Doctor(good)
        assert (found.status, found.check("store")[0]) == (0, "ok")
        assert "neither a folder nor a backend" in found.check("store")[1]


def test_a_warning_is_no_problem(good: Site) -> None:
    """Exit status 0; only a problem makes it 1."""
    good.app.before_request(lambda: None)
    found = Doctor(good)
    assert (found.status, found.check("hooks")[0]) == (0, "warning")


def test_colours_are_for_terminals(good: Site) -> None:
    """Not for files and pipes."""
    assert "\x1b" not in Doctor(good).output
    result = good.app.test_cli_runner().invoke(args=["isr", "doctor"], color=True)
    assert "\x1b[32mok" in result.stdout


def test_a_check_that_cannot_be_made_is_a_problem(
    good: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are made all the same."""

    def gone(path: Path) -> t.NoReturn:
        raise PermissionError("not for you")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    found = Doctor(good)
    assert found.status == 1
    assert found.check("disk") == ("problem", "PermissionError: not for you")
    assert found.check("workers")[0] == "ok"
    assert "disk" in {name for name, _ in command._CHECKS}


def test_pages_that_cannot_work_are_told(good: Site) -> None:
    """Once, with the error that visitors would cause."""

    @good.app.get("/<slug>")
    @static_page(tags=["{id}"])
    def post(slug: str) -> str:
        return slug

    found = Doctor(good)
    assert found.status == 1
    assert found.check("configuration")[0] == "problem"
    assert found.output.count("{id}") == 1


def test_a_setting_that_came_too_late_is_told(good: Site) -> None:
    """It is read once; the value, which may be a secret, is not shown."""
    good.app.config["ISR_SECRET"] = "another " + SECRET
    found = Doctor(good)
    assert found.status == 1
    assert "ISR_SECRET was set after ISR(app)" in found.check("settings")[1]
    assert "another" not in found.output


@pytest.mark.parametrize(
    "name", ["FLASK_ISR_STORE_BYTES", "FLASK_ISR_CACHE__CACHE_TYPE"]
)
def test_a_setting_that_nobody_reads_is_told(
    good: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is in the environment, and the application asks for none of those."""
    for read in ("FLASK_ISR_SECRET", "FLASK_ISR_SECRET__PART"):
        monkeypatch.setenv(read, SECRET)
    assert Doctor(good).check("settings")[0] == "ok"
    monkeypatch.setenv(name, "1000000")
    found = Doctor(good)
    level, text = found.check("settings")
    assert (found.status, level) == (0, "warning")
    assert f"{name} is in the environment" in text
    assert "from_prefixed_env" in text
    assert "1000000" not in text


def test_pages_that_are_not_static_are_told(good: Site) -> None:
    """Once for each rule and reason."""

    @good.app.get("/mine/<name>")
    @static_page()
    def mine(name: str) -> Response:
        answer = Response(name)
        answer.set_cookie("who", name)
        return answer

    for path in ("/", "/mine/a", "/mine/b"):
        good.get(path)
    found = Doctor(good)
    level, text = found.check("static")
    assert (found.status, level) == (0, "warning")
    assert found.checks.count("static") == 1
    assert (
        "/mine/a and 1 more are not the same for everybody (rule /mine/<name>)" in text
    )
    assert (
        "it sets a cookie. The view answers each visitor. Set the cookie in a" in text
    )


def test_whom_pages_are_for_is_told(good: Site) -> None:
    """A password in front of a staging site keeps all hits of such pages away."""

    @good.app.get("/mine/<name>")
    @static_page()
    def mine(name: str) -> str:
        return f"{name} {request.authorization}"

    for path in ("/", "/mine/a", "/mine/b"):
        good.get(path)
    level, text = Doctor(good).check("inputs")
    assert level == "ok"
    assert "/mine/a and 1 more are for those without Authorization." in text
    assert "ISR_IGNORE" in text


def test_looking_for_pages_makes_no_folder(good: Site) -> None:
    """There are none where there is no folder."""
    assert list(page_checks.check_static(good.state)) == []
    assert not good.state.settings.folder.exists()


def test_a_site_that_is_off_is_told(good: Site) -> None:
    """As in debug mode: all looks well, and nothing is stored."""
    good.app.testing = True
    assert Doctor(good).check("enabled")[0] == "warning"


class TestStore:
    """The folder."""

    def folder(self, site: Site) -> Path:
        """Where pages are stored."""
        return site.state.settings.folder

    def test_a_folder_that_is_there_is_written(self, good: Site) -> None:
        """One that is not there is not made: it would be this user's."""
        assert "does not exist; the first page makes it" in Doctor(good).output
        assert not self.folder(good).exists()
        good.get("/")
        level, text = Doctor(good).check("store")
        assert (level, "read and written" in text) == ("ok", True)

    def test_one_that_cannot_be_made_is_a_problem(
        self, make_site: MakeSite, tmp_path: Path
    ) -> None:
        """It names the place."""
        file = tmp_path / "file"
        file.touch()
        found = Doctor(make_site(ISR_FOLDER=str(file / "isr")))
        assert found.status == 1
        assert found.check("store")[0] == "problem"
        assert str(file) in found.check("store")[1]

    def test_a_file_is_none(self, make_site: MakeSite, tmp_path: Path) -> None:
        """Nor is it looked into."""
        file = tmp_path / "file"
        file.touch()
        level, text = Doctor(make_site(ISR_FOLDER=str(file))).check("store")
        assert (level, f"{file} is a file" in text) == ("problem", True)

    def test_one_that_this_user_may_not_make_is_a_problem(
        self, good: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever the server's user may."""
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        level, text = Doctor(good).check("store")
        assert (level, "you may not make it" in text) == ("problem", True)

    def test_one_that_cannot_be_opened_is_a_problem(self, good: Site) -> None:
        """A folder where a file should be, as any other fault."""
        (self.folder(good) / "pages.sqlite").mkdir(parents=True)
        found = Doctor(good)
        assert (found.status, found.check("store")[0]) == (1, "problem")
        assert "rendered for each visitor" in found.check("store")[1]

    def test_one_of_another_user_is_left_alone(
        self, good: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whose it is, and how to run the command."""
        self.folder(good).mkdir()
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
        level, text = Doctor(good).check("store")
        assert level == "problem"
        assert "you are #54321" in text
        assert "sudo -u" in text
        assert list(self.folder(good).iterdir()) == []

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0,
        reason="NOT TESTED: only root can give a file to somebody else",
    )
    def test_a_file_of_another_user_in_it_is_a_problem(self, good: Site) -> None:
        """As a command that was run by the wrong user leaves it."""
        good.get("/")
        file = self.folder(good) / "work.sqlite"
        os.chown(file, 54321, -1)
        level, text = Doctor(good).check("store")
        os.chown(file, 0, -1)
        assert level == "problem"
        assert f"{file} belongs to #54321" in text

    @pytest.mark.parametrize(
        ("mounts", "level", "said"),
        [
            (["/ ext4"], "ok", "local disk (ext4)"),
            (["/ nfs4"], "problem", "nfs4"),
            (["/ ext4", "{folder} nfs"], "problem", "nfs"),
            (["{folder} xfs", "/ cifs"], "ok", "xfs"),
            (["/ ext4", "{folder} ext4", "{folder} fuse.sshfs"], "problem", "sshfs"),
            (["/ ext4", "{folder}x nfs"], "ok", "ext4"),
            ([], "ok", "cannot be told"),
        ],
        ids=str,
    )
    def test_the_disk_must_be_local(
        self,
        make_site: MakeSite,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        mounts: list[str],
        level: str,
        said: str,
    ) -> None:
        """The file system that is mounted last at the deepest place counts."""
        folder = tmp_path / "a folder"
        folder.mkdir()
        written = str(folder.resolve()).replace(" ", "\\040")
        mount_at(
            tmp_path, monkeypatch, *(mount.format(folder=written) for mount in mounts)
        )
        site = make_site(ISR_FOLDER=str(folder / "isr"))
        assert Doctor(site).check("disk")[0] == level
        assert said in Doctor(site).check("disk")[1]

    def test_elsewhere_the_disk_cannot_be_told(
        self, good: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where no table of mounts exists."""
        monkeypatch.setattr(store_checks, "_MOUNTS", tmp_path / "none")
        assert "cannot be told" in Doctor(good).check("disk")[1]

    @pytest.mark.parametrize(
        ("free", "level"), [(5_000, "problem"), (50_000, "warning"), (100_000, "ok")]
    )
    def test_there_must_be_room(
        self,
        make_site: MakeSite,
        monkeypatch: pytest.MonkeyPatch,
        free: int,
        level: str,
    ) -> None:
        """For a page at least, and for all that the store may take."""
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        site = make_site(ISR_STORE_BYTES=100_000, ISR_PAGE_BYTES=10_000)
        found = Doctor(site).check("space")
        assert found[0] == level
        assert ("ISR_STORE_BYTES" in found[1]) == (level == "warning")

    def test_what_is_stored_already_needs_no_more_room(
        self, good: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A store that is full takes no more."""
        good.get("/")
        limit = good.state.settings.store_bytes
        with (self.folder(good) / "pages.sqlite-of-old").open("wb") as file:
            file.truncate(limit)
        usage = SimpleNamespace(free=limit // 2)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        assert Doctor(good).check("space")[0] == "ok"


class TestSecret:
    """Who may revalidate."""

    def test_none_is_a_problem_where_a_view_needs_one(
        self, make_site: MakeSite
    ) -> None:
        """Every webhook would be answered 503."""
        site = make_site(ISR_SECRET=None)
        assert Doctor(site).check("secret")[0] == "ok"
        site.app.register_blueprint(site.isr.blueprint, url_prefix="/api")
        found = Doctor(site)
        assert (found.status, found.check("secret")[0]) == (1, "problem")
        assert "'isr.revalidate' answers 503" in found.check("secret")[1]

    def test_a_short_one_is_told(self, make_site: MakeSite) -> None:
        """It may be guessed; and it is not shown."""
        with pytest.warns(UserWarning, match="shorter"):
            site = make_site(ISR_SECRET=[SECRET, "swordfish"])
        found = Doctor(site)
        assert found.check("secret")[0] == "warning"
        assert "swordfish" not in found.output

    def test_several_are_for_a_while(self, make_site: MakeSite) -> None:
        """They are counted."""
        site = make_site(ISR_SECRET=[SECRET, SECRET + "2"])
        level, text = Doctor(site).check("secret")
        assert (level, text.startswith("2 are set")) == ("ok", True)


class TestOrigin:
    """What pages link to."""

    @pytest.mark.parametrize(
        ("config", "level", "said"),
        [
            ({}, "warning", "set ISR_ORIGIN"),
            ({"ISR_ORIGIN": ORIGIN}, "ok", ORIGIN),
            ({"SERVER_NAME": "shop.example"}, "ok", "http://shop.example"),
            ({"TRUSTED_HOSTS": ["shop.example"]}, "ok", "http://shop.example"),
            ({"TRUSTED_HOSTS": [".shop.example"]}, "problem", "TRUSTED_HOSTS lacks"),
            (
                {"TRUSTED_HOSTS": ["other.example"], "ISR_ORIGIN": ORIGIN},
                "problem",
                "TRUSTED_HOSTS lacks shop.example",
            ),
        ],
        ids=str,
    )
    def test_it_must_be_known_and_trusted(
        self, make_site: MakeSite, config: dict[str, t.Any], level: str, said: str
    ) -> None:
        """Else some pages, or all, are not stored."""
        found = Doctor(make_site(**config))
        assert found.check("origin")[0] == level
        assert said in found.check("origin")[1]


class TestHooks:
    """What keeps pages from being served at full speed."""

    def test_the_hook_that_is_the_cause_is_named(self, good: Site) -> None:
        """With the page, and what to do."""

        @good.app.before_request
        def load_user() -> None:
            g.user = None

        level, text = Doctor(good).check("hooks")
        assert level == "warning"
        assert text.startswith("home is served inside of Flask")
        assert "load_user" in text
        assert "@isr.skip_on_hit" in text

    def test_a_receiver_is_one(self, good: Site) -> None:
        """Of a signal that Flask sends before the view; ``isr routes`` names it too."""

        def look_closely(sender: Flask, **more: t.Any) -> None:
            """Receive."""

        request_started.connect(look_closely, good.app)
        _, text = Doctor(good).check("hooks")
        assert "look_closely, a receiver of request_started, runs before each" in text
        listed = good.app.test_cli_runner().invoke(args=["isr", "routes"]).output
        assert "look_closely, a receiver of request_started, runs before each" in listed

    def test_middleware_inside_is_named(self, make_site: MakeSite) -> None:
        """With the place where it belongs."""

        class Proxied(Flask):
            def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
                super().__init__(*args, **kwargs)
                self.wsgi_app = ProxyFix(self.wsgi_app)  # type: ignore[method-assign]

        site = make_site(app_class=Proxied)
        site.app.add_url_rule("/", "home", static_page()(lambda: "home"))
        _, text = Doctor(site).check("hooks")
        assert "since ProxyFix was wrapped around it before ISR(app)" in text
        assert "wrap middleware around app.wsgi_app after ISR(app)" in text

    def test_one_that_hits_may_skip_is_none(self, good: Site) -> None:
        """Neither is a page that is to be served so."""

        @good.app.get("/own")
        @static_page(serve="view")
        def own() -> str:
            return "own"

        @good.app.before_request
        @good.isr.skip_on_hit
        def load_user() -> None:
            g.user = None

        assert Doctor(good).check("hooks")[0] == "ok"


class TestDecorators:
    """What stands around @static_page."""

    def test_the_wrong_order_is_told(self, good: Site) -> None:
        """It works, since it is mended; it reads wrong."""

        @static_page()
        @good.app.get("/upside-down")
        def upside_down() -> str:
            return "upside down"

        level, text = Doctor(good).check("order")
        assert level == "warning"
        assert "'upside_down'" in text

    def test_a_decorator_above_is_told(self, good: Site) -> None:
        """Here, and not among the hooks."""

        def counted(view: t.Callable[[], str]) -> t.Callable[[], str]:
            @functools.wraps(view)
            def inner() -> str:
                return view()

            return inner

        @good.app.get("/counted")
        @counted
        @static_page()
        def page() -> str:
            return "page"

        found = Doctor(good)
        level, text = found.check("order")
        assert (level, "'page'" in text) == ("warning", True)
        assert found.check("hooks")[0] == "ok"

    @pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
    @pytest.mark.parametrize("name", ["cached", "memoize"])
    def test_flask_caching_beside_it_is_a_problem(
        self, good: Site, above: bool, name: str
    ) -> None:
        """A revalidated page would show its old content."""
        cache = Cache(good.app, config={"CACHE_TYPE": "SimpleCache"})
        stack = [static_page(), getattr(cache, name)(timeout=50)]

        def stacked() -> str:
            return "stacked"

        view: t.Callable[[], str] = stacked
        for decorate in stack if above else reversed(stack):
            view = decorate(view)
        good.app.get("/stacked")(view)
        found = Doctor(good)
        assert (found.status, found.check("caching")[0]) == (1, "problem")
        assert "'stacked'" in found.check("caching")[1]

    def test_flask_caching_elsewhere_is_none(self, good: Site) -> None:
        """On data and on other views it is welcome."""
        cache = Cache(good.app, config={"CACHE_TYPE": "SimpleCache"})

        @good.app.get("/other")
        @cache.cached(timeout=50)
        def other() -> str:
            return "other"

        assert Doctor(good).check("caching")[0] == "ok"


class TestRoutes:
    """What strangers can have rendered."""

    def test_an_open_route_is_told(self, good: Site) -> None:
        """Each unknown path costs a render; with paths= it was thought of."""

        @good.app.get("/blog/<slug>")
        @static_page(paths=["/blog/a"])
        def post(slug: str) -> str:
            return slug

        assert Doctor(good).check("routes")[0] == "ok"

    def test_a_route_without_paths_is_told(self, good: Site) -> None:
        """The first three by name."""
        for name in "abcde":
            view = static_page()(lambda slug: slug)
            good.app.add_url_rule(f"/{name}/<slug>", name, view)
        level, text = Doctor(good).check("routes")
        assert level == "warning"
        assert text.startswith("/a/<slug>, /b/<slug>, /c/<slug> and 2 more are open")

    def test_a_route_that_has_its_values_by_default_is_none_of_them(
        self, good: Site
    ) -> None:
        """It is one page."""
        view = static_page()(lambda number: f"page {number}")
        good.app.add_url_rule("/news/", "news", view, defaults={"number": 1})
        assert Doctor(good).check("routes")[0] == "ok"

    def test_no_static_page_is_told(self, site: Site) -> None:
        """The decorator was forgotten."""
        assert Doctor(site).check("routes")[0] == "warning"


class TestWorkers:
    """Where refreshes run."""

    @pytest.mark.parametrize(
        ("options", "level"),
        [
            ({"http": b":80"}, "problem"),
            ({"enable-threads": True}, "ok"),
            ({b"threads": b"4"}, "ok"),
        ],
        ids=str,
    )
    def test_uwsgi_needs_threads(
        self,
        good: Site,
        monkeypatch: pytest.MonkeyPatch,
        options: dict[t.Any, t.Any],
        level: str,
    ) -> None:
        """Else background work never runs."""
        uwsgi = SimpleNamespace(opt=options)
        monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
        found = Doctor(good)
        assert found.check("workers")[0] == level
        assert found.status == (1 if level == "problem" else 0)

    def test_inline_renders_are_told(self, make_site: MakeSite) -> None:
        """Visitors wait for them."""
        assert Doctor(make_site(ISR_RUNNER="inline")).check("workers")[0] == "warning"
