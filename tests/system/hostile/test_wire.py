"""Methods, bodies, and several requests on one connection."""

from __future__ import annotations

import itertools
import random
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import Target
from .test_unkeyed import assert_clean
from .wire import exchange
from .wire import request


@pytest.mark.parametrize("method", ["get", "Get", "gET", "head"])
def test_a_method_in_small_letters_writes_nothing(
    target: Target, name: str, method: str
) -> None:
    """Granian passes it on, and Flask takes it for a visit; the others refuse it."""
    path = f"/alone/echo/{name}"
    target.ask(path)
    for _ in range(3):
        reply = target.ask(path, method=method)
        assert reply.status == (200 if target.kind == "granian" else 400)

    assert_clean(target, path, name)


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "FOO", "PROPFIND", "PURGE", "BAN", "CONNECT"]
)
def test_a_method_without_a_view_expires_nothing(
    target: Target, name: str, method: str
) -> None:
    """Nor is its answer stored."""
    path = f"/alone/echo/{name}"
    for _ in range(2):
        reply = target.ask(path, method=method)
        assert (reply.status, reply.state) == (405, "")
        assert target.ask(path).status == 200

    assert_clean(target, path, name)


@pytest.mark.parametrize("place", ["alone", "inside", "outside"])
def test_a_method_override_is_a_header_like_any_other(
    target: Target, name: str, place: str
) -> None:
    """Neither a visit becomes a write, nor a write a visit: what POST answers is not
    stored, and expires the page once for each."""
    path = f"/{place}/echo/{name}"
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        for method in ("POST", "DELETE", "HEAD"):
            assert target.ask(path, f"{header}: {method}").json["method"] == "GET"
        posted = target.ask(path, f"{header}: GET", "Content-Length: 0", method="POST")
        assert posted.json == {"name": name}
        target.innocent(path)
    assert target.journal.visits(name) == 3
    # Once when it was asked for first, once for each that wrote.
    assert target.journal.renders(name) == 4


BODIES = [
    (["Content-Type: application/x-www-form-urlencoded"], b"q=evil&name=evil"),
    (["Content-Type: application/json"], b'{"q": "evil"}'),
    (["Content-Type: text/plain"], b"evil" * 5000),
    (
        ["Content-Type: multipart/form-data; boundary=x"],
        b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\nevil\r\n--x--\r\n',
    ),
]


@pytest.mark.parametrize(("headers", "body"), BODIES)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_a_get_comes_into_no_page(
    target: Target, name: str, headers: list[str], body: bytes, chunked: bool
) -> None:
    """Neither into a cold page nor into the stored one, and the next request on the same
    connection is read from its own beginning."""
    path = f"/alone/echo/{name}"
    if chunked:
        headers = [*headers, "Transfer-Encoding: chunked"]
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        headers = [*headers, f"Content-Length: {len(body)}"]
    fat = request(path, *headers, body=body, last=False)
    for _ in range(2):
        replies = exchange(target.port, fat + request("/alone/account"), ("GET",) * 2)
        assert replies[0].json["name"] == name
        # A server may end the connection there, but nothing comes in between.
        assert [reply.json for reply in replies[1:]] in (
            [],
            [{"rest": "", "user": None}],
        )

    assert_clean(target, path, name)


def test_a_request_in_the_body_of_another_is_none(target: Target, name: str) -> None:
    """Whoever comes next on the connection gets what he asked for."""
    hidden = request(f"/alone/echo/{name}-hidden", last=False)
    path = f"/alone/echo/{name}-open"
    for _ in range(3):
        data = request(path, f"Content-Length: {len(hidden)}", body=hidden, last=False)
        replies = exchange(target.port, data + request("/alone/account"), ["GET"] * 3)
        names = [reply.json.get("name") for reply in replies]
        assert names[0] == f"{name}-open"
        assert names[1:] in ([None], [])
    assert target.journal.renders(f"{name}-hidden") == 0
    assert_clean(target, path, f"{name}-open")


