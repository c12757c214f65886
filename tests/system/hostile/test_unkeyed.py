"""Headers that are no part of a page's key: none of them can come into a stored page."""

from __future__ import annotations

import pytest

from . import ORIGIN
from . import PLACES
from .conftest import Target

pytestmark = pytest.mark.promise(5)

#: What shows in a page where something of the attacker's got into it.
MARK = "evil"

HEADERS = [
    "X-Forwarded-Host: evil.test",
    "X-Forwarded-Proto: evil",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Ssl: on",
    "X-Forwarded-Scheme: evil",
    "X-Forwarded-Port: 666",
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Prefix: /evil",
    "X-Forwarded-Server: evil.test",
    "X-Real-Ip: 6.6.6.6",
    "X-Host: evil.test",
    "X-Script-Name: /evil",
    "X-Original-URL: /evil",
    "X-Rewrite-URL: /evil",
    "X-HTTP-Method-Override: POST",
    "X-HTTP-Method: DELETE",
    "X-Method-Override: evil",
    "Forwarded: for=6.6.6.6;host=evil.test;proto=https;by=evil",
    "Accept: application/evil",
    "Accept-Charset: evil",
    "Accept-Encoding: evil, *;q=0",
    "Accept-Language: ev-il",
    "User-Agent: evil",
    "Referer: http://evil.test/",
    "Origin: http://evil.test",
    "Authorization: Basic ZXZpbDpldmls",
    "Proxy-Authorization: Basic ZXZpbDpldmls",
    "Cookie: session=evil; remember_token=evil; isr_draft=evil; theme=evil",
    "Cookie: isr_draft",
    "Cookie2: evil",
    "Range: bytes=0-3",
    "Range: bytes=9999999-",
    "If-Range: evil",
    'If-None-Match: "evil"',
    'If-None-Match: W/evil, "',
    'If-Match: *, "evil"',
    "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    "If-Unmodified-Since: Thu, 31 Dec 2099 00:00:00 GMT",
    "Cache-Control: no-cache, no-store, max-age=0",
    "Cache-Control: only-if-cached, evil",
    "Pragma: no-cache",
    "Cache-Status: evil",
    "X-ISR-Cache: evil",
    "X-Revalidate-Secret: evil",
    "X-Requested-With: evil",
    "Content-Type: application/evil",
    "Sec-Fetch-Mode: evil",
    "Save-Data: on",
    "DNT: 1",
    "Via: 1.1 evil",
    "Max-Forwards: 0",
    "Transfer-Encoding: identity",
    "TE: trailers, evil",
    "Trailer: evil",
    "Keep-Alive: evil",
    "Expect: evil",
    "Upgrade: evil",
    "X-Break: 500",
    "X-Break: 404",
    "X-Break: 400",
    "X-Cut: evil",
    "Wsgi-Url-Scheme: evil",
    "Request-Method: POST",
    "Path-Info: /evil",
    "Query-String: q=evil",
    "Remote-Addr: 6.6.6.6",
]


def assert_clean(target: Target, path: str, name: str) -> None:
    """Every ordinary visitor gets one and the same page, made from nothing of the
    attacker's: one render, whoever came first."""
    replies = target.innocent(path)
    page = replies[0].json

    assert {(reply.status, reply.body) for reply in replies} == {
        (200, replies[0].body)
    }, replies
    assert {"HIT", "MISS"} >= {reply.state for reply in replies}
    assert target.journal.renders(name) == 1
    everything = f"{replies[0].body!r} {replies[0].headers}"
    assert MARK not in everything.lower()
    assert "6.6.6.6" not in everything
    assert "666" not in page["link"]
    assert page["link"].startswith(f"{ORIGIN}/")
    assert page["url"] == f"{ORIGIN}{path}"
    assert page["script_name"] == ""
    assert page["headers"] == {
        "HTTP_HOST": "site.test",
        "HTTP_ACCEPT": "text/html,*/*;q=0.8",
    }
    assert (page["form"], page["json"], page["body"]) == ({}, None, "")
    assert page["address"] == "192.0.2.1"


