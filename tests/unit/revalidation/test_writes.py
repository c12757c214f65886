"""The page that a request with an unsafe method expires: RFC 9111, section 4.4."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import redirect
from flask import request
from flask import stream_with_context
from werkzeug import Response as WerkzeugResponse
from werkzeug.test import create_environ
from werkzeug.test import run_wsgi_app

from flask_isr import ISR
from flask_isr import static_page
from flask_isr.errors import StoreUnavailable
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state
from tests.support.items import add_pages
from tests.support.items import send
from tests.support.items import stocked
from tests.support.items import texts


@pytest.fixture
def shop(make_site: MakeSite) -> Site:
    """A site with stored pages."""
    return stocked(make_site)


class TestOwnPage:
    """A page gives way when something was written at its URL."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("status", [200, 201, 303])
    def test_all_its_variants_and_no_other(
        self, shop: Site, method: str, status: int
    ) -> None:
        """Success, of whatever kind, is seen on the next load."""
        send(shop, f"/items/1?status={status}", method)

        shown = texts(shop, "/items/1", "/items/1?page=2", "/items/2")
        assert shown == ["new", "new", "old"]

    @pytest.mark.parametrize("status", [200, 204, 303])
    def test_it_gives_way_before_the_answer_goes_out(
        self, shop: Site, status: int
    ) -> None:
        """Who sees that he succeeded, and loads the page at once, gets the new one."""
        environ = create_environ(f"/items/1?status={status}", method="DELETE")
        body = shop.app.wsgi_app(environ, lambda *args: lambda data: None)

        assert texts(shop, "/items/1") == ["new"]
        t.cast(t.Any, body).close()

    def test_another_spelling_is_the_same_page(self, shop: Site) -> None:
        """The page is found by the router, not by the letters of the URL."""
        send(shop, "/items/001")

        assert texts(shop, "/items/1") == ["new"]

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 500])
    def test_an_error_changes_nothing(self, shop: Site, status: int) -> None:
        """What did not succeed cannot be used to have pages rendered."""
        send(shop, f"/items/1?status={status}")

        assert cache_state(shop.get("/items/1")) == "HIT"
        assert texts(shop, "/items/1") == ["old"]

    @pytest.mark.parametrize(
        "method", ["OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"]
    )
    def test_safe_methods_change_nothing(self, site: Site, method: str) -> None:
        """They ask for something, and leave the page."""
        add_pages(site)
        site.app.add_url_rule(
            "/items/<int:number>", "ask", lambda number: "", methods=[method]
        )
        site.get("/items/1")
        order = site.state.store.current_version()
        assert send(site, "/items/1", method).status_code == 200

        assert order == site.state.store.current_version()

    def test_it_can_be_turned_off(self, make_site: MakeSite) -> None:
        """``ISR_EXPIRE_ON_WRITE=False`` leaves it to the application."""
        site = make_site(ISR_EXPIRE_ON_WRITE=False)
        add_pages(site)
        site.get("/items/1")
        send(site, "/items/1")

        assert texts(site, "/items/1") == ["old"]

    def test_it_can_be_turned_off_for_one_rule(self, site: Site) -> None:
        """A form that is sent with mistakes, and shown again with 200, changes nothing."""
        renders = itertools.count(1)

        def show() -> str:
            return f"render {next(renders)}"

        for path, more in (("/form", False), ("/other", True)):
            view = static_page(expire_on_write=more)(show)
            site.app.add_url_rule(path, path, view)
            site.app.add_url_rule(path, f"{path} sent", lambda: "", methods=["POST"])
        before = [site.get(path).text for path in ("/form", "/other")]
        for path in ("/form", "/other"):
            send(site, path)
        after = [site.get(path).text for path in ("/form", "/other")]
        assert after[0] == before[0]
        assert after[1] != before[1]

    @pytest.mark.parametrize("method", ["get", "Get", "hEAD"])
    def test_a_safe_method_in_small_letters_is_one(
        self, shop: Site, method: str
    ) -> None:
        """Some servers pass it on, and Flask takes it for a visit: strangers must not
        expire pages by it."""
        environ = create_environ("/items/1")
        environ["REQUEST_METHOD"] = method
        order = shop.state.store.current_version()
        _, status, _ = run_wsgi_app(shop.app.wsgi_app, environ)

        assert status == "200 OK"
        assert order == shop.state.store.current_version()

    def test_what_no_view_answers_changes_nothing(self, site: Site) -> None:
        """A hook that sends everybody elsewhere, such as to HTTPS, writes nothing."""

        renders = itertools.count(1)

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            return f"render {next(renders)}"

        @site.app.before_request
        @site.isr.skip_on_hit
        def move() -> WerkzeugResponse | None:
            return redirect("/elsewhere") if request.method == "POST" else None

        site.get("/page")
        assert send(site, "/page").status_code == 302
        site.settle()
        assert site.get("/page").text == "render 1"

    @pytest.mark.parametrize("serve", ["auto", "wsgi"])
    @pytest.mark.parametrize("way", ["in-place", "in-a-copy", "buffered"])
    def test_a_post_that_middleware_makes_a_get_of_changes_nothing(
        self, tmp_path: Path, serve: str, way: str
    ) -> None:
        """Strangers must not expire pages by a header that overrides the method. Such a
        request is answered by the view, as caches pass on whatever is sent as a write."""
        runs = itertools.count(1)
        app = Flask("overridden", instance_path=str(tmp_path))
        app.config["ISR_SERVE"] = serve
        inner = app.wsgi_app

        def override(environ: t.Any, start_response: t.Any) -> t.Any:
            method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE")
            if method is not None:
                environ = environ if way == "in-place" else dict(environ)
                environ["REQUEST_METHOD"] = method
            if way != "buffered":
                return inner(environ, start_response)
            answer = Response.from_app(inner, environ, buffered=True)
            return answer(environ, start_response)

        app.wsgi_app = override  # type: ignore[method-assign]
        ISR(app)

        @app.get("/")
        @static_page()
        def page() -> str:
            return f"run {next(runs)}"

        @app.route("/", methods=["POST", "DELETE"])
        def change() -> str:
            return request.method

        client = app.test_client()
        stored, posted = [], []
        for method in ("GET", "GET", "DELETE"):
            stored.append(client.get("/").text)
            answer = client.post("/", headers={"X-HTTP-Method-Override": method})
            posted.append(answer.text)
        assert stored == ["run 1"] * 3
        assert posted == ["run 2", "run 3", "DELETE"]
        assert client.get("/").text == "run 4"

    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    @pytest.mark.parametrize("way", ["in-place", "in-a-copy"])
    def test_a_view_that_writes_and_shows_the_page(
        self, make_site: MakeSite, serve: str, way: str
    ) -> None:
        """What it asks for in the same environ makes no read of its own request, and its
        answer is its own."""
        data = ["old"]
        site = make_site(ISR_SERVE=serve)
        app = site.app

        @app.get("/")
        @static_page()
        def page() -> str:
            return data[0]

        @app.post("/")
        def change() -> Response:
            data[0] = "new"
            environ = request.environ if way == "in-place" else dict(request.environ)
            environ["REQUEST_METHOD"] = "GET"
            with app.request_context(environ):
                shown = app.full_dispatch_request()
            return Response(f"changed to {shown.get_data(as_text=True)}")

        assert texts(site, "/") == ["old"]
        assert send(site, "/").text == "changed to new"
        assert texts(site, "/") == ["new"]

    def test_what_is_committed_in_a_teardown_is_seen(self, site: Site) -> None:
        """It takes effect when Flask has finished with the request."""
        data = ["old"]

        @site.app.get("/")
        @static_page()
        def page() -> str:
            return data[0]

        @site.app.post("/")
        def change() -> str:
            return "done"

        @site.app.teardown_request
        def commit(error: BaseException | None) -> None:
            if request.method == "POST":
                # A visitor in between gets, and stores, what is not committed yet.
                assert site.get("/").text == "old"
                data[0] = "new"

        site.get("/")
        send(site, "/")

        assert texts(site, "/") == ["new"]

    def test_what_a_streamed_answer_writes_is_seen(self, site: Site) -> None:
        """An answer that is still made while it is sent counts at its end."""
        data = ["old"]

        @site.app.get("/")
        @static_page()
        def page() -> str:
            return data[0]

        @site.app.post("/")
        def change() -> Response:
            def pieces() -> t.Iterator[str]:
                yield "working"
                data[0] = "new"

            return Response(stream_with_context(pieces()))

        site.get("/")
        send(site, "/")

        assert texts(site, "/") == ["new"]

    def test_a_store_that_is_down_is_no_error_of_the_request(
        self, shop: Site, monkeypatch: pytest.MonkeyPatch, caplog: t.Any
    ) -> None:
        """The visitor has his answer; the log says what was not recorded, and that it is
        tried again."""

        def fail(**kwargs: t.Any) -> t.NoReturn:
            raise StoreUnavailable("record it", "disk full")

        with monkeypatch.context() as patch:
            patch.setattr(shop.state.store, "invalidate", fail)
            assert send(shop, "/items/1").status_code == 200

        assert "the invalidation of /items/1 could not be recorded" in caplog.text


def test_a_page_that_is_posted_to_is_served_at_full_speed(site: Site) -> None:
    """GET and POST in one view: the page is static, and a post renews it."""
    runs = itertools.count(1)

    @site.app.route("/", methods=["GET", "POST"])
    @static_page()
    def page() -> str:
        return "posted" if request.method == "POST" else str(next(runs))

    shown = [texts(site, "/", "/"), [send(site, "/").text], texts(site, "/", "/")]

    assert shown == [["1", "1"], ["posted"], ["2", "2"]]
