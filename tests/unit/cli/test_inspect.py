"""``flask isr routes``, ``pages`` and ``show``: what is declared, stored, and why."""

from __future__ import annotations

import json
import typing as t

import pytest
from flask import Response
from flask import make_response
from flask import request
from flask import session
from flask.typing import ResponseReturnValue

from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support.shop import Shop

from .conftest import Run


class TestRoutes:
    """What the application declared."""

    def lines(self, run: Run) -> dict[str, str]:
        """The line of each rule."""
        result = run("routes")
        assert result.exit_code == 0, result.output
        table = result.stdout.splitlines()[2:]
        return {line.split()[0]: " ".join(line.split()[1:]) for line in table}

    def test_each_rule_has_a_line(self, site: Site, run: Run) -> None:
        """Rule, endpoint, lifetime, tags, fallback, where it is served and why."""

        @site.app.get("/products/<int:number>")
        @static_page(
            revalidate=60, paths=[], fallback=False, tags=["all", "product:{number}"]
        )
        def product(number: int) -> str:
            return ""

        @site.app.get("/about")
        @site.app.get("/imprint")
        @static_page(tags=lambda: ["computed"], serve="view")
        def about() -> str:
            return ""

        lines = self.lines(run)
        assert lines == {
            "/products/<int:number>": (
                "product 1 min all, product:{number} 404 wsgi"
                " no hook runs before the request"
            ),
            "/about": "about never (computed) blocking view serve is 'view'",
            "/imprint": "about never (computed) blocking view serve is 'view'",
        }

    def test_the_hook_that_is_the_cause_is_named(self, shop: Shop, run: Run) -> None:
        """So that one knows what to mark with skip_on_hit."""

        @shop.site.app.before_request
        def count_visitors() -> None:
            """Must run for each visitor."""

        lines = self.lines(run)
        assert "view" in lines["/blogs"]
        assert "count_visitors" in lines["/blogs"]
        assert "/dynamic" not in lines

    def test_an_application_without_any_is_told(self, site: Site, run: Run) -> None:
        """No empty table."""
        assert "no view with @static_page" in run("routes").stdout


@pytest.fixture
def stocked(site: Site) -> Shop:
    """A shop with a stored page in each state."""
    shop = Shop(site)

    @site.app.get("/old")
    @static_page(revalidate=60, expire=600)
    def old() -> str:
        return "old"

    @site.app.get("/older")
    @static_page(revalidate=60, expire=100)
    def older() -> str:
        return "older"

    @site.app.get("/personal")
    @static_page()
    def personal() -> ResponseReturnValue:
        response = make_response("you")
        response.set_cookie("who", "you")
        return response

    for path in ("/old", "/older"):
        site.get(path)
    site.clock.advance(120)
    shop.warm("/products/1", "/products/2", "/blog/a", "/blogs", "/list?page=2")
    site.get("/personal")
    shop.call(revalidate_tag, "blog", mode="stale")
    shop.error = RuntimeError("the CMS is down")
    shop.call(revalidate_path, "/products/2")
    site.settle()
    return shop


STATES = {
    "/blog/a": "STALE",
    "/blogs": "FRESH",
    "/list?page=2": "FRESH",
    "/old": "STALE",
    "/older": "EXPIRED",
    "/personal": "NOT-STATIC",
    "/products/1": "FRESH",
    "/products/2": "EXPIRED",
}


