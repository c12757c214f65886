"""What can be wrong with a body, and what an answer is never: 500."""

from __future__ import annotations

import io
import json
import typing as t

import pytest
from werkzeug.test import TestResponse

from tests.support import SECRET
from tests.support.shop import BEARER
from tests.support.shop import Shop
from tests.support.shop import is_no_store

PAGE = "/products/1"
DEEP = "[" * 100_000

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def send(
    shop: Shop, body: str | bytes, *, secret: bool = True, **more: t.Any
) -> TestResponse:
    """POST *body* as JSON."""
    more.setdefault("content_type", JSON)
    headers = BEARER if secret else {}
    return shop.post("/api/revalidate", data=body, headers=headers, **more)


def send_chunked(shop: Shop, source: io.BytesIO, **more: t.Any) -> TestResponse:
    """POST what *source* holds, which does not say its length."""
    environ = {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
    }
    return send(shop, b"", input_stream=source, environ_overrides=environ, **more)


@pytest.mark.parametrize(
    "body",
    [
        '{"path": 1}',
        '{"path": null}',
        '{"path": ["/products/1"]}',
        '{"path": {"a": 1}}',
        '{"paths": "/products/1"}',
        '{"paths": [1]}',
        '{"paths": [["/products/1"]]}',
        '{"paths": {"/products/1": true}}',
        '{"tag": 1}',
        '{"tags": "products"}',
        '{"tags": [null]}',
        '{"path": "/products/1", "mode": 1}',
        '{"path": "/products/1", "mode": ["stale"]}',
        '{"path": "/products/1", "match": true}',
        '["/products/1"]',
        '"/products/1"',
        "null",
        "1",
        "{",
        "{'path': '/products/1'}",
        '{"path": "/products/1"',
        "\0",
        DEEP,
        '{"path": ' + DEEP,
        b"\xff\xfe",
        '{"path": "/products/\\ud800"}',
        '{"tag": "\\ud800"}',
        '{"path": 1e999}',
        '{"path": "/products/1", "mode": -1e999}',
        '{"path": "/products/1", "count": ' + "9" * 200_000 + "}",
        '{"path": "/products/1", "count": NaN}',
        '{"path": "/products/1", "count": -Infinity}',
        '{"path": "/products/1", "path": "/products/2"}',
        '{"path": "/products/1", "entry": {"id": 1, "id": 2}}',
        '{"path": "/products/1",}',
        '{"path": "/products/1"} {}',
        '{"path": "/products/1\n"}',
        b'{"path": "/blog/\xe9"}',
        b'{"path": "/blog/\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"path": "/products/1"}',
        '{"path": "/products/1"}'.encode("utf-16"),
        '{"path": "/products/1"}'.encode("utf-16-le"),
        '{"path": "/products/1"}'.encode("utf-32-be"),
        '{"path": "/products/1"}'.encode("utf-7").replace(b"/", b"+AC8-"),
        "path=/products/1",
    ],
    ids=lambda body: str(body)[:60],
)
def test_wrong_types_and_malformed_json_are_told(shop: Shop, body: str | bytes) -> None:
    """400, with a message; nothing is done."""
    shop.warm(PAGE)
    answer = send(shop, body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"]
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("old", "HIT")


def part(disposition: str) -> str:
    """A multipart body of one part."""
    head = f"--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return f"{head}/products/1\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"tag=%FF"),
        (FORM, b"tag=\xff"),
        (FORM, b"tag=a&mode=stale&mode=expire"),
        (FORM, '{"path": "/products/1"}'),
        (FORM, "tag=a".encode("utf-16")),
        ("text/plain", '{"path": "/products/1"}'),
        ("application/json-patch", '{"path": "/products/1"}'),
        ("", '{"path": "/products/1"}'),
        ("json", '{"path": "/products/1"}'),
        ("application/json\xff", '{"path": "/products/1"}'),
        ("multipart/form-data", "path=/products/1"),
        (
            "multipart/form-data; boundary=x",
            part('name="path"'),
        ),
        (
            "multipart/form-data; boundary=x",
            part('name="path"; filename="a"'),
        ),
    ],
    ids=str,
)
def test_a_body_that_is_not_what_it_says_is_refused(
    shop: Shop, kind: str, body: str | bytes
) -> None:
    """Targets in it are not picked up by some other reading; nothing is done."""
    shop.warm(PAGE)
    before = shop.site.state.store.current_version()
    answer = send(shop, body, content_type=kind)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"]
    assert is_no_store(answer)
    assert shop.site.state.store.current_version() == before


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", FORM])
def test_a_body_that_cannot_be_read_is_told_beside_a_good_query(
    shop: Shop, kind: str
) -> None:
    """What it asked for would be lost in silence."""
    query = {"path": PAGE}
    answer = send(shop, b"\xff", content_type=kind, query_string=query)
    assert answer.status_code == 400


