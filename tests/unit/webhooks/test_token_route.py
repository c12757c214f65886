"""What the revalidate route lets the bearer of a token do."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr import revalidate_path
from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support.shop import Shop
from tests.support.shop import check_refused
from tests.support.shop import is_no_store

from .conftest import Make
from .conftest import Send

PAGE, OTHER = "/products/1", "/products/2"
NEXT_SECRET = "the secret that replaces it one day"


@pytest.mark.parametrize(
    "where",
    [
        lambda token: {"query_string": {"path": PAGE, "token": token}},
        lambda token: {"data": {"path": PAGE, "token": token}},
        lambda token: {"json": {"path": PAGE, "token": token}},
        lambda token: {"query_string": {"token": token}, "json": {"path": PAGE}},
    ],
    ids=["query", "form", "json", "query beside json"],
)
def test_a_token_stands_in_for_the_secret(
    shop: Shop, make: Make, where: t.Callable[[str], dict[str, t.Any]]
) -> None:
    """In the query, a form or JSON; the page is renewed as by the secret."""
    shop.warm(PAGE)
    shop.text = "new"
    answer = shop.post("/api/revalidate", **where(make(paths=[PAGE])))
    assert answer.status_code == 200
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("new", "HIT")


def test_a_link_with_a_token_is_all_that_it_takes(shop: Shop, make: Make) -> None:
    """GET, as by a click."""
    shop.warm(PAGE)
    shop.text = "new"
    token = make(paths=[PAGE])
    assert (
        shop.site.get(f"/api/revalidate?token={token}&path={PAGE}").status_code == 200
    )
    assert shop.see(PAGE) == ("new", "HIT")


@pytest.mark.parametrize(
    "query",
    [
        {"path": [PAGE, "/blog/é"], "tag": ["blog"]},
        {"path": PAGE},
        {"tag": "blog"},
        {"path": "/products/%31"},
        {"path": "/products/001"},
        {"path": "/blog/%C3%A9"},
        {"path": PAGE, "mode": "stale"},
    ],
    ids=str,
)
def test_it_is_good_for_its_targets_and_each_of_them(
    shop: Shop, make: Make, send: Send, query: dict[str, t.Any]
) -> None:
    """All or some, however a path is spelled, in each mode."""
    token = make(paths=[PAGE, "/blog/é"], tags=["blog"])
    assert send(token=token, **query).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"path": OTHER},
        {"path": [PAGE, OTHER]},
        {"path": PAGE, "tag": "products"},
        {"tag": "product:1"},
        {"path": "/"},
        {"path": "/list"},
        {"path": "/list?page=3"},
        {"path": "/products", "match": "prefix"},
        {"path": PAGE, "match": "prefix"},
        {"path": "/products/<int:product_id>", "match": "rule"},
        {"path": "/nowhere"},
        {"path": "no path"},
        {"path": PAGE, "match": "all"},
        {"tag": ""},
    ],
    ids=str,
)
def test_it_is_good_for_nothing_else(
    shop: Shop, make: Make, send: Send, query: dict[str, t.Any]
) -> None:
    """401, without a word about what exists or is well formed."""
    shop.warm(PAGE)
    shop.text = "new"
    token = make(paths=[PAGE, "/list?page=2"], tags=["blog"])
    check_refused(shop, send(token=token, **query))


@pytest.mark.parametrize(
    ("query", "said"),
    [({}, "Path is required"), ({"path": PAGE, "mode": "now"}, "mode is 'now'")],
)
def test_the_bearer_is_told_what_is_wrong_with_his_call(
    shop: Shop, make: Make, send: Send, query: dict[str, str], said: str
) -> None:
    """Where it is not the targets: 400, as for who has the secret."""
    answer = send(token=make(paths=[PAGE]), **query)
    assert answer.status_code == 400
    assert said in answer.text


def test_it_expires(shop: Shop, make: Make, send: Send) -> None:
    """To the second, and not before."""
    token = make(paths=[PAGE], lifetime=60)
    shop.site.clock.advance(60)
    assert send(token=token, path=PAGE).status_code == 200
    shop.warm(PAGE)
    shop.site.clock.advance(1)
    check_refused(shop, send(token=token, path=PAGE))


def test_a_clock_a_few_seconds_ahead_is_tolerated(
    shop: Shop, make: Make, send: Send
) -> None:
    """The maker's may be ahead of the route's; not by a minute."""
    token = make(paths=[PAGE])
    shop.site.clock.advance(-5)
    assert send(token=token, path=PAGE).status_code == 200
    shop.warm(PAGE)
    shop.site.clock.advance(-55)
    check_refused(shop, send(token=token, path=PAGE))


def test_an_altered_token_is_refused(shop: Shop, make: Make, send: Send) -> None:
    """Whichever part of it: targets, time or signature."""
    shop.warm(PAGE)
    token = make(paths=[PAGE])
    targets, made_at, signature = token.split(".")
    other, later, _ = make(paths=[OTHER], lifetime=7200).split(".")
    for altered in (
        f"{other}.{made_at}.{signature}",
        f"{targets}.{made_at[::-1]}.{signature}",
        f"{targets}.{later}.{signature[::-1]}",
        f"{targets}.{made_at}",
        targets,
        token + "x",
        token[1:],
    ):
        check_refused(shop, send(token=altered, path=PAGE))
        check_refused(shop, send(token=altered, path=OTHER))


@pytest.mark.parametrize(
    "sent",
    ["", ".", "..", "é", "a\0b", "\ud800", SECRET, "x" * 100_000, 1, None, ["a"]],
)
def test_what_is_no_token_is_refused(shop: Shop, sent: t.Any) -> None:
    """401, never an error; the secret is none either."""
    shop.warm(PAGE)
    check_refused(
        shop, shop.post("/api/revalidate", json={"path": PAGE, "token": sent})
    )


def test_another_sites_token_is_refused(
    shop: Shop, make_site: MakeSite, send: Send
) -> None:
    """One that another secret signed."""
    other = Shop(make_site(ISR_SECRET=NEXT_SECRET))
    with other.site.app.app_context():
        token = other.site.isr.token(paths=[PAGE])
    shop.warm(PAGE)
    check_refused(shop, send(token=token, path=PAGE))


def test_it_stands_in_for_the_secret_nowhere_else(shop: Shop, make: Make) -> None:
    """Not in the places of the secret, and not before a guarded view."""
    calls: list[str] = []

    @shop.site.app.post("/webhook")
    @shop.site.isr.require_secret
    def webhook() -> str:
        calls.append(PAGE)
        revalidate_path(PAGE)
        return "done"

    token = make(paths=[PAGE])
    shop.warm(PAGE)
    bearer = {"Authorization": f"Bearer {token}"}
    check_refused(shop, shop.post(f"/api/revalidate?path={PAGE}", headers=bearer))
    check_refused(shop, shop.post(f"/api/revalidate?path={PAGE}&secret={token}"))
    for request in ({"headers": bearer}, {"query_string": {"token": token}}):
        check_refused(shop, shop.post("/webhook", **request))
    check_refused(shop, shop.post("/webhook", json={"token": token}))
    assert calls == []


def test_the_last_of_several_secrets_signs_and_all_are_accepted(
    shop: Shop, make: Make, make_site: MakeSite
) -> None:
    """While secrets change, links that were handed out stay good."""
    both = Shop(make_site(ISR_SECRET=[SECRET, NEXT_SECRET]))
    new = Shop(make_site(ISR_SECRET=NEXT_SECRET))
    for each in (both, new):
        app, isr = each.site.app, each.site.isr
        app.register_blueprint(isr.blueprint, url_prefix="/api")
    with both.site.app.app_context():
        newer = both.site.isr.token(paths=[PAGE])

    def status(site: Shop, token: str) -> int:
        query = {"path": PAGE, "token": token}
        return site.post("/api/revalidate", query_string=query).status_code

    older = make(paths=[PAGE])
    assert (status(both, older), status(both, newer)) == (200, 200)
    assert (status(new, older), status(new, newer)) == (401, 200)


def test_without_a_secret_no_token_is_read(make_site: MakeSite, make: Make) -> None:
    """503, as for everybody."""
    bare = Shop(make_site(ISR_SECRET=None))
    app, isr = bare.site.app, bare.site.isr
    app.register_blueprint(isr.blueprint, url_prefix="/api")
    query = {"path": PAGE, "token": make(paths=[PAGE])}
    assert bare.post("/api/revalidate", query_string=query).status_code == 503
