"""Conditional requests: whether a visitor has the page already, or wants it at all."""

from __future__ import annotations

import typing as t

from werkzeug.http import is_resource_modified
from werkzeug.http import parse_date
from werkzeug.http import parse_etags

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def is_conditional(environ: WSGIEnvironment) -> bool:
    """Whether the request has a condition that may change its answer."""
    return (
        "HTTP_IF_NONE_MATCH" in environ
        or "HTTP_IF_MODIFIED_SINCE" in environ
        or "HTTP_IF_MATCH" in environ
        or "HTTP_IF_UNMODIFIED_SINCE" in environ
    )


def evaluate(
    environ: WSGIEnvironment, etag: str, headers: t.Iterable[tuple[str, str]]
) -> int | None:
    """The status that the conditions ask for instead of 200: 304, 412, or ``None``.

    The order is that of RFC 9110, section 13.2.2. The page must have status 200: a stored
    404 stays 404, whatever the condition (section 13.2.1).

    :param etag: that of the form of the page that would be sent.
    :param headers: those of the page, for its ``Last-Modified``.
    """
    modified = _last_modified(headers)
    if not _wanted(environ, etag, modified):
        return 412
    given = environ.get("HTTP_IF_NONE_MATCH")
    if given is not None:
        known = parse_etags(given.strip())
        return 304 if known.star_tag or known.contains_weak(_opaque(etag)) else None
    if modified is not None and not is_resource_modified(
        environ, last_modified=modified
    ):
        return 304
    return None


def _wanted(environ: WSGIEnvironment, etag: str, modified: str | None) -> bool:
    given = environ.get("HTTP_IF_MATCH")
    if given is not None:
        known = parse_etags(given.strip())
        # Compared strongly: a weak tag is never equal to anything.
        strong = not etag.startswith("W/") and known.contains(_opaque(etag))
        return known.star_tag or strong or not known
    limit = parse_date(environ.get("HTTP_IF_UNMODIFIED_SINCE"))
    last = parse_date(modified)
    return limit is None or last is None or last <= limit


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _last_modified(headers: t.Iterable[tuple[str, str]]) -> str | None:
    return next(
        (value for name, value in headers if name.lower() == "last-modified"), None
    )
