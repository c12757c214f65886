"""What the revalidate route can make the application do: render static pages as for
anybody, and nothing else."""

from __future__ import annotations

import socket
import typing as t

import pytest
from flask import request

from flask_isr import static_page
from tests.support.shop import BEARER
from tests.support.shop import PAGE
from tests.support.shop import Shop

ROUTE = "/api/revalidate"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked up or connected to."""

    def refuse(*args: t.Any, **more: t.Any) -> t.NoReturn:
        pytest.fail(f"the network was asked: {args}")

    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


#: Spelled as a page, or nearly; and the page that it is, if it is one.
SPELLINGS: dict[str, str | None] = {
    "/products/1": PAGE,
    "/products/%31": PAGE,
    "/products/01": PAGE,
    "/%70roducts/1": PAGE,
    "/products//1": PAGE,
    "/products/1?page=2": PAGE,
    "/products/1?next=http://evil.example/": PAGE,
    # To the router any digits are digits, and its address has the plain ones.
    "/products/\uff11": PAGE,
    "/products/\u0661": PAGE,
    "/products/%EF%BC%91": PAGE,
    "//evil.example/products/1": None,
    "///products/1": None,
    "http://evil.example/products/1": None,
    "http:/products/1": None,
    "https:products/1": None,
    "file:///etc/passwd": None,
    "\\\\evil.example\\products\\1": None,
    "/\\evil.example/products/1": None,
    "/\\products/1": None,
    "/products\\1": None,
    "/%2Fevil.example/products/1": None,
    "/%5Cevil.example/products/1": None,
    "/@evil.example/products/1": None,
    "/products/../dynamic": None,
    "/products/%2e%2e/dynamic": None,
    "/./products/1": None,
    "/products/1/../1": None,
    "/products/1/": None,
    "/products/1;a=b": None,
    "/products/1%3Fa": None,
    "/products/1%23top": None,
    "/products/1#top": None,
    "/products/1\r\nHost: evil.example": None,
    "/products/1%0d%0aHost:%20evil.example": None,
    "/products/1%00": None,
    "/products/1 ": None,
    " /products/1": None,
    "/Products/1": None,
    "\uff0fproducts\uff0f1": None,
    "/\uff0fevil.example": None,
    "/products/%c0%af1": None,
    "/products/%2531": None,
    "/products/-1": None,
    "/products/1e0": None,
    "/dynamic": None,
    "/api/revalidate": None,
    "/api/revalidate?path=/dynamic": None,
    "/static/file.txt": None,
    "*": None,
    "/*": None,
    "/<path:any>": None,
}


@pytest.mark.parametrize("where", ["query_string", "json", "data"])
@pytest.mark.parametrize(
    ("spelling", "page"), SPELLINGS.items(), ids=map(ascii, SPELLINGS)
)
def test_a_path_is_a_static_page_or_nothing(
    shop: Shop, spelling: str, page: str | None, where: str
) -> None:
    """No other view runs, nothing is fetched, and the page is rendered at its own
    address."""
    ran: list[str] = []

    def dynamic() -> str:
        ran.append(request.path)
        return "x"

    shop.site.app.view_functions["dynamic"] = dynamic
    wanted: dict[str, t.Any] = {where: {"path": spelling}}
    answer = shop.post(ROUTE, headers=BEARER, **wanted)
    assert answer.status_code in ({200} if page else {400, 404})
    assert shop.renders == ([page] if page else [])
    assert ran == []


@pytest.mark.parametrize("match", ["rule", "prefix"])
@pytest.mark.parametrize("target", ["/", "/dynamic", "/blog/<slug>", "/api", "/<x>"])
@pytest.mark.parametrize("mode", ["expire", "stale", "refresh"])
def test_a_rule_or_prefix_renders_nothing(
    shop: Shop, match: str, target: str, mode: str
) -> None:
    """It may name any number of pages, and those that are no static pages too."""
    shop.warm(PAGE, "/blog/a")
    shop.renders.clear()
    wanted = {"path": target, "match": match, "mode": mode}
    answer = shop.post(ROUTE, json=wanted, headers=BEARER)
    assert answer.status_code in (200, 400, 404)
    shop.site.settle()
    assert shop.renders == []


def test_a_render_knows_nothing_of_the_call(shop: Shop) -> None:
    """Neither its headers and cookies nor its host, its address, its query and body."""
    seen: list[dict[str, t.Any]] = []
    body: list[bytes] = []

    @shop.site.app.get("/seen")
    @static_page(query=["q"])
    def see() -> str:
        seen.append({name: str(value) for name, value in request.environ.items()})
        body.append(request.get_data())
        return "seen"

    answer = shop.post(
        f"{ROUTE}?canary=1&q=canary",
        json={"path": "/seen", "canary": "canary"},
        base_url="http://canary.example/",
        environ_overrides={"REMOTE_ADDR": "203.0.113.77"},
        headers={
            **BEARER,
            "Cookie": "session=canary",
            "X-Canary": "canary",
            "User-Agent": "canary",
            "Accept-Language": "canary",
            "Forwarded": "host=canary",
            "X-Forwarded-Host": "canary",
            "X-Original-URL": "/canary",
            "X-HTTP-Method-Override": "canary",
        },
    )
    assert answer.status_code == 200
    assert len(seen) == 1
    assert "canary" not in str(seen).lower()
    assert "203.0.113.77" not in str(seen)
    assert BEARER["Authorization"] not in str(seen)
    assert seen[0]["REQUEST_METHOD"] == "GET"
    assert body == [b""]
