"""``flask_isr.testing``: static pages in the tests of an application."""

from __future__ import annotations

import datetime
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import session

from flask_isr import ISR
from flask_isr import cache_life
from flask_isr import revalidate_path
from flask_isr import static_page
from flask_isr.testing import ISRTester
from tests.support import SECRET
from tests.support import Clock


def make_app(folder: Path, **config: t.Any) -> Flask:
    """An application as its author's tests make it."""
    app = Flask("shop", instance_path=str(folder))
    app.config.update(
        {"TESTING": True, "SECRET_KEY": "k", "ISR_SECRET": SECRET, **config}
    )
    isr = ISR(app)
    app.register_blueprint(isr.blueprint, url_prefix="/api")
    app.prices = {1: 20}  # type: ignore[attr-defined]

    @app.get("/products/<int:number>")
    @static_page(60, expire=600)
    def product(number: int) -> str:
        return f"It costs {app.prices[number]}."  # type: ignore[attr-defined]

    @app.post("/products/<int:number>/price/<int:price>")
    def edit(number: int, price: int) -> str:
        app.prices[number] = price  # type: ignore[attr-defined]
        revalidate_path(f"/products/{number}")
        return "Saved."

    @app.get("/me")
    @static_page()
    def me() -> Response:
        session["seen"] = True
        return Response("you")

    @app.get("/draft")
    def draft() -> Response:
        answer = Response("Drafts are shown.")
        isr.draft.enable(answer, lifetime=60)
        return answer

    @app.get("/link")
    def link() -> str:
        token = isr.token(paths=["/products/1"], lifetime=60)
        return f"/api/revalidate?path=/products/1&token={token}"

    @app.get("/dynamic")
    def dynamic() -> str:
        return "hello"

    return app


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """The application."""
    return make_app(tmp_path)


@pytest.fixture
def isr(app: Flask) -> t.Iterator[ISRTester]:
    """The extension, switched on."""
    with ISRTester(app) as tester:
        yield tester


class TestLife:
    """The life of a page, by a clock that the test sets."""

    def test_from_miss_to_hit_to_stale(self, app: Flask, isr: ISRTester) -> None:
        """What is renewed behind a visitor is there for the next one."""
        client = app.test_client()
        isr.assert_miss(client.get("/products/1"))
        isr.assert_hit(client.get("/products/1"))
        isr.clock.advance(61)
        isr.assert_stale(client.get("/products/1"))
        isr.assert_hit(client.get("/products/1"))
        isr.clock.advance(601)
        isr.assert_miss(client.get("/products/1"))
        assert isr.renders == ["/products/1"] * 3

    def test_an_edit_shows_at_the_next_load(self, app: Flask, isr: ISRTester) -> None:
        """The invalidation is told once, and its page rendered."""
        client = app.test_client()
        client.get("/products/1")
        client.post("/products/1/price/25")
        answer = client.get("/products/1")

        isr.assert_hit(answer)
        assert answer.text == "It costs 25."
        assert isr.revalidated == ["/products/1"]

    def test_a_personal_page_is_a_bypass(self, app: Flask, isr: ISRTester) -> None:
        """As in production."""
        isr.assert_bypass(app.test_client().get("/me"))

    def test_a_failing_render_keeps_the_page(self, app: Flask, isr: ISRTester) -> None:
        """Errors are counted, and the last good page is served."""
        client = app.test_client()
        client.get("/products/1")
        del app.prices[1]  # type: ignore[attr-defined]
        isr.clock.advance(61)
        for _ in range(2):
            isr.assert_stale(client.get("/products/1"))
        assert isr.failures == ["/products/1"]

    def test_a_moment_comes_by_its_clock(self, tmp_path: Path) -> None:
        """``cache_life(until=…)``: for each render there is as much less time left."""
        app = Flask("app", instance_path=str(tmp_path))
        ISR(app)
        with ISRTester(app) as isr:
            moment = datetime.datetime.fromtimestamp(isr.clock() + 100, datetime.UTC)

            @app.get("/")
            @static_page(60)
            def page() -> str:
                cache_life(until=moment)
                return "page"

            client = app.test_client()
            isr.assert_miss(client.get("/"))
            isr.clock.advance(61)
            isr.assert_stale(client.get("/"))
            isr.clock.advance(38)
            isr.assert_hit(client.get("/"))
            isr.clock.advance(2)
            isr.assert_stale(client.get("/"))

    def test_renders_run_on_another_thread(self, tmp_path: Path) -> None:
        """So that they do not share the database session of a request."""
        app = Flask("app", instance_path=str(tmp_path))
        ISR(app)
        threads = []

        @app.get("/")
        @static_page(60, serve="view")
        def page() -> str:
            threads.append(threading.current_thread())
            return "page"

        with ISRTester(app) as isr:
            isr.assert_miss(app.test_client().get("/"))
        assert threads != [threading.current_thread()]
        assert len(threads) == 1