def test_a_declared_charset_changes_nothing(shop: Shop) -> None:
    """JSON has none: some libraries declare one out of habit, and send UTF-8."""
    body = json.dumps({"path": PAGE}).encode()
    answer = send(shop, body, content_type="application/json; charset=iso-8859-1")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("tag=%FF", 400),
        ("tag=%ED%A0%80", 400),
        ("tag=a&utm=%FF", 400),
        ("tag=%C3%A9", 200),
        ("tag=a&mode=stale&mode=expire", 400),
        ("tag=a&mode=stale&mode=stale", 200),
        ("path=/products/1&match=path&match=rule", 400),
        ("tag=%00", 200),
        ("%", 400),
        ("&&&===&&", 400),
        ("path[]=/products/1", 400),
        ("PATH=/products/1", 400),
    ],
)
def test_a_query_means_one_thing_or_is_refused(
    shop: Shop, query: str, status: int
) -> None:
    """Bytes that are no text, and words that contradict each other."""
    answer = shop.post("/api/revalidate", query_string=query, headers=BEARER)
    assert answer.status_code == status


@pytest.mark.parametrize("query", ["tag=\xff", "\xff", f"secret={SECRET}&\xff"])
@pytest.mark.parametrize("secret", [True, False])
def test_bytes_in_a_query_that_are_no_text_are_refused(
    shop: Shop, query: str, secret: bool
) -> None:
    """Not percent-encoded, as no browser sends them: neither the route nor a guarded view
    has an error of the server."""
    app = shop.site.app
    app.add_url_rule(
        "/hook",
        view_func=shop.site.isr.require_secret(lambda: "done"),
        methods=["POST"],
    )
    # The test client would encode it.
    more = {"environ_overrides": {"QUERY_STRING": query}}
    headers = BEARER if secret else {}
    statuses = [
        shop.post(path, headers=headers, **more).status_code
        for path in ("/api/revalidate", "/hook")
    ]
    assert statuses == ([400, 200] if secret else [401, 401])


@pytest.mark.parametrize("place", ["json", "data"])
def test_a_word_that_contradicts_the_query_is_refused(shop: Shop, place: str) -> None:
    """Whichever of the two was meant, the other reader would be wrong."""
    for mode, status in (("expire", 400), ("stale", 200)):
        more: dict[str, t.Any] = {place: {"path": PAGE, "mode": mode}}
        answer = shop.post("/api/revalidate?mode=stale", headers=BEARER, **more)
        assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        "{",
        "[]",
        "null",
        b"\xff",
        '{"secret": 1}',
        '{"secret": null}',
        '{"secret": "\\udcff"}',
        '{"secret": ["a"]}',
    ],
    ids=lambda body: str(body)[:40],
)
def test_without_the_secret_no_body_makes_a_difference(
    shop: Shop, body: str | bytes
) -> None:
    """401 for whatever a stranger sends where the secret could stand."""
    answer = send(shop, body, secret=False)
    assert answer.status_code == 401
    assert is_no_store(answer)


