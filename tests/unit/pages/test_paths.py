"""Which requests are the same page: spellings, query parameters, prefixes."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import g
from flask import request
from flask import url_for
from werkzeug.test import TestResponse

from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state


@pytest.fixture(params=["wsgi", "view"])
def search(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site with a page that depends on two query parameters."""
    site = make_site(ISR_SERVE=request.param)
    view = static_page(query=["q", "page"])(_arguments)
    site.app.add_url_rule("/search", view_func=view)
    return site


def _arguments() -> str:
    return repr(sorted(request.args.items(multi=True)))


class TestQuery:
    """Declared parameters make pages; all others are invisible to the view."""

    def test_undeclared_parameters_make_no_page(self, search: Site) -> None:
        """Junk in the query is served the page without it, from the store."""
        first = search.get("/search")

        for query in ("utm_source=x", "a=1&b=2", "Q=1", "&&=&", "%ff=1", "q[]=1"):
            answer = search.get(f"/search?{query}")
            assert (cache_state(answer), answer.text) == ("HIT", first.text)

    def test_a_declared_parameter_makes_a_page(self, search: Site) -> None:
        """Each value is a page of its own, and undeclared ones beside it do not count."""
        one = search.get("/search?q=one")
        two = search.get("/search?q=two")
        again = search.get("/search?utm=x&q=one")

        assert [one.text, two.text] == ["[('q', 'one')]", "[('q', 'two')]"]
        assert (cache_state(again), again.text) == ("HIT", "[('q', 'one')]")

    def test_their_order_does_not_matter(self, search: Site) -> None:
        """``?a&b`` and ``?b&a`` are one page."""
        search.get("/search?q=x&page=2")

        answer = search.get("/search?page=2&q=x")

        assert cache_state(answer) == "HIT"
        assert answer.text == "[('page', '2'), ('q', 'x')]"

    def test_repeated_values_keep_their_order(self, search: Site) -> None:
        """Of one parameter given twice the order counts, as it may for the view."""
        search.get("/search?q=b&q=a")

        assert cache_state(search.get("/search?q=a&q=b")) == "MISS"
        assert cache_state(search.get("/search?q=b&q=a")) == "HIT"

    def test_an_empty_value_is_a_value(self, search: Site) -> None:
        """``?q=`` is not the page without ``q``."""
        search.get("/search")

        assert search.get("/search?q=").text == "[('q', '')]"
        assert search.get("/search?q").text == "[('q', '')]"

    def test_a_question_mark_in_the_path_is_no_query(self, make_site: MakeSite) -> None:
        """``/a%3Fq=1`` and ``/a?q=1`` are two pages."""
        site = make_site()

        @site.app.get("/<slug>")
        @static_page(query=["q"])
        def page(slug: str) -> str:
            return f"{slug} {request.args.get('q')}"

        texts = [site.get(path).text for path in ("/a%3Fq=1", "/a?q=1") * 2]

        assert texts == ["a?q=1 None", "a 1"] * 2

    @pytest.mark.parametrize("raw", ["q=\xc3\xa9", "q=%C3%A9", "q=%c3%a9"])
    def test_every_spelling_of_a_value_is_one_page(
        self, search: Site, raw: str
    ) -> None:
        """Raw bytes and percent-encoded ones mean the same text, as for Flask."""
        search.get("/search?q=%C3%A9")

        answer = search.get("/search", environ_overrides={"QUERY_STRING": raw})

        assert (cache_state(answer), answer.text) == ("HIT", "[('q', 'é')]")

    def test_values_that_are_not_utf8_are_kept_apart(self, search: Site) -> None:
        """The view sees what Flask makes of bytes that are not UTF-8."""
        texts = [search.get(f"/search?q={value}").text for value in ("%ff", "%fe")]

        assert texts == ["[('q', '%FF')]", "[('q', '%FE')]"]

    def test_many_parameters_never_get_another_page(self, search: Site) -> None:
        """A declared parameter behind a hundred others is still seen by the view."""
        search.get("/search")

        answer = search.get("/search?" + "x=1&" * 100 + "q=last")

        assert "('q', 'last')" in answer.text


