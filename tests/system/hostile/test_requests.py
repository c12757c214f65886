"""Requests that nobody would think of: the site answers what Flask alone would."""

from __future__ import annotations

import gzip
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import abort
from flask import request
from hypothesis import assume
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import http_date
from werkzeug.http import parse_etags
from werkzeug.test import create_environ
from werkzeug.test import run_wsgi_app

from flask_isr import ISR
from flask_isr import static_page
from flask_isr.errors import ConfigurationError
from flask_isr.http.conditions import evaluate
from flask_isr.http.encodings import CODINGS
from flask_isr.http.encodings import negotiate
from flask_isr.http.groups import groups
from tests.support import Clock

from .fuzz import quick
from .fuzz import slow

#: Status, where it leads to, and body.
Answer: t.TypeAlias = tuple[str, str | None, bytes]

RULES = [
    "/int/<int:value>",
    "/int/<value>",
    "/float/<float:value>",
    "/float/<value>",
    "/path/<path:value>",
    "/path/<path:value>/end",
    "/any/<any(a, b):value>",
    "/uuid/<uuid:value>",
    "/text/<value>",
    "/text/<value>/",
    "/length/<string(length=2):value>",
]


def make(folder: Path, *, static: bool) -> Flask:
    """The same application, with static pages or without the extension."""
    app = Flask("site", instance_path=str(folder))
    app.config["ISR_ORIGIN"] = "http://localhost"
    if static:
        ISR(app, clock=Clock())

    def add(rule: str) -> None:
        def view(value: t.Any) -> Response:
            if value == "gone":
                abort(404)
            shown = f"{rule} {value!r} {request.args.getlist('q')}"
            return Response(f"{shown} {'.' * 600}", mimetype="text/plain")

        view_handler = static_page(600, query=["q"])(view) if static else view
        app.add_url_rule(rule, rule.replace(".", "_"), view_handler)

    for rule in RULES:
        add(rule)
    return app


class Pair:
    """The two applications; what is stored stays from one request to the next."""

    def __init__(self, folder: Path) -> None:
        self.with_pages = make(folder, static=True)
        self.alone = make(folder, static=False)

    def check(self, environ: dict[str, t.Any]) -> None:
        """Both answer the same, to the first visitor and to the second."""
        expected = ask(self.alone, environ)
        for _ in range(2):
            assert ask(self.with_pages, environ) == expected


def ask(app: Flask, environ: dict[str, t.Any]) -> Answer:
    """The answer of one application, plain."""
    chunks, status, headers = run_wsgi_app(app.wsgi_app, dict(environ), buffered=True)
    body = b"".join(chunks)
    if headers.get("Content-Encoding") == "gzip" and body:
        body = gzip.decompress(body)
    return status, headers.get("Location"), body


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Pair]:
    """One pair for all requests."""
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    state = pair.with_pages.extensions["isr"]
    state.runner.drain(20)
    state.store.close()


def raw(text: str) -> str:
    """Text as WSGI has it."""
    return text.encode(errors="surrogateescape").decode("latin-1")


_prefixes = st.sampled_from([rule.partition("<")[0] for rule in RULES])
_pieces = st.sampled_from(
    [
        *("/", "//", "a", "b", "7", "007", "-1", "1.5", "01.50", "9" * 400, "\u0667"),
        *("..", ".", ";", "?", "#", "%", "%2F", "%61", "&", "=", "+", " ", "\\", "end"),
        *("é", "e\u0301", "\u2028", "\u202e", "\0", "\n", "\r", "\x7f", "\ufffd"),
        *("\udcff", "\udcc3", "gone", "inf", "nan", "A", "x" * 600),
        "{12345678-1234-5678-1234-567812345678}",
        "12345678-1234-5678-1234-567812345678",
        "12345678-1234-5678-1234-56781234567A",
    ]
)
_texts = st.lists(_pieces | st.text(max_size=3), max_size=4).map("".join)
_paths = st.builds("{}{}".format, _prefixes, _texts) | _texts
_names = st.sampled_from(["q", "%71", "Q", "q[]", "utm", "", " q", "q\0"])
# Without raw bytes that are not UTF-8: servers refuse them, and Flask alone answers 500.
_values = st.sampled_from(
    ["", "1", "%31", "a+b", "%ff", "%", "%00", "a=b", "a;q=2", "%C3", "é", "#", "?"]
)
_queries = st.lists(
    st.builds("{}={}".format, _names, _values) | _names, max_size=5
).map("&".join)
_headers = st.dictionaries(
    st.sampled_from(
        [
            *("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_RANGE", "HTTP_PRAGMA"),
            *("HTTP_CACHE_CONTROL", "HTTP_ACCEPT_ENCODING", "HTTP_ACCEPT_LANGUAGE"),
            *("HTTP_X_FORWARDED_HOST", "HTTP_X_ORIGINAL_URL", "HTTP_IF_RANGE"),
            *("HTTP_X_HTTP_METHOD_OVERRIDE", "CONTENT_TYPE", "HTTP_USER_AGENT"),
            *(
                "HTTP_ORIGIN",
                "HTTP_EXPECT",
                "HTTP_TE",
                "HTTP_ACCEPT",
                "HTTP_X_ISR_CACHE",
            ),
        ]
    ),
    st.text(st.characters(max_codepoint=255), max_size=20)
    | st.sampled_from(["gzip", "*", "session=x; isr_draft=y.z", "bytes=0-1", "POST"]),
    max_size=4,
)
_methods = st.sampled_from(
    [*["GET"] * 6, "HEAD", "get", "POST", "OPTIONS", "PURGE", ""]
)


