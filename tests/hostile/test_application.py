"""Manners of an application that a visitor can turn against its pages."""

from __future__ import annotations

import typing as t

import pytest
from werkzeug.routing import BaseConverter

from flask_isr import static_page

from ..conftest import MakeSite
from ..support import cache_state

SERVE = pytest.mark.parametrize("serve", ["wsgi", "view"])


@SERVE
@pytest.mark.parametrize("own", [False, True], ids=["another", "its-own"])
def test_an_error_handler_that_shows_a_page_stores_nothing(
    make_site: MakeSite, serve: str, own: bool
) -> None:
    """What a handler makes of a view that raised is not the page, be it a page itself."""
    site = make_site(ISR_SERVE=serve)
    runs: list[str] = []
    broken = True

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "sorry"

    @site.app.get("/posts/<slug>")
    @static_page()
    def post(slug: str) -> str:
        runs.append(slug)
        if slug == "sorry":
            return slug
        if broken:
            raise RuntimeError("the database is away")
        return f"post {slug}"

    @site.app.errorhandler(RuntimeError)
    def apologize(error: RuntimeError) -> t.Any:
        return post("sorry") if own else home()

    answer = site.get("/posts/a")
    assert (answer.text, cache_state(answer)) == ("sorry", "BYPASS")
    broken = False
    site.clock.advance(61)
    runs.clear()

    site.get("/posts/a")
    site.settle()

    answer = site.get("/posts/a")
    assert (answer.text, cache_state(answer)) == ("post a", "HIT")
    assert runs in (["a"], ["a", "a"])


def test_a_hook_that_shows_another_page_stores_nothing(make_site: MakeSite) -> None:
    """Maintenance that is announced by a static page does not become the others."""
    site = make_site()
    down = False

    @site.app.get("/maintenance")
    @static_page()
    def maintenance() -> str:
        return "back soon"

    @site.app.get("/posts/<slug>")
    @static_page(10)
    def post(slug: str) -> str:
        return f"post {slug}"

    @site.app.before_request
    @site.isr.skip_on_hit
    def announce() -> t.Any:
        return maintenance() if down else None

    site.get("/posts/a")
    site.clock.advance(11)
    down = True
    site.get("/posts/a")
    site.settle()
    down = False

    assert site.get("/posts/a").text == "post a"


class Unquoted(BaseConverter):
    """Forgets that it builds URLs."""

    def to_url(self, value: t.Any) -> str:
        """The value as it is."""
        return str(value)


class Next(BaseConverter):
    """Builds the path of the next page."""

    def to_python(self, value: str) -> int:
        """A number."""
        return int(value)

    def to_url(self, value: t.Any) -> str:
        """Another number."""
        return str(value + 1)


class Lower(BaseConverter):
    """Builds lower case, and takes any."""

    def to_url(self, value: t.Any) -> str:
        """In lower case."""
        return str(value).lower()


@SERVE
@pytest.mark.parametrize(
    ("converter", "mine", "yours"),
    [
        pytest.param(Unquoted, "50%2541", "50A", id="unquoted"),
        pytest.param(Unquoted, "a%253Fb", "a%3Fb", id="unquoted-mark"),
        pytest.param(Next, "1", "2", id="another"),
        pytest.param(Lower, "Bob", "bob", id="many-to-one"),
    ],
)
def test_a_path_whose_canonical_one_is_anothers_gets_its_own_page(
    make_site: MakeSite,
    serve: str,
    converter: type[BaseConverter],
    mine: str,
    yours: str,
) -> None:
    """Whatever a converter makes of values, nobody gets or leaves the page of others."""
    site = make_site(ISR_SERVE=serve)
    site.app.url_map.converters["own"] = converter
    runs: list[t.Any] = []

    @site.app.get("/page/<own:value>")
    @static_page()
    def page(value: t.Any) -> str:
        runs.append(value)
        return f"of {value}"

    @site.app.get("/view/<own:value>")
    def plain(value: t.Any) -> str:
        return f"of {value}"

    for value in (mine, yours) * 2:
        runs.clear()
        assert site.get(f"/page/{value}").text == site.get(f"/view/{value}").text
        assert len(runs) <= 1