@pytest.mark.parametrize("place", PLACES)
def test_one_by_one_they_leave_no_trace(target: Target, name: str, place: str) -> None:
    """On a page that nobody asked for before, and on the stored one."""
    for number, header in enumerate(HEADERS):
        own = f"{name}-{number}-"
        path = f"/{place}/echo/{own}"
        for _ in range(2):
            reply = target.ask(path, header)
            # Where the view answers, nothing is stored; a server may refuse the request.
            assert reply.state in ("HIT", "MISS", "BYPASS", ""), (header, reply)
        try:
            assert_clean(target, path, own)
        except AssertionError as error:
            raise AssertionError(header) from error


@pytest.mark.parametrize("place", PLACES)
def test_all_together_they_leave_no_trace(
    target: Target, name: str, place: str
) -> None:
    """As many as a server takes in one request."""
    one_each = {header.partition(":")[0]: header for header in HEADERS}
    for gone in ("Transfer-Encoding", "Expect", "Upgrade", "X-Break"):
        del one_each[gone]
    path = f"/{place}/echo/{name}"
    for _ in range(2):
        assert target.ask(path, *one_each.values()).status in (200, 304, 412)

    assert_clean(target, path, name)


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:666",
        "site.test:666",
        "site.test@evil.test",
        'a"><evil',
        "evil/../x",
        "[::evil]",
        "",
        None,
    ],
)
def test_no_host_comes_into_a_page(target: Target, name: str, host: str | None) -> None:
    """Links are those of the site's own origin."""
    path = f"/alone/echo/{name}"
    for _ in range(2):
        assert target.ask(path, host=host).status in (200, 400)

    assert_clean(target, path, name)


def test_two_hosts_and_an_absolute_target_leave_no_trace(
    target: Target, name: str
) -> None:
    """Servers differ in which of them they believe."""
    path = f"/alone/echo/{name}"
    for _ in range(2):
        target.ask(path, "Host: evil.test")
        target.ask(f"http://evil.test{path}")
        target.ask(f"http://evil.test{path}", host="evil.test")

    assert_clean(target, path, name)


@pytest.mark.parametrize("header", ["SCRIPT_NAME", "Script-Name", "HTTP_SCRIPT_NAME"])
def test_a_prefix_that_a_visitor_makes_up_is_stored_nowhere(
    target: Target, name: str, header: str
) -> None:
    """Gunicorn takes it for the mount prefix where it believes the peer."""
    path = f"/alone/echo/{name}"
    for _ in range(2):
        reply = target.ask(f"/evil{path}", f"{header}: /evil")
        if target.kind == "gthread" and header == "SCRIPT_NAME":
            assert (reply.state, reply.json["script_name"]) == ("BYPASS", "/evil")
        else:
            assert reply.status == 404
        target.ask(path, f"{header}: /alone")
        target.ask(path, f"{header}: ")

    assert_clean(target, path, name)


@pytest.mark.parametrize("size", [5_000, 20_000, 100_000])
def test_an_oversize_header_breaks_no_page(
    target: Target, name: str, size: int
) -> None:
    """The server's refusal is the attacker's own."""
    path = f"/alone/echo/{name}"
    for header in ("X-Evil", "Cookie", "If-None-Match", "Accept-Encoding", "Range"):
        assert target.ask(path, f"{header}: " + "a," * (size // 2)).status in (
            *(200, 400, 431, 0),
        )
    assert_clean(target, path, name)


@pytest.mark.parametrize("char", [b"\0", b"\x07", b"\x7f", b"\xff", b"\r", b"\x0b"])
def test_a_control_character_in_a_header_breaks_no_page(
    target: Target, name: str, char: bytes
) -> None:
    """Whether the server refuses it or not."""
    path = f"/alone/echo/{name}"
    for header in (b"X-Evil", b"Cookie", b"User-Agent", b"If-None-Match", b"Accept"):
        reply = target.ask(path, header + b": a" + char + b"b")
        assert reply.status in (200, 400, 0)
    assert_clean(target, path, name)
