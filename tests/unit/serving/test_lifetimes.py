"""How long a page is good: revalidate, expire, until, and pages that are gone."""

from __future__ import annotations

import datetime
import itertools

import pytest
from flask import Response
from flask import abort
from flask import make_response

from flask_isr import cache_life
from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state
from tests.support.pages import add_page
from tests.support.pages import look


class TestTime:
    """A page is stale, then expired, by its age alone."""

    def test_false_never_gets_old(self, site: Site, clock: Clock) -> None:
        """Without ``revalidate`` a page stays good, however old."""
        add_page(site)
        look(site)
        clock.advance(10 * 365 * 86_400)

        assert look(site) == ("HIT", "1")

    def test_a_timedelta_is_its_seconds(self, site: Site, clock: Clock) -> None:
        """``revalidate`` takes a timedelta."""
        add_page(site, datetime.timedelta(minutes=1))
        look(site)
        clock.advance(60)
        assert look(site) == ("HIT", "1")
        clock.advance(1)
        assert look(site) == ("STALE", "1")

    def test_expired_is_rendered_before_it_is_served(
        self, site: Site, clock: Clock
    ) -> None:
        """Between ``revalidate`` and ``expire`` a page is served stale; beyond, the
        visitor waits for the new one."""
        add_page(site, 10, expire=20)
        look(site)
        clock.advance(15)
        assert look(site) == ("STALE", "1")
        clock.advance(21)
        assert look(site) == ("MISS", "3")

    def test_expire_alone(self, site: Site, clock: Clock) -> None:
        """``expire`` without ``revalidate``: fresh until it is not served at all."""
        add_page(site, expire=20)
        look(site)
        clock.advance(20)
        assert look(site) == ("HIT", "1")
        clock.advance(1)
        assert look(site) == ("MISS", "2")

    @pytest.mark.promise(1)
    def test_without_expire_any_age_is_served(self, site: Site, clock: Clock) -> None:
        """A stale page is served however old, while it is renewed."""
        add_page(site, 10)
        look(site)
        clock.advance(10_000_000)

        assert look(site) == ("STALE", "1")
        assert look(site) == ("HIT", "2")


class TestCacheLife:
    """``cache_life`` lowers what the decorator says, and never raises it."""

    def test_the_lowest_wins(self, site: Site, clock: Clock) -> None:
        """Of several calls and the decorator the lowest limit counts."""

        def life() -> None:
            cache_life(revalidate=30)
            cache_life(revalidate=5)
            cache_life(revalidate=3600, expire=50)

        add_page(site, 60, life=life)
        look(site)
        clock.advance(6)
        assert look(site) == ("STALE", "1")
        clock.advance(51)
        assert look(site) == ("MISS", "3")

    def test_it_cannot_raise_a_limit(self, site: Site, clock: Clock) -> None:
        """A longer time than the decorator's changes nothing."""
        add_page(site, 5, life=lambda: cache_life(revalidate=3600))
        look(site)
        clock.advance(6)

        assert look(site) == ("STALE", "1")

    def test_it_limits_a_page_without_time(self, site: Site, clock: Clock) -> None:
        """A page that never gets old gets a limit from inside."""
        add_page(site, life=lambda: cache_life(revalidate=5))
        look(site)
        clock.advance(6)

        assert look(site) == ("STALE", "1")

    def test_until_makes_it_stale_at_that_moment(
        self, site: Site, clock: Clock
    ) -> None:
        """``until`` in an hour: good for an hour, stale afterwards."""
        in_an_hour = now(clock) + datetime.timedelta(hours=1)
        add_page(site, life=lambda: cache_life(until=in_an_hour))
        look(site)
        clock.advance(3590)
        assert look(site) == ("HIT", "1")
        clock.advance(11)
        assert look(site) == ("STALE", "1")

    def test_a_moment_long_past_is_no_limit(self, site: Site, clock: Clock) -> None:
        """What was published before the render began is in the page."""
        yesterday = now(clock) - datetime.timedelta(days=1)
        add_page(site, life=lambda: cache_life(until=yesterday))
        look(site)
        clock.advance(86_400)

        assert look(site) == ("HIT", "1")

    def test_a_moment_during_the_render_is_not_lost(
        self, site: Site, clock: Clock
    ) -> None:
        """A moment that passed while the page was rendered makes it stale: its data may
        be from before."""

        def publish() -> None:
            clock.advance(1)
            cache_life(until=now(clock))

        add_page(site, life=publish)
        look(site)
        clock.advance(1)

        assert look(site)[0] == "STALE"

    def test_any_time_zone(self, site: Site, clock: Clock) -> None:
        """``until`` is a moment, whatever zone it is written in."""
        zone = datetime.timezone(datetime.timedelta(hours=9))
        in_an_hour = (now(clock) + datetime.timedelta(hours=1)).astimezone(zone)
        add_page(site, life=lambda: cache_life(until=in_an_hour))
        look(site)
        clock.advance(3590)
        assert look(site) == ("HIT", "1")


