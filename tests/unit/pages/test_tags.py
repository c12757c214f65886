"""Tags: filled in from the URL, from a callable, or found while rendering."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Response
from flask import copy_current_request_context

from flask_isr import cache_tag
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.support import InThread
from tests.support import Site
from tests.support import cache_state
from tests.support.pages import add_page
from tests.support.pages import look


class TestTags:
    """Tags that a page gets while it is rendered find it as the declared ones do."""

    def test_a_tag_found_late_counts(self, site: Site) -> None:
        """A tag added by the last piece of a streamed body finds the page."""
        count = itertools.count(1)

        @site.app.get("/page")
        @static_page()
        def page() -> Response:
            def pieces() -> t.Iterator[str]:
                yield str(next(count))
                cache_tag("row:9")

            return Response(pieces())

        look(site)
        with site.app.app_context():
            revalidate_tag("row:9")

        assert look(site) == ("MISS", "2")

    def test_a_tag_found_in_a_thread_counts(self, site: Site) -> None:
        """A view may fetch what it shows in threads that have its request."""

        def fetch() -> None:
            InThread(copy_current_request_context(lambda: cache_tag("row:1"))).result()

        add_page(site, life=fetch)
        look(site)
        with site.app.app_context():
            revalidate_tag("row:1")

        assert look(site) == ("MISS", "2")

    def test_tags_are_filled_in_from_the_url(self, site: Site) -> None:
        """``{values}`` of the URL in a tag name one page of many."""
        count = itertools.count(1)

        @site.app.get("/<kind>/<int:number>")
        @static_page(tags=["{kind}:{number}", "all"])
        def page(kind: str, number: int) -> str:
            return str(next(count))

        paths = ["/a/1", "/a/2"]
        assert [site.get(path).text for path in paths] == ["1", "2"]
        with site.app.app_context():
            revalidate_tag("a:2")
        assert [site.get(path).text for path in paths] == ["1", "3"]

    def test_tags_by_a_callable(self, site: Site) -> None:
        """A callable is given the URL values and returns the tags."""
        count = itertools.count(1)

        def tags(number: int) -> list[str]:
            return ["even" if number % 2 == 0 else "odd"]

        @site.app.get("/<int:number>")
        @static_page(tags=tags)
        def page(number: int) -> str:
            return str(next(count))

        assert [site.get(path).text for path in ("/1", "/2")] == ["1", "2"]
        with site.app.app_context():
            revalidate_tag("odd")
        assert [site.get(path).text for path in ("/1", "/2")] == ["3", "2"]

    def test_a_url_that_makes_a_bad_tag_is_answered(self, site: Site) -> None:
        """A stranger's long path that fills a tag beyond its limit is no server error:
        the view answers."""

        @site.app.get("/<slug>")
        @static_page(tags=["post:{slug}"])
        def post(slug: str) -> str:
            return str(len(slug))

        answers = [site.get("/" + "x" * 300) for _ in range(2)]

        assert [answer.text for answer in answers] == ["300", "300"]
        assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]

    def test_a_page_has_128_tags_at_most(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Declared and late tags count together; more break the render by name."""
        add_page(
            site,
            tags=[f"declared:{number}" for number in range(100)],
            life=lambda: cache_tag(*(f"late:{number}" for number in range(29))),
        )

        site.get("/page")

        assert "128" in caplog.text