class TestPages:
    """What is stored."""

    def pages(self, run: Run, *args: str) -> dict[str, dict[str, t.Any]]:
        """The pages that ``--json`` tells of, by their paths."""
        result = run("pages", "--json", *args)
        assert result.exit_code == 0, result.output
        pages = [json.loads(line) for line in result.stdout.splitlines()]
        return {page["path"]: page for page in pages}

    def test_every_page_is_listed_with_its_state(self, stocked: Shop, run: Run) -> None:
        """In the order of the paths."""
        pages = self.pages(run)
        assert {path: page["state"] for path, page in pages.items()} == STATES
        assert list(pages) == sorted(pages)

    def test_json_tells_all(self, stocked: Shop, run: Run) -> None:
        """One object for each page, for programs."""
        pages = self.pages(run)
        assert pages["/products/1"] == {
            "path": "/products/1",
            "state": "FRESH",
            "age": 0.0,
            "size": len("old"),
            "tags": ["product:1", "products"],
            "last_error": None,
            "reason": None,
        }
        assert pages["/personal"]["reason"] == "it sets a cookie"
        assert pages["/old"]["age"] == 120.0
        assert "the CMS is down" in pages["/products/2"]["last_error"]

    @pytest.mark.parametrize("state", ["FRESH", "STALE", "EXPIRED", "NOT-STATIC"])
    def test_state_selects(self, stocked: Shop, run: Run, state: str) -> None:
        """--state in whatever case."""
        expected = {path for path, has in STATES.items() if has == state}
        assert set(self.pages(run, "--state", state)) == expected
        assert set(self.pages(run, "--state", state.lower())) == expected

    def test_tag_selects(self, stocked: Shop, run: Run) -> None:
        """--tag takes a whole tag; with --state both must hold."""
        assert set(self.pages(run, "--tag", "products")) == {
            "/products/1",
            "/products/2",
        }
        assert set(self.pages(run, "--tag", "product")) == set()
        both = self.pages(run, "--tag", "products", "--state", "EXPIRED")
        assert set(both) == {"/products/2"}

    def test_the_table_is_for_people(self, stocked: Shop, run: Run) -> None:
        """Path, state, age, size and the last error, or why a page is not static, in a
        line; the number below."""
        result = run("pages")
        lines = result.stdout.splitlines()
        assert lines[0].split() == ["Path", "State", "Age", "Size", "Because"]
        assert any(
            line.split()[:5] == ["/old", "STALE", "2", "min", "3"] for line in lines
        )
        assert "the CMS is down" in next(li for li in lines if "/products/2" in li)
        assert "it sets a cookie" in next(li for li in lines if "/personal" in li)
        assert lines[-1] == "8 pages."

    def test_nothing_is_said_to_be_nothing(self, site: Site, run: Run) -> None:
        """An empty store, or one that has none of what was asked for."""
        assert run("pages").stdout == "No page is stored.\n"
        assert run("pages", "--tag", "x").stdout == "No page of these is stored.\n"
        assert run("pages", "--json").stdout == ""

    def test_a_backend_that_cannot_list_is_told(self, make_site: MakeSite) -> None:
        """Nothing would look as if nothing were stored."""
        runner = make_site(
            ISR_CACHE={"CACHE_TYPE": "SimpleCache"}
        ).app.test_cli_runner()
        for args in ([], ["--json"]):
            result = runner.invoke(args=["isr", "pages", *args])
            assert result.exit_code == 1
            assert "cannot list its pages" in result.stderr
        assert runner.invoke(args=["isr", "clear", "--yes"]).stdout == (
            "All pages forgotten.\n"
        )

    def test_an_unknown_state_is_a_usage_error(self, site: Site, run: Run) -> None:
        """The states are named."""
        result = run("pages", "--state", "OLD")
        assert result.exit_code == 2
        assert "stale" in result.stderr.lower()


