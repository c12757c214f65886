"""``flask isr build``: renders what is known ahead, and says how it went."""

from __future__ import annotations

import sys
import threading
import typing as t

import pytest
from click.testing import Result
from flask import make_response
from flask.typing import ResponseReturnValue

from flask_isr import static_page
from tests.support import PATIENCE
from tests.support import Site
from tests.support import cache_state

from .conftest import Run


class Press:
    """A site with a page for each of :attr:`items`.

    :ivar items: what `paths` gives.
    :ivar broken: ids whose render raises.
    :ivar personal: ids whose answer sets a cookie.
    :ivar on_render: called in each render.
    :ivar renders: the ids that were rendered.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.items: t.Any = [{"number": number} for number in range(1, 6)]
        self.error: Exception | None = None
        self.broken: set[int] = set()
        self.personal: set[int] = set()
        self.on_render: t.Callable[[], None] = lambda: None
        self.renders: list[int] = []

        @site.app.get("/issues/<int:number>")
        @static_page(revalidate=90, paths=self.ask)
        def issue(number: int) -> ResponseReturnValue:
            self.renders.append(number)
            self.on_render()
            if number in self.broken:
                raise RuntimeError(f"issue {number} is ill")
            response = make_response("x" * 2048)
            if number in self.personal:
                response.set_cookie("who", "you")
            return response

        @site.app.get("/imprint")
        @static_page()
        def imprint() -> str:
            return "imprint"

        @site.app.get("/search/<word>")
        @static_page()
        def search(word: str) -> str:
            return word

    def ask(self) -> t.Any:
        """What `paths` is."""
        if self.error is not None:
            raise self.error
        return self.items

    def state(self, path: str) -> str | None:
        """How a visitor of *path* is served."""
        return cache_state(self.site.get(path))


@pytest.fixture
def press(site: Site) -> Press:
    """A site with five issues and an imprint."""
    return Press(site)


def row(result: Result, rule: str) -> list[str]:
    """The cells of a rule's line in the table."""
    lines = [line for line in result.stdout.splitlines() if line.startswith(rule)]
    assert len(lines) == 1, result.output
    return lines[0][len(rule) :].split("  ")


def cells(result: Result, rule: str = "/issues/<int:number>") -> list[str]:
    """Built, fresh and failed, as the table counts them."""
    return [cell.strip() for cell in row(result, rule) if cell.strip()][:3]


def test_every_page_that_is_known_ahead_is_built(press: Press, run: Run) -> None:
    """Those in `paths`, and rules without variables; the server has them at once."""
    result = run("build")
    assert result.exit_code == 0, result.output
    assert sorted(press.renders) == [1, 2, 3, 4, 5]
    paths = [f"/issues/{number}" for number in range(1, 6)]
    assert {press.state(path) for path in [*paths, "/imprint"]} == {"HIT"}
    assert press.state("/search/word") == "MISS"


def test_a_rule_that_has_its_values_by_default_is_built(site: Site, run: Run) -> None:
    """Its path has no variables: the first of many pages often has such a rule."""

    @site.app.get("/news/", defaults={"number": 1})
    @site.app.get("/news/<int:number>")
    @static_page()
    def news(number: int) -> str:
        return f"page {number}"

    run("build")
    answer = site.get("/news/")
    assert (cache_state(answer), answer.text) == ("HIT", "page 1")
    assert cache_state(site.get("/news/2")) == "MISS"


def test_the_table_tells_of_each_route(press: Press, run: Run) -> None:
    """Pages, lifetime, size, time and failures, by route; and how many in all."""
    result = run("build")
    titles = result.stdout.split("\n-")[0].splitlines()[-1].split()
    assert titles[:4] == ["Route", "Built", "Fresh", "Failed"]
    assert titles[4:] == ["Revalidate", "Size", "Time/page"]
    line = [
        cell.strip() for cell in row(result, "/issues/<int:number>") if cell.strip()
    ]
    assert line[:5] == ["5", "0", "0", "1 min 30 s", "10.0 KiB"]
    assert line[5].endswith("s")
    assert cells(result, "/imprint") == ["1", "0", "0"]
    assert "6 pages built" in result.stdout
    assert "/search" not in result.stdout


