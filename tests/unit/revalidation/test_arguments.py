"""What ``revalidate_path`` and ``revalidate_tag`` refuse, and that nothing is done then."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask

from flask_isr import NotAStaticPage
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from tests.support.shop import Shop


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            {"path": "products/1"}, "one leading slash", id="no leading slash"
        ),
        pytest.param({"path": ""}, "one leading slash", id="empty"),
        pytest.param(
            {"path": "https://example.com/products/1"}, "no scheme", id="absolute URL"
        ),
        pytest.param({"path": "//example.com/products/1"}, "no host", id="other host"),
        pytest.param({"path": "/products/1#top"}, "fragment", id="fragment"),
        pytest.param({"path": "/products/1\n"}, "control character", id="newline"),
        pytest.param({"path": "/products/\x00"}, "control character", id="NUL"),
        pytest.param({"path": "/products/\ud800"}, "control character", id="surrogate"),
        pytest.param({"path": "/" + "a" * 1024}, "1024", id="too long"),
        pytest.param({"path": 1}, "must be a string", id="number"),
        pytest.param({"path": b"/products/1"}, "must be a string", id="bytes"),
        pytest.param({"path": None}, "must be a string", id="None"),
        pytest.param({"mode": "now"}, "'expire', 'stale' or 'refresh'", id="mode"),
        pytest.param({"mode": None}, "'expire', 'stale' or 'refresh'", id="no mode"),
        pytest.param({"mode": ["expire"]}, "'expire', 'stale'", id="list as mode"),
        pytest.param({"match": "regex"}, "'path', 'rule' or 'prefix'", id="match"),
        pytest.param({"match": {}}, "'path', 'rule' or 'prefix'", id="dict as match"),
        pytest.param(
            {"match": "prefix", "mode": "refresh"},
            "any number of",
            id="refresh a prefix",
        ),
        pytest.param(
            {"path": "/blog/<slug>", "match": "rule", "mode": "refresh"},
            "any number of",
            id="refresh a rule",
        ),
        pytest.param(
            {"path": "/blog?page=1", "match": "prefix"}, "query", id="prefix with query"
        ),
    ],
)
def test_a_wrong_path_match_or_mode_is_a_value_error(
    shop: Shop, arguments: dict[str, t.Any], said: str
) -> None:
    """A wrong argument raises ValueError that tells what is right; the page stays."""
    shop.warm("/products/1")
    with pytest.raises(ValueError, match=said):
        shop.call(revalidate_path, **{"path": "/products/1", **arguments})
    assert shop.see("/products/1") == ("old", "HIT")


def test_the_longest_path_is_still_looked_up(shop: Shop) -> None:
    """1,024 characters are allowed; one more is the error above."""
    with pytest.raises(NotAStaticPage):
        shop.call(revalidate_path, "/" + "a" * 1023)


@pytest.mark.parametrize(
    "path",
    [
        "/dynamic",
        "/nowhere",
        "/products/one",
        "/blog/%FF",
        "/blog/a%0Ab",
        "/api/revalidate",
    ],
)
def test_a_path_that_no_static_page_serves_is_named(shop: Shop, path: str) -> None:
    """NotAStaticPage carries the path as it was given."""
    with pytest.raises(NotAStaticPage, match="flask isr routes") as caught:
        shop.call(revalidate_path, path)
    assert caught.value.path == path


def test_a_rule_is_no_path(shop: Shop) -> None:
    """Whoever forgets ``match="rule"`` is told, although ``<slug>`` might be a slug."""
    shop.warm("/blog/a")
    with pytest.raises(NotAStaticPage, match="match 'rule' means all its pages"):
        shop.call(revalidate_path, "/blog/<slug>")
    assert shop.see("/blog/a")[1] == "HIT"


def test_a_rule_that_no_static_page_has_is_named(shop: Shop) -> None:
    """A rule is compared as it is written in the route, converters included."""
    with pytest.raises(NotAStaticPage, match="no static page has this rule") as caught:
        shop.call(revalidate_path, "/products/<product_id>", match="rule")
    assert caught.value.path == "/products/<product_id>"


@pytest.mark.parametrize(
    ("tags", "mode", "said"),
    [
        pytest.param([], "expire", "without a tag", id="none"),
        pytest.param([""], "expire", "non-empty", id="empty"),
        pytest.param(["a" * 257], "expire", "at most 256", id="too long"),
        pytest.param([1], "expire", "is no tag", id="number"),
        pytest.param([["products"]], "expire", "is no tag", id="list"),
        pytest.param(["\ud800"], "expire", "not valid Unicode", id="surrogate"),
        pytest.param(["products"], "later", "'expire', 'stale'", id="mode"),
        pytest.param(["products"], "refresh", "any number of pages", id="refresh"),
        pytest.param(["products", ""], "expire", "non-empty", id="second is wrong"),
    ],
)
def test_a_wrong_tag_or_mode_is_a_value_error(
    shop: Shop, tags: list[t.Any], mode: str, said: str
) -> None:
    """All tags are checked before any is touched; the message tells what is right."""
    shop.warm("/products/1")
    with pytest.raises(ValueError, match=said):
        shop.call(revalidate_tag, *tags, mode=mode)
    assert shop.see("/products/1") == ("old", "HIT")


@pytest.mark.parametrize("tag", ["a" * 256, "Größe: 7 %", "a,b c", "日本/語", "'; --"])
def test_any_text_is_a_tag(shop: Shop, tag: str) -> None:
    """Tags of real CMSs are taken as they are."""
    shop.call(revalidate_tag, tag)


def test_an_application_without_the_extension_is_told_so() -> None:
    """The message says how to add Flask-ISR, not what is missing in a dict."""
    with (
        Flask("bare").app_context(),
        pytest.raises(RuntimeError, match=r"no Flask-ISR: create it with ISR\(app\)"),
    ):
        revalidate_path("/")


def test_outside_of_an_application_context_is_flasks_own_error() -> None:
    """A call without an application is the RuntimeError that Flask's users know."""
    with pytest.raises(RuntimeError, match="application context"):
        revalidate_tag("products")
