"""`require_secret`, for views of the application's own; and CSRF protection beside it."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask
from flask import Response
from flask import request
from flask_wtf import CSRFProtect

from flask_isr import ISR
from flask_isr import revalidate_path
from tests.support import SECRET
from tests.support import Site
from tests.support.shop import BEARER
from tests.support.shop import Plug
from tests.support.shop import Shop
from tests.support.shop import is_no_store


def handle() -> dict[str, str]:
    """What a CMS's webhook asks for: its JSON says what was published."""
    slug = request.get_json()["entry"]["slug"]
    revalidate_path(f"/blog/{slug}")
    return {"renewed": slug}


def plain(shop: Shop) -> t.Callable[..., t.Any]:
    """An ordinary webhook view."""

    @shop.site.isr.require_secret
    def webhook() -> dict[str, str]:
        return handle()

    return webhook


def asynchronous(shop: Shop) -> t.Callable[..., t.Any]:
    """The same as a coroutine."""

    @shop.site.isr.require_secret
    async def webhook() -> dict[str, str]:
        return handle()

    return webhook


@pytest.fixture(params=[plain, asynchronous])
def hooked(request: pytest.FixtureRequest, shop: Shop) -> Shop:
    """A shop with a guarded webhook."""
    view = request.param(shop)
    shop.site.app.add_url_rule("/hook", view_func=view, methods=["GET", "POST"])
    return shop


ENTRY = {"entry": {"slug": "hello"}}


def test_a_sender_with_the_secret_reaches_the_view(hooked: Shop) -> None:
    """It reads the CMS's own JSON and revalidates; the answer is never kept."""
    hooked.warm("/blog/hello", "/blog/other")
    hooked.text = "new"
    answer = hooked.post("/hook", json=ENTRY, headers=BEARER)
    assert (answer.status_code, answer.json) == (200, {"renewed": "hello"})
    assert is_no_store(answer)
    assert hooked.see("/blog/hello")[0] == "new"
    assert hooked.see("/blog/other") == ("old", "HIT")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"headers": {"Authorization": "Bearer wrong"}},
        {"headers": {"X-Revalidate-Secret": ""}},
        {"query_string": {"secret": "é"}},
    ],
    ids=str,
)
def test_a_sender_without_it_does_not(hooked: Shop, more: dict[str, t.Any]) -> None:
    """401 as from the route, and the view never runs."""
    hooked.warm("/blog/hello")
    answer = hooked.post("/hook", json=ENTRY, **more)
    assert (answer.status_code, answer.json) == (401, {"message": "Invalid token"})
    assert is_no_store(answer)
    assert hooked.see("/blog/hello") == ("old", "HIT")


@pytest.mark.parametrize("body", ["[" * 100_000, "{", "null", b"\xff"])
def test_a_stranger_cannot_make_it_fail(hooked: Shop, body: str | bytes) -> None:
    """Whatever stands where the secret might: 401."""
    answer = hooked.post("/hook", data=body, content_type="application/json")
    assert answer.status_code == 401


def test_an_invalidation_that_was_not_recorded_is_503(hooked: Shop, plug: Plug) -> None:
    """StoreUnavailable out of the view tells the CMS to try again."""
    hooked.warm("/blog/hello")
    plug.pull()
    answer = hooked.post("/hook", json=ENTRY, headers=BEARER)
    plug.push()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert is_no_store(answer)


def test_other_errors_of_the_view_are_its_own(hooked: Shop) -> None:
    """A body without the slug is the view's KeyError, for the application's handlers."""

    @hooked.site.app.errorhandler(KeyError)
    def handle_key_error(error: KeyError) -> tuple[str, int]:
        return f"no {error.args[0]}", 422

    answer = hooked.post("/hook", json={}, headers=BEARER)
    assert (answer.status_code, answer.text) == (422, "no entry")


def test_whatever_a_view_may_return_is_kept(shop: Shop) -> None:
    """Tuples with status and headers, and responses, are as without the guard."""

    def guard(result: t.Any) -> t.Callable[[], t.Any]:
        return shop.site.isr.require_secret(lambda: result)

    results = [("made", 201, {"X-A": "b"}), Response("made", 201, {"X-A": "b"})]
    for number, result in enumerate(results):
        shop.site.app.add_url_rule(f"/{number}", f"g{number}", guard(result))
    for number in range(len(results)):
        answer = shop.site.get(f"/{number}", headers=BEARER)
        assert (answer.status_code, answer.text) == (201, "made")
        assert answer.headers["X-A"] == "b"
        assert is_no_store(answer)


def test_a_guarded_view_keeps_its_name(shop: Shop) -> None:
    """Flask derives the endpoint from it."""

    @shop.site.isr.require_secret
    def publish() -> str:
        """Publish."""
        return "done"

    assert publish.__name__ == "publish"
    assert publish.__doc__ == "Publish."


class ProtectedSite(Site):
    """A site with CSRFProtect, which was initialised before or after the extension."""

    def __init__(self, shop: Site, order: str) -> None:
        self.clock = shop.clock
        self.app = Flask("protected", instance_path=shop.app.instance_path)
        self.app.config.update(ISR_SECRET=SECRET, SECRET_KEY="for the CSRF tokens")
        if order == "before":
            CSRFProtect(self.app)
        self.isr = ISR(self.app, clock=shop.clock)
        self.app.register_blueprint(self.isr.blueprint, url_prefix="/api")
        if order == "after":
            CSRFProtect(self.app)


class TestBesideCSRFProtect:
    """Flask-WTF demands a token for each POST, which no CMS has."""

    @pytest.fixture(params=["before", "after"])
    def protected(self, request: pytest.FixtureRequest, site: Site) -> t.Iterator[Shop]:
        """A protected shop with a guarded webhook and an ordinary form."""
        protected = ProtectedSite(site, request.param)
        shop = Shop(protected)

        @protected.app.post("/hook")
        @protected.isr.require_secret
        def hook() -> dict[str, str]:
            return handle()

        @protected.app.post("/form")
        def form() -> str:
            return "sent"

        yield shop
        protected.close()

    def test_the_route_needs_no_token(self, protected: Shop) -> None:
        """Not even as the very first request, with a form or with JSON."""
        answer = protected.post("/api/revalidate", json={"path": "/"}, headers=BEARER)
        assert answer.status_code == 200
        answer = protected.post("/api/revalidate", data={"path": "/"}, headers=BEARER)
        assert answer.status_code == 200
        assert protected.post("/api/revalidate", json={"path": "/"}).status_code == 401

    def test_a_guarded_view_needs_none(self, protected: Shop) -> None:
        """The secret is what it is protected by."""
        assert protected.post("/hook", json=ENTRY, headers=BEARER).status_code == 200
        assert protected.post("/hook", json=ENTRY).status_code == 401

    def test_all_other_views_do(self, protected: Shop) -> None:
        """The exemption goes no further."""
        protected.post("/api/revalidate", json={"path": "/"}, headers=BEARER)
        assert protected.post("/form").status_code == 400