@slow
@given(_paths, _queries, _headers, _methods)
# Its canonical path is that of another rule's page.
@example("/float/inf", "", {}, "GET")
@example(f"/float/{'9' * 400}.0", "", {}, "GET")
def test_every_request_is_answered_as_by_flask_alone(
    pair: Pair, path: str, query: str, headers: dict[str, str], method: str
) -> None:
    """Whatever path, query, method and headers: never an exception, never another page."""
    environ = create_environ("/")
    environ |= headers
    environ["REQUEST_METHOD"] = method
    environ["PATH_INFO"] = raw(path)
    environ["QUERY_STRING"] = raw(query)
    pair.check(environ)


def test_most_of_these_requests_reach_a_page(pair: Pair) -> None:
    """The comparison would prove nothing if all of them were 404."""
    for path in (
        "/int/7",
        "/int/x",
        "/float/1.5",
        "/path/a/../b",
        "/text/a;b",
        "/any/a",
    ):
        environ = create_environ(path)
        pair.check(environ)
        assert ask(pair.alone, environ)[0] == "200 OK"
    assert len(list(pair.with_pages.extensions["isr"].store.overview())) > 5


_tags = st.sampled_from(
    ['"a"', 'W/"a"', '"b"', "*", "a", '""', '"a', "W/", ' "a" ', ","]
)
# Without blanks at its ends, which servers take away.
_etag_lists = st.lists(_tags | st.text('"aW/*, ', max_size=6), max_size=4).map(
    lambda tags: ", ".join(tags).strip()
)
_dates = st.sampled_from([http_date(0), http_date(2_000_000_000), "", "now", "0", "é"])
_times = st.sampled_from([1, 1_000_000_000]) | st.none()


@quick
@given(
    st.none() | _etag_lists,
    st.none() | _dates,
    st.sampled_from(['"a"', 'W/"a"', '"b"']),
    _times,
)
def test_a_visitor_who_has_the_page_is_told_as_by_werkzeug(
    none_match: str | None, since: str | None, etag: str, modified: int | None
) -> None:
    """``If-None-Match`` and ``If-Modified-Since``, however malformed."""
    environ = create_environ("/")
    # Werkzeug looks at the date beside a list without tags; RFC 9110, 13.1.3, forbids it.
    assume(none_match is None or parse_etags(none_match) or since is None)
    if none_match is not None:
        environ["HTTP_IF_NONE_MATCH"] = none_match
    if since is not None:
        environ["HTTP_IF_MODIFIED_SINCE"] = since
    page = Response("page", headers={"ETag": etag})
    if modified is not None:
        page.headers["Last-Modified"] = http_date(modified)
    ours = evaluate(environ, etag, list(page.headers))
    page.make_conditional(environ)
    assert (ours or 200) == page.status_code


@quick
@given(_etag_lists, st.sampled_from(['"a"', '"b"']))
def test_a_visitor_who_wants_another_page_is_told_as_by_werkzeug(
    match: str, etag: str
) -> None:
    """``If-Match`` on a page with a strong validator."""
    environ = create_environ("/")
    # Werkzeug answers 412 to the star, which any page fulfils (RFC 9110, 13.1.1).
    assume(not parse_etags(match).star_tag)
    environ["HTTP_IF_MATCH"] = match
    page = Response("page", headers={"ETag": etag})
    ours = evaluate(environ, etag, list(page.headers))
    page.make_conditional(environ)
    assert (ours or 200) == page.status_code


_codings = st.sampled_from(
    ["gzip", "br", "zstd", "x-gzip", "identity", "*", "", "GZIP"]
)
_weights = st.sampled_from(
    ["", ";q=0", ";q=1", ";q=0.5", "; Q=0.1", ";q=2", ";q=nan", ";q=", ";q=-1", ";x=1"]
)
_accepted = st.lists(
    st.builds("{}{}".format, _codings, _weights) | st.text(max_size=5), max_size=6
).map(",".join)


@quick
@given(_accepted, st.lists(st.sampled_from(CODINGS), unique=True).map(tuple))
def test_no_visitor_gets_a_coding_that_he_did_not_name(
    accepted: str, available: tuple[str, ...]
) -> None:
    """Whatever else the field holds."""
    coding = negotiate(accepted, available)
    assert coding is None or (
        coding in available and (coding in accepted.lower() or "*" in accepted)
    )


@quick
@given(st.text('"\\a ,;=\t', max_size=12) | st.text(max_size=12))
def test_a_field_of_groups_is_a_list_or_an_error(field: str) -> None:
    """What is taken for a list reads the same when it is written down anew."""
    try:
        found = groups(field)
    except ConfigurationError:
        return
    escaped = [name.replace("\\", r"\\").replace('"', r"\"") for name in found]
    assert groups(", ".join(f'"{name}"' for name in escaped)) == found


@quick
@given(
    st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), max_size=9)
)
def test_every_group_can_be_named(names: list[str]) -> None:
    """All of printable ASCII, which is what a string of RFC 8941 can hold."""
    escaped = [name.replace("\\", r"\\").replace('"', r"\"") for name in names]
    assert groups(", ".join(f'"{name}"' for name in escaped)) == names
    for wrong in ('"a",', '"a", ', '"a",,"b"', ',"a"', '"a" "b"', '"a"x'):
        with pytest.raises(ConfigurationError):
            groups(wrong)