def test_fresh_pages_are_skipped(press: Press, run: Run) -> None:
    """A second build costs nothing; pages that got old are built again."""
    run("build")
    press.renders.clear()
    result = run("build")
    assert result.exit_code == 0
    assert press.renders == []
    assert cells(result) == ["0", "5", "0"]
    press.site.clock.advance(91)
    assert cells(run("build")) == ["5", "0", "0"]


def test_force_builds_fresh_pages_too(press: Press, run: Run) -> None:
    """--force renders everything."""
    run("build")
    press.renders.clear()
    assert cells(run("build", "--force")) == ["5", "0", "0"]
    assert sorted(press.renders) == [1, 2, 3, 4, 5]


def check_together(barrier: threading.Barrier) -> None:
    """Wait for the other renders that must run beside this one."""
    barrier.wait(PATIENCE)


def test_jobs_says_how_many_at_a_time(press: Press, run: Run) -> None:
    """--jobs 3 renders three pages together, --jobs 1 one after another."""
    together = threading.Barrier(3)
    press.items = [{"number": number} for number in (1, 2, 3)]
    press.on_render = lambda: check_together(together)
    assert cells(run("build", "--jobs", "3")) == ["3", "0", "0"]

    alone = threading.Lock()

    def check() -> None:
        assert alone.acquire(blocking=False)
        alone.release()

    press.on_render = check
    assert cells(run("build", "--jobs", "1", "--force")) == ["3", "0", "0"]


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_a_wrong_number_of_jobs_is_a_usage_error(
    press: Press, run: Run, jobs: str
) -> None:
    """Exit status 2, and nothing is built."""
    result = run("build", "--jobs", jobs)
    assert result.exit_code == 2
    assert "--jobs" in result.stderr
    assert press.renders == []


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"number": "one"}, "{'number': 'one'}"),
        ({"slug": "a"}, "slug"),
        ({}, "{}"),
        ({"number": 2, "page": 3}, "page"),
        ("/imprint", "'imprint'"),
        ("/issues/1?page=2", "query"),
        ("/nowhere", "/nowhere"),
        ("issues/1", "issues/1"),
        (7, "7: neither URL values, such as {'product_id': 1}, nor a path"),
        (None, "None"),
        (["number"], "['number']"),
    ],
    ids=str,
)
def test_a_wrong_item_is_named_and_the_others_are_built(
    press: Press, run: Run, item: t.Any, said: str
) -> None:
    """Endpoint and item are in the message; the exit status is 1."""
    press.items = [{"number": 1}, item, "/issues/3"]
    result = run("build")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if "'issue'" in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert cells(result) == ["2", "0", "1"]
    assert sorted(press.renders) == [1, 3]


@pytest.mark.parametrize("items", [None, 5, "/issues/1", {"number": 1}], ids=repr)
def test_paths_of_a_wrong_type_are_named(press: Press, run: Run, items: t.Any) -> None:
    """What is no iterable of items is an error of that endpoint; the rest is built."""
    press.items = items
    result = run("build")
    assert result.exit_code == 1
    assert "'issue'" in result.stderr
    assert "iterable" in result.stderr
    assert press.state("/imprint") == "HIT"


def test_paths_that_cannot_be_asked_are_told(press: Press, run: Run) -> None:
    """A callable that raises fails its endpoint and no other."""
    press.error = RuntimeError("the CMS is down")
    result = run("build")
    assert result.exit_code == 1
    assert "'issue'" in result.stderr
    assert "the CMS is down" in result.stderr
    assert press.state("/imprint") == "HIT"


def test_a_page_that_fails_fails_alone(press: Press, run: Run) -> None:
    """It is named with its cause; the exit status is 1; the others stay built."""
    press.broken = {2, 4}
    result = run("build")
    assert result.exit_code == 1
    assert cells(result) == ["3", "0", "2"]
    assert "4 pages built, 2 failed, in" in result.stdout
    for number in (2, 4):
        assert f"/issues/{number}: RuntimeError: issue {number} is ill" in result.stderr
    assert {press.state(f"/issues/{number}") for number in (1, 3, 5)} == {"HIT"}


