"""From an entry and a request to status, headers and body."""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from werkzeug.http import is_resource_modified
from werkzeug.http import parse_etags
from werkzeug.http import parse_set_header

from .core.answer import Serve
from .core.entry import Entry

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HeaderList: t.TypeAlias = list[tuple[str, str]]

#: Browsers ask each time, and are told "unchanged" (304) by the ETag: what was purged is
#: gone at the next load. Shared caches get nothing that a purge could not take back.
CACHE_CONTROL = "max-age=0, must-revalidate"

# What a 304 leaves out: it describes a body that is not sent (RFC 9110, 15.4.5).
_OF_THE_BODY = {
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "last-modified",
}


def status_line(status: int) -> str:
    """``"200 OK"``, as WSGI wants it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def page_headers(serve: Serve, age: float) -> HeaderList:
    """The headers of *serve* for a page that is *age* seconds old."""
    entry = serve.entry
    headers: HeaderList = list(entry.headers)
    headers.append(("ETag", entry.etag))
    if not any(name.lower() == "cache-control" for name, _ in headers):
        headers.append(("Cache-Control", CACHE_CONTROL))
    if entry.anonymous and not _varies_on_cookie(headers):
        headers.append(("Vary", "Cookie"))
    headers.append(("X-ISR-Cache", serve.state))
    headers.append(("Cache-Status", cache_status(serve, age)))
    return headers


def _varies_on_cookie(headers: HeaderList) -> bool:
    return any(
        name.lower() == "vary" and "cookie" in parse_set_header(value)
        for name, value in headers
    )


def cache_status(serve: Serve, age: float) -> str:
    """The ``Cache-Status`` field (RFC 9211) of *serve*."""
    if serve.state == "MISS":
        how = "collapsed" if serve.detail == "collapsed" else "stored"
        return "Flask-ISR; fwd=uri-miss" + (f"; {how}" if serve.stored else "")
    parts = ["Flask-ISR", "hit"]
    limits = serve.entry.lifetime
    limit = limits.expire if limits.revalidate is None else limits.revalidate
    if limit is not None:
        left = int(limit - age)
        parts.append(f"ttl={min(left, 0) if serve.state == 'STALE' else max(left, 0)}")
    elif serve.state == "STALE":
        parts.append("ttl=0")
    if serve.detail is not None:
        parts.append(f"detail={serve.detail}")
    return "; ".join(parts)


def is_conditional(environ: WSGIEnvironment) -> bool:
    """Whether the request might be answered by 304."""
    return "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MODIFIED_SINCE" in environ


def not_modified(environ: WSGIEnvironment, entry: Entry) -> bool:
    """Whether the visitor has the page already (RFC 9110, section 13.2.2).

    Only a page can be unmodified: a stored 404 is 404, whatever the condition.
    """
    if entry.status != 200:
        return False
    given = environ.get("HTTP_IF_NONE_MATCH")
    if given is not None:
        etags = parse_etags(given)
        opaque = entry.etag.removeprefix("W/").strip('"')
        return bool(etags.star_tag or etags.contains_weak(opaque))
    modified = next(
        (value for name, value in entry.headers if name.lower() == "last-modified"),
        None,
    )
    return modified is not None and not is_resource_modified(
        environ, last_modified=modified
    )


def without_body(headers: HeaderList) -> HeaderList:
    """The headers of a 304 in the place of an answer with *headers*."""
    return [
        (name, value) for name, value in headers if name.lower() not in _OF_THE_BODY
    ]


def respond(
    serve: Serve, environ: WSGIEnvironment, age: float
) -> tuple[str, HeaderList, list[bytes]]:
    """Status line, headers and body of *serve* for one request."""
    entry = serve.entry
    headers = page_headers(serve, age)
    if is_conditional(environ) and not_modified(environ, entry):
        return status_line(304), without_body(headers), []
    headers.append(("Content-Length", str(len(entry.body))))
    head = environ["REQUEST_METHOD"] == "HEAD"
    return status_line(entry.status), headers, [] if head else [entry.body]


def finish(
    serve: Serve,
    environ: WSGIEnvironment,
    status: str,
    headers: HeaderList,
    body: bytes,
) -> tuple[str, HeaderList, list[bytes]]:
    """Status line, headers and body of *serve* after hooks worked on it.

    Where they left it as it was, the page's ETag stands and the visitor may get a 304;
    where they made it their visitor's own, no other cache may keep it.
    """
    entry = serve.entry
    names = {name.lower() for name, _ in headers}
    if status.startswith("304"):
        # A hook judged the condition itself.
        return status, headers, []
    head = environ["REQUEST_METHOD"] == "HEAD"
    if head:
        length = ("content-length", str(len(entry.body)))
        same = length in {(name.lower(), value) for name, value in headers}
    else:
        same = body == entry.body
    if not same:
        # A tag that a hook made, such as for its compressed body, is its own word.
        headers = [
            (name, value)
            for name, value in headers
            if (name.lower(), value) != ("etag", entry.etag)
        ]
    if not same or "set-cookie" in names:
        headers = [
            (name, f"private, {value}")
            if name.lower() == "cache-control" and value == CACHE_CONTROL
            else (name, value)
            for name, value in headers
        ]
    elif (
        is_conditional(environ)
        and status.startswith("200")
        and ("etag", entry.etag) in {(name.lower(), value) for name, value in headers}
        and not_modified(environ, entry)
    ):
        return status_line(304), without_body(headers), []
    return status, headers, [] if head else [body]
