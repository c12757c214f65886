"""A wrong argument of static_page, cache_tag or cache_life is named."""

from __future__ import annotations

import datetime
import re
import typing as t

import pytest

from flask_isr import ConfigurationError
from flask_isr import cache_life
from flask_isr import cache_tag
from flask_isr import static_page
from tests.support import Site

Warned: t.TypeAlias = t.Callable[..., str]

NAN = float("nan")
INFINITE = float("inf")

LIFETIMES = [
    pytest.param(0, id="zero"),
    pytest.param(-1, id="negative"),
    pytest.param(NAN, id="nan"),
    pytest.param(INFINITE, id="infinite"),
    pytest.param(True, id="true"),
    pytest.param("60", id="string"),
    pytest.param([60], id="list"),
    pytest.param(datetime.timedelta(0), id="no-time"),
    pytest.param(datetime.timedelta(seconds=-1), id="negative-timedelta"),
    pytest.param(10**400, id="beyond-a-float"),
]


@pytest.mark.parametrize("value", [*LIFETIMES, pytest.param(None, id="none")])
def test_wrong_revalidate_is_named(value: t.Any) -> None:
    """``revalidate`` is False or a time greater than zero; anything else says so."""
    with pytest.raises(ConfigurationError, match=r"revalidate is .* greater than 0"):
        static_page(value)


@pytest.mark.parametrize("value", [*LIFETIMES, pytest.param(False, id="false")])
def test_wrong_expire_is_named(value: t.Any) -> None:
    """``expire`` is None or a time greater than zero; anything else says so."""
    with pytest.raises(ConfigurationError, match=r"expire is .* greater than 0"):
        static_page(expire=value)


@pytest.mark.parametrize(
    "expire",
    [
        pytest.param(59, id="less"),
        pytest.param(60, id="equal"),
        pytest.param(datetime.timedelta(minutes=1), id="equal-timedelta"),
    ],
)
def test_expire_must_be_greater_than_revalidate(expire: t.Any) -> None:
    """A page cannot expire before it is stale."""
    with pytest.raises(ConfigurationError, match=r"greater than revalidate \(60\)"):
        static_page(60, expire=expire)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"paths": "/a"}, "paths is '/a'", id="paths-string"),
        pytest.param({"paths": b"/a"}, "paths is b'/a'", id="paths-bytes"),
        pytest.param({"paths": {"id": 1}}, "paths is {'id': 1}", id="paths-dict"),
        pytest.param({"paths": 1}, "paths is 1", id="paths-number"),
        pytest.param({"fallback": True}, "fallback is True", id="fallback-true"),
        pytest.param({"fallback": None}, "fallback is None", id="fallback-none"),
        pytest.param({"fallback": 0}, "fallback is 0", id="fallback-zero"),
        pytest.param(
            {"fallback": "static"}, "fallback is 'static'", id="fallback-word"
        ),
        pytest.param({"fallback": False}, "paths is missing", id="closed-without-list"),
        pytest.param({"tags": "news"}, "tags is 'news'", id="tags-string"),
        pytest.param({"tags": 5}, "tags is 5", id="tags-number"),
        pytest.param({"tags": [""]}, "'' is no tag", id="tag-empty"),
        pytest.param({"tags": [5]}, "5 is no tag", id="tag-number"),
        pytest.param({"tags": ["x" * 257]}, "at most 256", id="tag-long"),
        pytest.param({"tags": ["\ud800"]}, "not valid Unicode", id="tag-surrogate"),
        pytest.param({"tags": ["a{"]}, "the tag 'a{'", id="tag-open-brace"),
        pytest.param({"tags": ["a{}"]}, "only names of URL values", id="tag-no-name"),
        pytest.param({"tags": ["{a.b}"]}, "only names of URL values", id="tag-dot"),
        pytest.param(
            {"tags": map(str, range(129))}, "129 tags are more than 128", id="tags-many"
        ),
        pytest.param({"query": "page"}, "query is 'page'", id="query-string"),
        pytest.param({"query": [1]}, "query is (1,)", id="query-number"),
        pytest.param({"query": [""]}, "query is ('',)", id="query-empty"),
        pytest.param({"query": None}, "query is None", id="query-none"),
        pytest.param({"serve": "flask"}, "serve is 'flask'", id="serve"),
        pytest.param({"serve": ["wsgi"]}, "serve is ['wsgi']", id="serve-list"),
        pytest.param(
            {"expire_on_write": 0}, "expire_on_write is 0", id="expire-on-write"
        ),
    ],
)
def test_wrong_argument_is_named(arguments: dict[str, t.Any], text: str) -> None:
    """Any other wrong argument is an error when decorating, with its value."""
    with pytest.raises(ConfigurationError) as caught:
        static_page(**arguments)

    assert text in str(caught.value)


