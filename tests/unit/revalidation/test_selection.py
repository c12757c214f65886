"""Which pages ``match`` and the spelling of a path select."""

from __future__ import annotations

import itertools

import pytest
from flask import url_for

from flask_isr import ConfigurationError
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support.shop import Shop

PAGES = (
    "/",
    "/products/1",
    "/products/2",
    "/blog/a",
    "/blog/a/comments",
    "/blog/ab",
    "/blogs",
    "/list",
    "/list?page=2",
)


@pytest.fixture
def warm(shop: Shop) -> Shop:
    """A shop with all pages stored, whose text changed since."""
    shop.warm(*PAGES)
    shop.text = "new"
    return shop


def changed(shop: Shop) -> set[str]:
    """The pages that show the new text."""
    shop.site.settle()
    return {path for path in PAGES if shop.see(path)[0].startswith("new")}


@pytest.mark.parametrize(
    ("path", "match", "expected"),
    [
        ("/products/1", "path", {"/products/1"}),
        ("/products/01", "path", {"/products/1"}),
        ("/", "path", {"/"}),
        ("/list", "path", {"/list", "/list?page=2"}),
        ("/list?page=2", "path", {"/list?page=2"}),
        ("/list?page=2&utm_source=x", "path", {"/list?page=2"}),
        ("/list?utm_source=x", "path", {"/list"}),
        ("/blog/<slug>", "rule", {"/blog/a", "/blog/ab"}),
        ("/products/<int:product_id>", "rule", {"/products/1", "/products/2"}),
        ("/list", "rule", {"/list", "/list?page=2"}),
        ("/blog", "prefix", {"/blog/a", "/blog/a/comments", "/blog/ab"}),
        ("/blog/", "prefix", {"/blog/a", "/blog/a/comments", "/blog/ab"}),
        ("/blog/a", "prefix", {"/blog/a", "/blog/a/comments"}),
        ("/blo", "prefix", set()),
        ("/", "prefix", set(PAGES)),
    ],
)
def test_a_path_rule_or_prefix_selects_these_pages(
    warm: Shop, path: str, match: str, expected: set[str]
) -> None:
    """One page, one variant, a rule's pages, or whole segments below; and no other."""
    warm.call(revalidate_path, path, match=match)
    assert changed(warm) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["product:2"], {"/products/2"}),
        (["products"], {"/products/1", "/products/2"}),
        (
            ["product:1", "blog"],
            {"/products/1", "/blog/a", "/blog/a/comments", "/blog/ab"},
        ),
        (["product"], set()),
        (["path:/products/1"], set()),
    ],
)
def test_tags_select_the_pages_that_carry_one_of_them(
    warm: Shop, tags: list[str], expected: set[str]
) -> None:
    """Whole tags, and only those that the application gave: none that ISR uses inside."""
    warm.call(revalidate_tag, *tags)
    assert changed(warm) == expected


def test_a_task_is_told_how_url_for_makes_a_path(make_site: MakeSite) -> None:
    """Outside of a request, Flask's ``url_for`` returns a whole URL."""
    site = make_site(SERVER_NAME="localhost")
    count = itertools.count(1)

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return str(next(count))

    site.get("/page")
    with site.app.app_context():
        with pytest.raises(ConfigurationError, match="_external=False"):
            revalidate_path(url_for("page"))
        assert site.get("/page").text == "1"
        revalidate_path(url_for("page", _external=False))

    assert site.get("/page").text == "2"


@pytest.mark.parametrize("stored", ["/blog/über uns", "/blog/100%25", "/blog/a+b&c=d"])
@pytest.mark.parametrize("spelling", ["address bar", "url_for"])
@pytest.mark.parametrize("match", ["path", "prefix"])
def test_a_path_may_be_percent_encoded_or_not(
    shop: Shop, stored: str, spelling: str, match: str
) -> None:
    """What ``url_for`` returns and what the address bar shows name the same page."""
    shop.warm(stored)
    shop.text = "new"
    given = stored
    if spelling == "url_for":
        given = {
            "/blog/über uns": "/blog/%C3%BCber%20uns",
            "/blog/100%25": "/blog/100%25",
            "/blog/a+b&c=d": "/blog/a%2Bb%26c%3Dd",
        }[stored]
    shop.call(revalidate_path, given, match=match)
    shop.site.settle()
    assert shop.see(stored)[0] == "new"


class TestBelowAMountPrefix:
    """A site that ISR_ORIGIN puts below ``/shop``."""

    @pytest.fixture
    def site(self, make_site: MakeSite) -> Site:
        """The mounted site."""
        return make_site(ISR_ORIGIN="https://example.com/shop")

    def see(self, shop: Shop, path: str) -> str:
        """The text of a page, as the server that mounts the site asks for it."""
        return shop.site.get(path, base_url="https://example.com/shop").text

    @pytest.mark.parametrize(
        ("path", "match"),
        [
            ("/shop/products/1", "path"),
            ("/shop/products", "prefix"),
            ("/shop", "prefix"),
            ("/shop/", "prefix"),
            ("/products/<int:product_id>", "rule"),
        ],
    )
    def test_a_path_has_the_prefix_and_a_rule_has_not(
        self, shop: Shop, path: str, match: str
    ) -> None:
        """Paths are those of the address bar; rules are those of the source."""
        assert self.see(shop, "/products/1") == "old"
        shop.text = "new"
        shop.call(revalidate_path, path, match=match)
        shop.site.settle()
        assert self.see(shop, "/products/1") == "new"

    @pytest.mark.parametrize(
        ("path", "match"),
        [("/products/1", "path"), ("/shopping", "path"), ("/", "prefix")],
    )
    def test_a_path_outside_of_it_is_no_page_of_the_site(
        self, shop: Shop, path: str, match: str
    ) -> None:
        """Without the prefix nothing is guessed: NotAStaticPage says what is missing."""
        with pytest.raises(LookupError, match="not below '/shop'"):
            shop.call(revalidate_path, path, match=match)


def test_a_page_and_its_trailing_slash_are_one(site: Site) -> None:
    """A path that the router redirects names the page that it redirects to."""
    shop = Shop(site)

    @site.app.get("/about/")
    @static_page()
    def about() -> str:
        return shop.show()

    shop.warm("/about/")
    shop.text = "new"
    shop.call(revalidate_path, "/about")
    site.settle()
    assert shop.see("/about/")[0] == "new"


def test_a_long_prefix_takes_more_and_never_less(site: Site) -> None:
    """Beyond 32 segments a prefix is cut: no page below it is left out."""
    shop = Shop(site)

    @site.app.get("/deep/<path:rest>")
    @static_page()
    def deep(rest: str) -> str:
        return shop.show()

    page = "/deep" + "/x" * 40 + "/end"
    shop.warm(page)
    shop.text = "new"
    shop.call(revalidate_path, "/deep" + "/x" * 40, match="prefix")
    assert shop.see(page)[0] == "new"
