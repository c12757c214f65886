"""What one call of the revalidate route can cost, whoever sends it."""

from __future__ import annotations

import json
import typing as t

import pytest
from flask import request

from tests.support import SECRET
from tests.support.shop import BEARER
from tests.support.shop import PAGE
from tests.support.shop import Shop
from tests.support.shop import is_no_store

pytestmark = pytest.mark.promise(7)

ROUTE = "/api/revalidate"

#: The most targets of one call.
MOST = 256


class Stream:
    """A body as a server hands it over.

    :ivar read_bytes: how much of it was read.
    """

    def __init__(self, length: int, error: Exception | None = None) -> None:
        self.read_bytes = 0
        self._left = length
        self._error = error

    def read(self, size: int = -1) -> bytes:
        """The next bytes; the error where there are none left."""
        size = self._left if size < 0 else min(size, self._left)
        if not size and self._error is not None:
            raise self._error
        self._left -= size
        self.read_bytes += size
        return b" " * size


KINDS = ["application/json", "application/x-www-form-urlencoded", "application/a+json"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("headers", [BEARER, {}, {"X-Revalidate-Secret": "wrong"}])
def test_a_large_body_is_refused_before_any_of_it_is_read(
    shop: Shop, kind: str, headers: dict[str, str]
) -> None:
    """Its Content-Length is enough; the sender is told in JSON."""
    stream = Stream(10**9)
    answer = shop.post(
        ROUTE,
        content_type=kind,
        headers=headers,
        environ_overrides={"wsgi.input": stream, "CONTENT_LENGTH": str(10**9)},
    )
    assert answer.status_code in ({413} if headers is BEARER else {401, 413})
    assert answer.json is not None
    assert answer.json["message"]
    assert is_no_store(answer)
    assert stream.read_bytes == 0


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_of_another_kind_is_not_read(shop: Shop, kind: str) -> None:
    """However large it is: nothing in it could matter."""
    stream = Stream(10**9)
    shop.post(
        ROUTE,
        content_type=kind,
        headers=BEARER,
        environ_overrides={"wsgi.input": stream, "CONTENT_LENGTH": str(10**9)},
    )
    assert stream.read_bytes == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("length", "sent", "error"),
    [
        ("-5", 10, None),
        ("five", 10, None),
        ("", 10, None),
        ("100", 10, None),
        ("1" * 30, 10, None),
        ("100", 10, OSError("the client is gone")),
        ("100", 0, ValueError("bad chunk")),
        ("chunked", 10, OSError("bad chunk")),
        ("chunked", 10, LookupError("of the server's own kind")),
    ],
)
def test_a_length_that_lies_is_the_senders_fault(
    shop: Shop, kind: str, length: str, sent: int, error: Exception | None
) -> None:
    """Too much, too little, no number, and a connection that breaks: 4xx."""
    chunked = length == "chunked"
    answer = shop.post(
        ROUTE,
        content_type=kind,
        headers=BEARER,
        environ_overrides={
            "wsgi.input": Stream(sent, error),
            "wsgi.input_terminated": chunked,
            "CONTENT_LENGTH": "" if chunked else length,
        },
    )
    assert answer.status_code in (400, 413)
    assert answer.json is not None
    assert is_no_store(answer)


def test_a_hook_that_reads_the_body_first_lifts_no_limit(shop: Shop) -> None:
    """An application that logs bodies reads as much as it likes; the route parses none
    of it."""

    @shop.site.app.before_request
    def log() -> None:
        request.get_data()

    body = json.dumps({"secret": SECRET, "path": PAGE, "padding": "x" * 300_000})
    answer = shop.post(ROUTE, data=body, content_type="application/json")
    assert answer.status_code == 413


@pytest.mark.parametrize("place", ["query_string", "data"])
def test_the_number_of_targets_is_bounded(shop: Shop, place: str) -> None:
    """Of paths and tags together, wherever they stand."""
    for count, status in ((MOST // 2, 200), (MOST // 2 + 1, 400)):
        wanted: t.Any = {"path": [PAGE] * (MOST // 2), "tag": ["a"] * count}
        answer = shop.post(ROUTE, headers=BEARER, **{place: wanted})
        assert answer.status_code == status


def test_no_message_repeats_more_than_a_line(shop: Shop) -> None:
    """A wrong word of any length makes a message of bounded length."""
    long = "x" * 100_000
    for body in (
        {"path": PAGE, "mode": long},
        {"path": PAGE, "match": long},
        {"path": f"/{long}"},
        {"path": long},
        {"tag": long},
    ):
        answer = shop.post(ROUTE, json=body, headers=BEARER)
        assert answer.status_code == 400
        assert len(answer.data) < 1000


class NoStore:
    """Stands in for a store, and fails the test when it is asked anything."""

    def __getattr__(self, name: str) -> t.NoReturn:
        pytest.fail(f"the store was asked: {name}")


@pytest.mark.parametrize(
    "sent",
    [
        {"query_string": {"path": PAGE, "secret": "wrong"}},
        {"query_string": {"path": PAGE, "token": "wrong"}},
        {"query_string": {"path": "/nowhere"}},
        {"json": {"path": PAGE, "secret": "wrong", "tags": ["a"]}},
        {"json": {"paths": [PAGE] * 300, "token": "wrong"}},
        {"data": {"path": PAGE, "token": "wrong"}},
        {"headers": {"Authorization": "Bearer wrong"}, "json": {"path": PAGE}},
    ],
    ids=str,
)
def test_a_stranger_costs_no_look_at_the_store(
    shop: Shop, sent: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does he have paths matched, or lists asked."""
    shop.warm(PAGE)
    state = shop.site.state
    for part in ("store", "revalidator", "lists"):
        monkeypatch.setattr(state, part, NoStore())
    assert shop.post(ROUTE, **sent).status_code == 401
    monkeypatch.undo()
    assert shop.see(PAGE) == ("old", "HIT")