class TestShow:
    """All about one page."""

    def show(self, run: Run, path: str) -> dict[str, str]:
        """What the command says, by its headings."""
        result = run("show", path)
        assert result.exit_code == 0, result.output
        split = (line.split("  ", 1) for line in result.stdout.splitlines())
        return {name.strip(): value.strip() for name, value in split}

    @pytest.mark.parametrize(
        ("path", "state"),
        [
            ("/products/1", "FRESH"),
            ("/blog/a", "STALE: it was invalidated after it was rendered"),
            ("/old", "STALE: it is 2 min old"),
            ("/older", "EXPIRED: it is 2 min old"),
            ("/products/2", "EXPIRED: it was invalidated after it was rendered"),
            ("/personal", "NOT-STATIC: it sets a cookie"),
            ("/blog/z", "nothing is stored: its next visitor waits for a render"),
            ("/list?page=2", "FRESH"),
            ("/list", "nothing is stored: its next visitor waits for a render"),
        ],
    )
    def test_it_says_the_state_and_why(
        self, stocked: Shop, run: Run, path: str, state: str
    ) -> None:
        """By age, by an invalidation, by what the render showed; or not stored."""
        assert self.show(run, path)["State"] == state

    def test_it_says_what_to_do_about_a_page_that_is_not_static(
        self, stocked: Shop, run: Run
    ) -> None:
        """As the warning did that the log may have lost."""
        told = self.show(run, "/personal")["What to do"]
        assert told.startswith("Set the cookie in a view without @static_page")

    def test_it_says_when_a_page_that_is_not_static_is_tried_again(
        self, make_site: MakeSite
    ) -> None:
        """By the release that found it so in a while, by another one at once."""

        def said(build_id: str) -> str:
            site = make_site(ISR_BUILD_ID=build_id)

            @site.app.get("/")
            @static_page()
            def home() -> Response:
                answer = Response("home")
                answer.set_cookie("who", "you")
                return answer

            if build_id == "1":
                site.get("/")
            result = site.app.test_cli_runner().invoke(args=["isr", "show", "/"])
            [line] = [row for row in result.stdout.splitlines() if "Tried" in row]
            return line.removeprefix("Tried again").strip()

        assert said("1").startswith("in ")
        assert said("2") == "at the next visit"

    def test_it_says_what_a_page_is(self, stocked: Shop, run: Run) -> None:
        """Rule, endpoint, where it is served, lifetime, size, tags."""
        said = self.show(run, "/products/1")
        assert said["Page"] == "/products/1"
        assert said["Rule"] == "/products/<int:product_id>  (product)"
        assert said["Served"].startswith("wsgi")
        assert said["Status"] == "200"
        assert said["Revalidate"] == "never"
        assert said["Size"] == "3 B"
        assert said["Tags"] == "product:1, products"
        assert said["ETag"].startswith('"')

    def test_it_says_whom_a_page_is_for(self, site: Site, run: Run) -> None:
        """If members are answered by the view, the log says nothing of it."""
        site.app.secret_key = "a key"

        @site.app.get("/all")
        @static_page(query=["q"])
        def reading() -> str:
            request.args.get("page")
            request.cookies.get("theme")
            request.environ.get("eppn")
            request.accept_mimetypes.best_match(["text/html"])
            return str(request.headers.get("X-API-Key"))

        @site.app.get("/greeting")
        @static_page()
        def greeting() -> str:
            return f"hello {session.get('name')}"

        @site.app.get("/")
        @static_page()
        def home() -> str:
            return "home"

        who = {
            "/": "all",
            "/greeting": "those without a session",
            "/all": "those without X-API-Key, the cookie 'theme', the parameter 'page',"
            " the variable 'eppn', who accept text/html",
        }
        for path, visitors in who.items():
            site.get(path)
            assert self.show(run, path)["Visitors"] == visitors

    def test_it_says_what_went_wrong_and_when_it_is_tried_again(
        self, stocked: Shop, run: Run
    ) -> None:
        """The last error, how often in a row, and the back-off."""
        said = self.show(run, "/products/2")
        assert "the CMS is down" in said["Last error"]
        assert said["Last error"].endswith("(1 in a row)")
        assert said["Tried again"].startswith("in ")
        stocked.site.clock.advance(60)
        assert self.show(run, "/products/2")["Tried again"] == "at the next visit"

    def test_it_says_what_a_closed_list_lacks(self, site: Site, run: Run) -> None:
        """Nobody waits for a render there."""

        @site.app.get("/posts/<slug>")
        @static_page(paths=["/posts/a"], fallback=False)
        def post(slug: str) -> str:
            return slug

        assert site.get("/posts/b").status_code == 404
        state = self.show(run, "/posts/b")["State"]
        assert state == "not in its closed list: 404, without a render"
        assert self.show(run, "/posts/a")["State"].startswith("nothing is stored")

    def test_another_spelling_is_the_same_page(self, stocked: Shop, run: Run) -> None:
        """What the address bar shows, percent-encoded or not."""
        assert self.show(run, "/products/%31")["Page"] == "/products/1"
        assert self.show(run, "/products/01")["Page"] == "/products/1"

    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("/nowhere", "no view with @static_page is there"),
            ("/dynamic", "no view with @static_page is there"),
            ("products/1", "it is not a path from '/' on"),
        ],
    )
    def test_what_is_no_page_is_an_error(
        self, stocked: Shop, run: Run, path: str, why: str
    ) -> None:
        """Exit status 1 and a sentence that says why, no traceback."""
        result = run("show", path)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert f"is not a static page: {why}" in result.stderr


def test_looking_changes_nothing(stocked: Shop, run: Run) -> None:
    """Nothing is rendered, and no state is another afterwards."""
    stocked.renders.clear()
    before = stocked.site.state.store.current_version()
    for command in (["routes"], ["pages"], ["show", "/old"], ["show", "/blog/z"]):
        assert run(*command).exit_code == 0
    stocked.site.settle()
    assert stocked.renders == []
    assert stocked.site.state.store.current_version() == before