class TestATooLargeBody:
    """A body is read only as far as an honest sender's would go."""

    BODY = json.dumps({"secret": SECRET, "path": PAGE, "padding": "x" * 300_000})

    def check(self, shop: Shop, answer: TestResponse, read: int) -> None:
        """It was refused, politely and early."""
        assert answer.status_code in (400, 401, 413)
        assert answer.json is not None
        assert is_no_store(answer)
        assert read <= 270_000
        assert shop.see(PAGE) == ("old", "HIT")

    @pytest.mark.parametrize("secret", [True, False])
    def test_it_is_refused(self, shop: Shop, secret: bool) -> None:
        """By its Content-Length, before anything is read."""
        shop.warm(PAGE)
        source = io.BytesIO(self.BODY.encode())
        length = len(self.BODY)
        answer = send(
            shop, b"", secret=secret, input_stream=source, content_length=length
        )
        self.check(shop, answer, source.tell())

    @pytest.mark.parametrize("secret", [True, False])
    @pytest.mark.parametrize("kind", [JSON, FORM])
    def test_so_is_one_that_does_not_say_its_length(
        self, shop: Shop, secret: bool, kind: str
    ) -> None:
        """Chunked, as servers hand it over: it is read up to the limit at most."""
        shop.warm(PAGE)
        body = self.BODY if kind == JSON else "a=" + "x" * 300_000
        source = io.BytesIO(body.encode() * 10)
        answer = send_chunked(shop, source, secret=secret, content_type=kind)
        self.check(shop, answer, source.tell())

    @pytest.mark.parametrize("own", [None, 1000])
    @pytest.mark.parametrize(
        ("kind", "start", "filling", "secret"),
        [
            (JSON, json.dumps({"path": PAGE}), " ", True),
            (JSON, json.dumps({"path": PAGE, "secret": SECRET}), " ", False),
            (FORM, f"path={PAGE}", "&", True),
        ],
    )
    def test_a_part_of_it_is_not_taken_for_the_whole(
        self,
        shop: Shop,
        kind: str,
        start: str,
        filling: str,
        secret: bool,
        own: int | None,
    ) -> None:
        """Up to the limit it would do."""
        shop.site.app.config["MAX_CONTENT_LENGTH"] = own
        shop.warm(PAGE)
        for more, status in ((1, 413), (100_000, 413), (0, 200)):
            body = start.ljust((own or 256 * 1024) + more, filling).encode()
            source = io.BytesIO(body)
            answer = send_chunked(shop, source, secret=secret, content_type=kind)
            assert answer.status_code == status
            if status == 413:
                self.check(shop, answer, source.tell())

    @pytest.mark.parametrize("secret", [True, False])
    @pytest.mark.parametrize("kind", [JSON, FORM])
    def test_the_applications_own_limit_holds(
        self, shop: Shop, secret: bool, kind: str
    ) -> None:
        """MAX_CONTENT_LENGTH below ours: refused in the manner of the route."""
        shop.site.app.config["MAX_CONTENT_LENGTH"] = 50
        shop.warm(PAGE)
        body = json.dumps({"path": PAGE, "secret": SECRET}) if kind == JSON else ""
        body = body or f"path={PAGE}&padding={'x' * 50}"
        answer = send(shop, body, secret=secret, content_type=kind)
        self.check(shop, answer, 0)


def test_a_chunked_body_is_read(shop: Shop) -> None:
    """A sender that streams its JSON is understood like any other."""
    shop.warm(PAGE)
    shop.text = "new"
    answer = send_chunked(shop, io.BytesIO(json.dumps({"path": PAGE}).encode()))
    assert answer.status_code == 200
    assert shop.see(PAGE) == ("new", "HIT")


def test_a_form_of_thousands_of_fields_is_refused(shop: Shop) -> None:
    """More than any honest sender's: a client error, never to be cached."""
    shop.warm(PAGE)
    body = "&".join(["path=/products/1"] * 5000)
    answer = send(shop, body, content_type=FORM)
    assert answer.status_code in (400, 413)
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("old", "HIT")
