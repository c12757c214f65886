"""The revalidate route, and a guarded view, as servers hand requests over to them."""

from __future__ import annotations

import pytest

from . import SECRET
from .conftest import Target
from .test_unkeyed import assert_clean

JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
BEARER = f"Authorization: Bearer {SECRET}"

LIMIT = 256 * 1024

#: Bodies that are no chunks.
MALFORMED = [
    b"zz\r\n\r\n",
    b"-1\r\n{}\r\n0\r\n\r\n",
    b"+2\r\n{}\r\n0\r\n\r\n",
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b"2\r\n{}XX0\r\n\r\n",
    b";\r\n{}\r\n0\r\n\r\n",
    b"\xff\r\n{}\r\n0\r\n\r\n",
]


def chunked(body: bytes) -> bytes:
    """*body* in one chunk."""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize("body", MALFORMED, ids=repr)
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/alone/api/revalidate", [JSON]),
        ("/alone/api/revalidate", [JSON, BEARER]),
        ("/alone/api/revalidate", [FORM, BEARER]),
        # A guarded view of the application's own, where the secret may be in the body.
        ("/alone/hook", [JSON]),
    ],
)
def test_chunks_that_are_none_are_the_senders_fault(
    target: Target, path: str, headers: list[str], body: bytes
) -> None:
    """4xx, or the server hangs up, whoever sends them."""
    headers = [*headers, "Transfer-Encoding: chunked"]
    reply = target.ask(path, *headers, method="POST", body=body)
    assert reply.status == 0 or 400 <= reply.status < 500, reply


def test_a_body_is_not_cut_to_what_is_in_the_limit(target: Target, name: str) -> None:
    """What is too large revalidates nothing, though its beginning would do alone."""
    path = f"/alone/echo/{name}"
    target.ask(path)
    for kind, start, filling in (
        (JSON, f'{{"path": "{path}"}}', b" "),
        (FORM, f"path={path}", b"&"),
    ):
        body = chunked(start.encode().ljust(LIMIT + 100_000, filling))
        headers = [kind, BEARER, "Transfer-Encoding: chunked"]
        reply = target.ask("/alone/api/revalidate", *headers, method="POST", body=body)
        assert reply.status == 413
    assert_clean(target, path, name)


def test_a_body_in_chunks_is_read(target: Target, name: str) -> None:
    """Of an honest sender."""
    path = f"/alone/echo/{name}"
    target.ask(path)
    headers = [JSON, BEARER, "Transfer-Encoding: chunked"]
    body = chunked(f'{{"path": "{path}"}}'.encode())
    reply = target.ask("/alone/api/revalidate", *headers, method="POST", body=body)
    assert reply.json["revalidated"]
    target.innocent(path)
    assert target.journal.renders(name) == 2