class TestGone:
    """A 404, 410 or 451 of the view replaces the page, for a short time."""

    @pytest.mark.parametrize("status", [404, 410, 451])
    def test_it_is_stored_for_a_minute(
        self, site: Site, clock: Clock, status: int
    ) -> None:
        """A deliberate error is served from the store for 60 seconds, not longer."""
        count = itertools.count(1)

        @site.app.get("/page")
        @static_page()
        def page() -> Response:
            return Response(f"gone {next(count)}", status)

        assert look(site) == ("MISS", "gone 1")
        clock.advance(60)
        assert look(site) == ("HIT", "gone 1")
        clock.advance(1)
        assert look(site) == ("MISS", "gone 2")
        assert site.get("/page").status_code == status

    def test_a_page_may_say_less(self, site: Site, clock: Clock) -> None:
        """``cache_life`` shortens the time of an error as well."""

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            cache_life(revalidate=5)
            abort(404)

        look(site)
        clock.advance(6)

        assert site.get("/page").headers["X-ISR-Cache"] == "STALE"

    def test_unpublished_content_disappears(self, site: Site) -> None:
        """A page whose view now answers 404 is gone, not kept as the last good one."""
        there = [True]

        @site.app.errorhandler(404)
        def not_found(error: Exception) -> tuple[str, int]:
            return "nothing here", 404

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            if not there[0]:
                abort(404)
            return "published"

        look(site)
        there[0] = False
        with site.app.app_context():
            revalidate_path("/page")

        answer = site.get("/page")
        assert (answer.status_code, answer.text) == (404, "nothing here")
        again = site.get("/page")
        assert (cache_state(again), again.text) == ("HIT", "nothing here")

    @pytest.mark.parametrize("status", [404, 410])
    def test_a_whole_answer_that_abort_is_given_is_the_views(
        self, site: Site, status: int
    ) -> None:
        """``abort(response)`` is how an API says 404 in JSON: it is no less on purpose."""
        there = [True]

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            if not there[0]:
                abort(make_response({"error": "no such post"}, status))
            return "published"

        look(site)
        there[0] = False
        with site.app.app_context():
            revalidate_path("/page")
        site.settle()

        answer = site.get("/page")
        assert (answer.status_code, cache_state(answer)) == (status, "HIT")
        assert answer.json == {"error": "no such post"}

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_an_exception_that_means_404_is_one(
        self, make_site: MakeSite, clock: Clock, serve: str
    ) -> None:
        """Where an error handler of the application says so, as for a row that a database
        does not have; also of a page that is stale, which visitors see meanwhile."""
        site = make_site(ISR_SERVE=serve)
        posts = {"hello": "Hello!"}

        @site.app.errorhandler(KeyError)
        def no_such_row(error: Exception) -> tuple[str, int]:
            return "no such row", 404

        @site.app.get("/<name>")
        @static_page(60)
        def page(name: str) -> str:
            return posts[name]

        seen = [site.get("/hello")]
        posts.clear()
        clock.advance(61)
        seen.append(site.get("/hello"))
        site.settle()
        seen += [site.get("/hello"), site.get("/new"), site.get("/new")]

        assert [(answer.status_code, cache_state(answer)) for answer in seen] == [
            (200, "MISS"),
            (200, "STALE"),
            (404, "HIT"),
            (404, "MISS"),
            (404, "HIT"),
        ]

    def test_a_404_of_the_router_is_not_stored(self, site: Site) -> None:
        """A path without a view is Flask's 404, and no business of the extension."""
        add_page(site)

        for _ in range(2):
            answer = site.get("/nothing")
            assert (answer.status_code, cache_state(answer)) == (404, None)


def now(clock: Clock) -> datetime.datetime:
    """The moment that the clock shows."""
    return datetime.datetime.fromtimestamp(clock(), datetime.UTC)