class TestApart:
    """Tests do not influence each other, nor what comes after."""

    def test_each_begins_with_no_page(self, app: Flask) -> None:
        """One application, several tests."""
        for price in (1, 2):
            app.prices[1] = price  # type: ignore[attr-defined]
            with ISRTester(app) as isr:
                answer = app.test_client().get("/products/1")
                isr.assert_miss(answer)
                assert answer.text == f"It costs {price}."

    def test_the_application_is_as_it_was(self, app: Flask) -> None:
        """Outside of the block the extension is off, as in tests it is; whatever happened
        inside."""
        before = app.extensions["isr"]

        def fail() -> None:
            with ISRTester(app) as isr:
                isr.assert_miss(app.test_client().get("/products/1"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert app.extensions["isr"] is before
        for _ in range(2):
            assert app.test_client().get("/products/1").headers["X-ISR-Cache"] == "MISS"

    def test_it_hears_of_nothing_that_comes_later(self, app: Flask) -> None:
        """What it noted is of its own test."""
        with ISRTester(app) as first:
            pass
        with ISRTester(app):
            app.test_client().get("/products/1")
        assert first.renders == []

    def test_nothing_is_written(self, app: Flask, tmp_path: Path) -> None:
        """No file, no folder."""
        with ISRTester(app):
            app.test_client().get("/products/1")
        assert list(tmp_path.iterdir()) == []

    def test_what_wraps_the_application_stays(self, app: Flask) -> None:
        """Middleware outside of the extension is passed as always."""
        seen = []
        front = app.wsgi_app

        def outside(environ: t.Any, start_response: t.Any) -> t.Any:
            seen.append(environ["PATH_INFO"])
            return front(environ, start_response)

        app.wsgi_app = outside  # type: ignore[method-assign]
        with ISRTester(app) as isr:
            app.test_client().get("/products/1")
            isr.assert_hit(app.test_client().get("/products/1"))
        assert seen == ["/products/1"] * 2

    @pytest.mark.parametrize(
        "config",
        [
            {"ISR_ENABLED": False},
            {"ISR_CACHE": {"CACHE_TYPE": "SimpleCache"}, "ISR_SIGN": True},
        ],
        ids=["off", "a-backend"],
    )
    def test_settings_of_the_store_do_not_matter(
        self, tmp_path: Path, config: dict[str, t.Any]
    ) -> None:
        """Pages are kept in memory whatever production has."""
        app = make_app(tmp_path, **config)
        with ISRTester(app) as isr:
            isr.assert_miss(app.test_client().get("/products/1"))
            isr.assert_hit(app.test_client().get("/products/1"))


class TestMessages:
    """Whoever made a mistake reads what it was."""

    def test_another_state_than_expected(self, app: Flask, isr: ISRTester) -> None:
        """Both states, what they mean, and what the answer said."""
        answer = app.test_client().get("/products/1")
        with pytest.raises(AssertionError) as caught:
            isr.assert_hit(answer)

        assert str(caught.value) == (
            "GET /products/1 is MISS (it was rendered for this visitor, and stored), and"
            " not HIT (it came from the store, and is fresh). Status: 200 OK;"
            " Cache-Status: Flask-ISR; fwd=uri-miss; stored."
        )

    def test_no_static_page(self, app: Flask, isr: ISRTester) -> None:
        """A view without the decorator has no state."""
        with pytest.raises(AssertionError, match="/dynamic is no static page"):
            isr.assert_hit(app.test_client().get("/dynamic"))

    def test_no_extension(self) -> None:
        """The application must have it."""
        with pytest.raises(RuntimeError, match="'bare' has no Flask-ISR"):
            ISRTester(Flask("bare"))

    def test_two_at_once(self, app: Flask, isr: ISRTester) -> None:
        """One application cannot be in two tests."""
        with (
            pytest.raises(RuntimeError, match="in an ISRTester already"),
            ISRTester(app),
        ):
            pass

    def test_two_made_before_either_is_entered(self, app: Flask) -> None:
        """Nor by way of testers that were there before, or of one entered twice; the
        first goes on."""
        first, second = ISRTester(app), ISRTester(app)
        with first:
            app.test_client().get("/products/1")
            for other in (first, second):
                with (
                    pytest.raises(RuntimeError, match="in an ISRTester already"),
                    other,
                ):
                    pass
            first.assert_hit(app.test_client().get("/products/1"))


def test_an_application_of_its_own_for_each_test_is_no_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As factories make them: under one name, and with one folder that is not used."""
    for app in (make_app(tmp_path), make_app(tmp_path)):
        with ISRTester(app):
            app.test_client().get("/products/1")
    assert not caplog.messages


class TestClock:
    """All that ends by time ends by the clock of the tester."""

    def test_draft_mode_ends(self, app: Flask, isr: ISRTester) -> None:
        """The cookie is in the client all the same, as in a browser whose clock is late."""
        client = app.test_client()
        client.get("/draft")
        isr.clock.advance(59)
        isr.assert_bypass(client.get("/products/1"))
        isr.clock.advance(1)
        isr.assert_miss(client.get("/products/1"))

    def test_a_token_ends(self, app: Flask, isr: ISRTester) -> None:
        """One that was made before the tester was entered, too."""
        client = app.test_client()
        link = client.get("/link").text
        assert client.get(link).status_code == 200
        isr.clock.advance(62)
        assert client.get(link).status_code == 401


@pytest.mark.slow
def test_it_needs_no_pytest() -> None:
    """``unittest`` will do: pytest is imported with the fixtures alone."""
    code = "import sys, flask_isr.testing; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_clock_is_the_products_own() -> None:
    """The clock of these tests is the one that authors get."""
    assert Clock.__module__ == "flask_isr.testing.clock"