class TestSpellings:
    """Paths that the router maps to the same page share one entry."""

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    @pytest.mark.parametrize(
        ("rule", "path", "other"),
        [
            ("/p/<int:x>", "/p/7", "/p/007"),
            ("/p/<float:x>", "/p/1.5", "/p/1.50"),
            ("/p/<x>", "/p/é", "/p/%C3%A9"),
            ("/p/<x>", "/p/a b", "/p/a%20b"),
            ("/p/<x>", "/p/ab", "/p/%61b"),
            ("/p/<x>", "/p/a+b", "/p/a%2Bb"),
            ("/p/<path:x>", "/p/a/b", "/p/a%2Fb"),
        ],
    )
    def test_two_spellings_are_one_page(
        self, make_site: MakeSite, serve: str, rule: str, path: str, other: str
    ) -> None:
        """The second spelling finds what the first one stored, and the other way."""
        site = make_site(ISR_SERVE=serve)
        count = itertools.count(1)

        @site.app.get(rule)
        @static_page()
        def page(x: t.Any) -> str:
            return str(next(count))

        answers = [site.get(spelling) for spelling in (path, other, path)]

        assert [answer.text for answer in answers] == ["1", "1", "1"]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT", "HIT"]

    def test_either_spelling_revalidates(self, make_site: MakeSite) -> None:
        """Revalidating one spelling renews the page for all of them."""
        site = make_site()
        count = itertools.count(1)

        @site.app.get("/p/<int:number>")
        @static_page()
        def page(number: int) -> str:
            return str(next(count))

        site.get("/p/7")
        with site.app.app_context():
            revalidate_path("/p/007")
        site.settle()

        assert [site.get(path).text for path in ("/p/7", "/p/007")] == ["2", "2"]

    def test_redirects_of_the_router_are_flasks(self, make_site: MakeSite) -> None:
        """A missing trailing slash or doubled slashes redirect, and are not stored."""
        site = make_site()

        @site.app.get("/a/list/")
        @static_page()
        def page() -> str:
            return "list"

        for path in ("/a/list", "/a//list/"):
            answer = at(site, "", path)
            assert (answer.status_code, cache_state(answer)) == (308, None)
        assert site.get("/a/list/").text == "list"

    @pytest.mark.parametrize(
        "slug", ["a%0Ab", "a%0Db", "a%00", "%7F", "%ff", "%c3", "%1b"]
    )
    def test_odd_bytes_are_not_cached(self, make_site: MakeSite, slug: str) -> None:
        """Control characters and what is not UTF-8 go to the view, and are not stored."""
        site = make_site()
        count = itertools.count(1)

        @site.app.get("/<slug>")
        @static_page()
        def page(slug: str) -> str:
            return str(next(count))

        answers = [site.get(f"/{slug}") for _ in range(2)]

        assert [answer.text for answer in answers] == ["1", "2"]
        assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]

    def test_endless_paths_are_not_cached(self, make_site: MakeSite) -> None:
        """A path beyond 1,024 characters is answered by the view."""
        site = make_site()

        @site.app.get("/<slug>")
        @static_page()
        def page(slug: str) -> str:
            return "page"

        states = [cache_state(site.get("/" + "x" * 1024)) for _ in range(2)]

        assert states == ["BYPASS", "BYPASS"]


def test_a_language_prefix_is_part_of_the_page(make_site: MakeSite) -> None:
    """A URL preprocessor that takes the language away does not mix languages up."""
    site = make_site()
    count = itertools.count(1)

    @site.app.url_value_preprocessor
    def take_language(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
        g.language = values.pop("language") if values else None

    @site.app.get("/<language>/about")
    @static_page(tags=["about:{language}"])
    def about() -> str:
        return f"{g.language} {next(count)}"

    texts = [site.get(path).text for path in ("/en/about", "/de/about") * 2]
    assert texts == ["en 1", "de 2", "en 1", "de 2"]

    with site.app.app_context():
        revalidate_path("/de/about")
    site.settle()
    texts = [site.get(path).text for path in ("/en/about", "/de/about")]
    assert texts == ["en 1", "de 3"]


class TestMountPrefix:
    """A site below a prefix: stored for that prefix, passed through at any other."""

    @pytest.fixture(
        params=[
            {"ISR_ORIGIN": "https://example.com/shop"},
            {"APPLICATION_ROOT": "/shop"},
            {"APPLICATION_ROOT": "/shop/", "ISR_SERVE": "view"},
        ],
        ids=["origin", "root", "root-view"],
    )
    def shop(self, request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
        """A site mounted at ``/shop`` whose page links to itself."""
        site = make_site(**request.param)

        @site.app.get("/<slug>")
        @static_page()
        def page(slug: str) -> str:
            return url_for("page", slug=slug)

        return site

    def test_below_the_prefix_it_is_stored(self, shop: Site) -> None:
        """Requests at the prefix are served, with links that have it once."""
        answers = [at(shop, "/shop", "/a") for _ in range(2)]

        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
        assert [answer.text for answer in answers] == ["/shop/a", "/shop/a"]

    @pytest.mark.parametrize("prefix", ["", "/x", "/shop/shop", "/SHOP"])
    def test_another_prefix_is_passed_through(self, shop: Site, prefix: str) -> None:
        """At another prefix, which a header may have forged, the view answers, and what
        is stored is neither used nor harmed."""
        at(shop, "/shop", "/a")

        answer = at(shop, prefix, "/a")

        assert (cache_state(answer), answer.text) == ("BYPASS", f"{prefix}/a")
        assert at(shop, "/shop", "/a").text == "/shop/a"

    def test_other_prefixes_are_told_once(
        self, shop: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Who may forge them must not fill the log."""
        for number in range(3):
            at(shop, f"/forged{number}", "/a")

        told = [message for message in caplog.messages if "mounted at" in message]
        assert len(told) == 1
        assert (
            "mounted at '/forged0', and static pages are stored for '/shop'" in told[0]
        )

    def test_paths_are_given_with_the_prefix(self, shop: Site) -> None:
        """``revalidate_path`` takes what the address bar shows."""
        at(shop, "/shop", "/a")

        with shop.app.app_context():
            revalidate_path("/shop/a")
            with pytest.raises(LookupError, match="not below '/shop'"):
                revalidate_path("/a")


def at(site: Site, prefix: str, path: str) -> TestResponse:
    """Ask for *path* as a server does whose application is mounted at *prefix*."""
    overrides = {"SCRIPT_NAME": prefix, "PATH_INFO": path}
    return site.get("/", environ_overrides=overrides)