def test_a_view_that_exits_fails_alone(press: Press, run: Run) -> None:
    """It does not end the build, as if that had gone well."""

    def leave() -> None:
        if press.renders[-1] == 2:
            sys.exit(0)

    press.on_render = leave
    result = run("build", "--jobs", "1")
    assert result.exit_code == 1
    assert cells(result) == ["4", "0", "1"]
    assert "/issues/2: SystemExit: 0" in result.stderr


def test_a_page_whose_tags_cannot_be_made_fails_alone(site: Site, run: Run) -> None:
    """The others are built."""

    def tags(number: int) -> list[str]:
        return [] if number == 1 else [f"n{10 // number}"]

    @site.app.get("/<int:number>")
    @static_page(paths=["/0", "/1", "/2"], tags=tags)
    def page(number: int) -> str:
        return "page"

    result = run("build")
    assert result.exit_code == 1
    assert cells(result, "/<int:number>") == ["2", "0", "1"]
    assert "/0: its tags could not be made (ZeroDivisionError" in result.stderr


def test_a_build_goes_on_where_it_was(press: Press, run: Run) -> None:
    """The next one renders what is missing, and nothing else."""
    press.broken = {2, 4}
    run("build")
    press.renders.clear()
    press.broken.clear()
    press.site.clock.advance(5)
    result = run("build")
    assert result.exit_code == 0
    assert sorted(press.renders) == [2, 4]
    assert cells(result) == ["2", "3", "0"]


def test_a_failing_page_keeps_its_last_good_copy(press: Press, run: Run) -> None:
    """A build with a source that is ill does not take pages away."""
    run("build")
    press.broken = {1}
    result = run("build", "--force")
    assert result.exit_code == 1
    assert press.state("/issues/1") == "HIT"


def test_a_page_that_is_not_static_is_no_failure(press: Press, run: Run) -> None:
    """It is listed with its reason; the build as such went well."""
    press.personal = {3}
    for built, fresh in (("4", "0"), ("0", "4")):
        result = run("build")
        assert result.exit_code == 0
        assert cells(result) == [built, fresh, "0"]
        assert "/issues/3: it sets a cookie" in result.stderr
    assert press.renders.count(3) == 2


def test_a_page_that_was_not_static_is_always_tried(press: Press, run: Run) -> None:
    """Who builds may have mended it, where no file of the application shows that."""
    press.personal = {3}
    run("build")
    press.personal = set()
    assert cells(run("build")) == ["1", "4", "0"]
    assert press.state("/issues/3") == "HIT"


def test_an_item_that_is_named_twice_is_built_once(press: Press, run: Run) -> None:
    """Two spellings of a path are one page."""
    press.items = [{"number": 1}, "/issues/1", "/issues/01"]
    assert cells(run("build")) == ["1", "0", "0"]
    assert press.renders == [1]


def test_thousands_of_items_may_come_from_a_generator(press: Press, run: Run) -> None:
    """`paths` may be any iterable."""
    press.items = ({"number": number} for number in range(300))
    assert cells(run("build")) == ["300", "0", "0"]


def test_without_pages_there_is_nothing_to_do(site: Site, run: Run) -> None:
    """The command says so, and succeeds."""
    result = run("build")
    assert result.exit_code == 0
    assert "no page that is known ahead" in result.stdout


def test_a_closed_list_is_that_of_the_build(site: Site, run: Run) -> None:
    """A running server turns away what the build found to be gone, and serves the new."""
    numbers = [1, 2]

    @site.app.get("/closed/<int:number>")
    @static_page(paths=lambda: [{"number": n} for n in numbers], fallback=False)
    def closed(number: int) -> str:
        return str(number)

    run("build")
    status = [site.get(f"/closed/{number}").status_code for number in (1, 2, 3)]
    assert status == [200, 200, 404]
    numbers[:] = [2, 3]
    run("build")
    status = [site.get(f"/closed/{number}").status_code for number in (1, 2, 3)]
    assert status == [404, 200, 200]