@pytest.mark.parametrize(
    "headers",
    [
        ["Transfer-Encoding: chunked", "Content-Length: 4"],
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: x"],
        ["Content-Length: 0", "Content-Length: 5"],
        ["Content-Length: +5"],
        ["Content-Length: -1"],
    ],
)
def test_a_body_of_doubtful_length_mixes_nothing_up(
    target: Target, name: str, headers: list[str]
) -> None:
    """Each answer is the one of the request at its place, or there is none."""
    path = f"/alone/echo/{name}"
    data = request(path, *headers, body=b"0\r\n\r\n", last=False)
    for _ in range(2):
        replies = exchange(target.port, data + request("/alone/account"), ["GET"] * 3)
        for reply, expected in itertools.zip_longest(replies, (name, None)):
            if reply is not None and reply.status == 200:
                assert reply.json.get("name") == expected
            assert reply is None or reply.status in (0, 200, 400, 501)
    assert_clean(target, path, name)


def test_pipelined_requests_get_their_own_answers(target: Target, name: str) -> None:
    """Cold, then warm: many in one segment, of all kinds, in their order."""
    paths = [f"/alone/echo/{name}-{number}" for number in range(8)]
    mixed = [*paths, "/alone/account", *paths, "/alone/nothing", *paths]
    for _ in range(2):
        data = b"".join(request(path, last=False) for path in mixed[:-1])
        replies = exchange(target.port, data + request(mixed[-1]), ["GET"] * len(mixed))
        for path, reply in zip(mixed, replies, strict=False):
            shown = reply.json.get("name", "") if reply.status == 200 else "nothing"
            assert path.endswith(shown or "account")
        assert len(replies) == len(mixed)
    assert target.journal.renders(name) == len(paths)


@pytest.mark.parametrize(
    "header",
    ["Range: bytes=0-3", "Range: bytes=-1", "Range: bytes=5-1,0-", "Range: lines=1-2"],
)
@pytest.mark.parametrize("condition", ["", 'If-None-Match: "x"', "If-Range: x"])
def test_a_range_of_a_cold_page_is_the_whole_page(
    target: Target, name: str, header: str, condition: str
) -> None:
    """No part of it is stored, and none is sent."""
    path = f"/alone/echo/{name}"
    for _ in range(2):
        reply = target.ask(path, header, *filter(None, [condition]))
        assert (reply.status, reply.get("Content-Range")) == (200, "")
        assert reply.json["name"] == name
    assert_clean(target, path, name)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("If-None-Match: *", 304),
        ('If-None-Match: W/"a", "*"', 200),
        ("If-Match: *", 200),
        ('If-Match: "a"', 412),
        ("If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("If-Modified-Since: Thu, 31 Dec 2099 00:00:00 GMT", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_condition_on_a_cold_page_stores_the_page(
    target: Target, name: str, condition: str, status: int, method: str
) -> None:
    """And not the answer without a body that its visitor gets."""
    path = f"/alone/echo/{name}"
    for _ in range(2):
        reply = target.ask(path, condition, method=method)
        assert (reply.status, reply.body == b"") == (
            status,
            method == "HEAD" or status != 200,
        )
    assert_clean(target, path, name)


def test_a_page_that_a_visitor_cuts_short_is_not_stored(
    target: Target, name: str
) -> None:
    """He has no say in how it is rendered."""
    path = f"/alone/cut/{name}"
    for _ in range(2):
        assert target.ask(path, "X-Cut: 1").body == b"half a page"
    assert {reply.state for reply in target.innocent(path)} == {"HIT"}
    assert target.journal.renders(name) == 1


def test_storms_of_no_cache_and_junk_force_no_render(target: Target, name: str) -> None:
    """Hundreds of visitors, each with something else."""
    path = f"/alone/echo/{name}"
    chance = random.Random(name)
    storms: list[t.Callable[[], str]] = [
        lambda: "Cache-Control: no-cache, max-age=0, no-store",
        lambda: f"Pragma: no-cache, {chance.random()}",
        lambda: f"Accept-Encoding: x{chance.random()};q={chance.random()}, *;q=2",
        lambda: "Accept-Encoding: " + "gzip;q=0.1," * chance.randrange(500),
        lambda: f"Cookie: isr_draft={chance.random()}.x; session={chance.random()}",
        lambda: f'If-None-Match: "{chance.random()}"' + ', W/"x"' * 200,
    ]
    headers = [chance.choice(storms)() for _ in range(300)]
    with ThreadPoolExecutor(16) as visitors:
        replies = list(visitors.map(lambda header: target.ask(path, header), headers))
    assert {reply.status for reply in replies} == {200}
    assert {reply.state for reply in replies} <= {"HIT", "MISS"}
    assert_clean(target, path, name)