def test_configuration_errors_are_value_errors() -> None:
    """Who catches ValueError catches a wrong argument."""
    with pytest.raises(ValueError, match="revalidate is 0"):
        static_page(0)


def test_missing_parentheses_are_explained() -> None:
    """``@static_page`` without parentheses says what to write."""
    with pytest.raises(ConfigurationError, match=r"write @static_page\(\)"):

        @static_page  # type: ignore[arg-type]
        def view() -> str:
            return ""


@pytest.mark.parametrize("thing", [type("Page", (), {}), 5, None])
def test_what_is_no_view_is_named(thing: t.Any) -> None:
    """A class, or what cannot be called, is refused, with the way for classes."""
    with pytest.raises(ConfigurationError, match="decorators = "):
        static_page()(thing)


def test_two_decorators_are_refused() -> None:
    """A view cannot be declared twice, one above the other."""
    with pytest.raises(ConfigurationError, match="two @static_page decorators"):

        @static_page()
        @static_page(60)
        def view() -> str:
            return ""


@pytest.fixture
def warned(site: Site, caplog: pytest.LogCaptureFixture) -> Warned:
    """What the log says of a page whose view calls a function with these arguments."""

    def ask(function: t.Callable[..., None], *args: t.Any, **kwargs: t.Any) -> str:
        @site.app.get("/page")
        @static_page()
        def page() -> str:
            function(*args, **kwargs)
            return "page"

        assert site.get("/page").text == "page"
        return caplog.text

    return ask


class TestCacheTag:
    """``cache_tag`` checks what it is given where a page is rendered."""

    @pytest.mark.parametrize(
        ("tag", "text"),
        [
            pytest.param("", "'' is no tag", id="empty"),
            pytest.param(5, "5 is no tag", id="number"),
            pytest.param(None, "None is no tag", id="none"),
            pytest.param("x" * 257, "at most 256", id="long"),
            pytest.param("\udfff", "not valid Unicode", id="surrogate"),
        ],
    )
    def test_wrong_tag_is_named(self, warned: Warned, tag: t.Any, text: str) -> None:
        """A warning shows a wrong tag; where no page is rendered it does nothing."""
        assert text in warned(cache_tag, tag)
        cache_tag(tag)

    @pytest.mark.parametrize("tag", ["a b", "ü:1", "x" * 256, "{", "🗞", "a\nb", "a,b"])
    def test_any_text_is_a_tag(self, warned: Warned, tag: str) -> None:
        """Spaces, punctuation and any Unicode are taken: real CMSs send them."""
        assert warned(cache_tag, tag) == ""


class TestCacheLife:
    """``cache_life`` checks what it is given where a page is rendered."""

    @pytest.mark.parametrize("value", [*LIFETIMES, pytest.param(False, id="false")])
    @pytest.mark.parametrize("name", ["revalidate", "expire"])
    def test_wrong_time_is_named(self, warned: Warned, name: str, value: t.Any) -> None:
        """A warning names the argument; where no page is rendered it does nothing."""
        assert re.search(
            f"{name} is .* greater than 0", warned(cache_life, **{name: value})
        )
        cache_life(**{name: value})

    @pytest.mark.parametrize(
        "until",
        [
            pytest.param(datetime.datetime.fromisoformat("2030-01-01"), id="no-zone"),
            pytest.param(datetime.date(2030, 1, 1), id="date"),
            pytest.param("2030-01-01", id="string"),
            pytest.param(1_900_000_000, id="number"),
        ],
    )
    def test_wrong_until_is_named(self, warned: Warned, until: t.Any) -> None:
        """``until`` needs a time zone: without one it would mean another moment."""
        assert re.search(
            "until is .* with a time zone", warned(cache_life, until=until)
        )
