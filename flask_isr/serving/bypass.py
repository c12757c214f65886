"""Bypass: the requests that a stored page is not for, though they ask for it."""

from __future__ import annotations

import functools
import typing as t

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header
from werkzeug.http import parse_cookie

from ..core.inputs import OF_BODIES
from ..core.inputs import Inputs
from ..http.host import host_and_port
from ..http.query import is_tracker
from ..http.query import parameters

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Reasons for which an answer is private to its visitor: no shared cache may keep it.
PERSONAL: t.Final = {"authorization", "cookie", "environ", "header"}

_HTML = "text/html"
_JSON = "application/json"

_AUTHORIZATION = "authorization"

# Header to the variable by which servers tell the same; some set it though it is empty.
_VARIABLES = {
    _AUTHORIZATION: "REMOTE_USER",
    "content-length": "CONTENT_LENGTH",
    "content-type": "CONTENT_TYPE",
}


class Bypass:
    """Tells which requests bring what a render looked at.

    Such a request differs from that of the anonymous visitor for whom the page was made:
    the view answers it.

    :ivar absent: variables of the environ that a request for the stored page must lack.
    :ivar more: whether :meth:`reason` must be asked, too.
    """

    __slots__ = (
        "_accept",
        "_any_cookie",
        "_cookies",
        "_declared",
        "_headers",
        "_host",
        "_names",
        "_origin",
        "_scheme",
        "_variables",
        "_whole_query",
        "absent",
        "more",
    )

    def __init__(self, inputs: Inputs) -> None:
        self._headers = [
            (
                f"HTTP_{name.upper().replace('-', '_')}",
                _VARIABLES.get(name),
                name if name in (_AUTHORIZATION, "cookie") else "header",
            )
            for name in inputs.headers
        ]
        self._cookies = frozenset(inputs.cookies)
        # Names that are not ASCII are spelled otherwise in the header.
        self._any_cookie = not all(name.isascii() for name in inputs.cookies)
        self._names = frozenset(inputs.query)
        self._variables = inputs.variables
        self._whole_query = inputs.whole_query
        self._declared = frozenset(inputs.declared)
        self._accept = inputs.accept
        self._origin = inputs.origin
        self._scheme, _, self._host = inputs.origin.partition("://")
        self.absent = tuple(header for header, _, _ in self._headers)
        if _AUTHORIZATION in inputs.headers:
            # If it is set but empty, `reason` finds that out, inside of Flask.
            self.absent += (_VARIABLES[_AUTHORIZATION],)
        headers_only = Inputs(headers=inputs.headers) == inputs
        self.more = not headers_only or not OF_BODIES.isdisjoint(inputs.headers)

    def reason(self, environ: WSGIEnvironment) -> str | None:
        """Why the view answers a request, as ``Cache-Status`` details it; ``None`` if the
        stored page does."""
        for header, variable, detail in self._headers:
            if header in environ or (variable is not None and environ.get(variable)):
                return detail
        for name in self._variables:
            if name in environ:
                return "environ"
        if self._cookies and self._has_cookie(environ.get("HTTP_COOKIE")):
            return "cookie"
        if self._names or self._whole_query:
            query = environ.get("QUERY_STRING")
            if query and self._has_parameter(query):
                return "undeclared-query"
        if self._accept and not _prefers(environ.get("HTTP_ACCEPT", ""), self._accept):
            return "header"
        if self._origin and not self._is_at_origin(environ):
            return "origin"
        return None

    def _has_cookie(self, header: str | None) -> bool:
        if header is None:
            return False
        if not self._any_cookie and not any(name in header for name in self._cookies):
            return False
        try:
            return not self._cookies.isdisjoint(parse_cookie(header))
        except UnicodeError:
            return True

    def _has_parameter(self, query: str) -> bool:
        names = {name for name, _ in parameters(query)}
        if self._whole_query:
            return not all(map(is_tracker, names - self._declared))
        return not self._names.isdisjoint(names)

    def _is_at_origin(self, environ: WSGIEnvironment) -> bool:
        scheme = environ["wsgi.url_scheme"]
        if scheme != self._scheme:
            return False
        if environ.get("HTTP_HOST") == self._host:
            return True
        return host_and_port(environ) == self._host


@functools.lru_cache(maxsize=1000)
def bypass_of(inputs: Inputs) -> Bypass | None:
    """The bypass of a page whose render read *inputs*; ``None`` if it read none."""
    return Bypass(inputs) if inputs else None


@functools.lru_cache(maxsize=1000)
def _prefers(header: str, media_type: str) -> bool:
    """Whether a request with this ``Accept`` gets what the render chose, *media_type*.

    It does if it prefers that, or HTML as the render did, or takes anything alike.
    """
    accepted = parse_accept_header(header, MIMEAccept)
    best = max((quality for _, quality in accepted), default=0)
    wanted = {name.lower() for name, quality in accepted if quality == best > 0}
    # Scripts ask for JSON, and accept anything else if there is none.
    if _JSON in wanted - {media_type}:
        return False
    return not wanted.isdisjoint({media_type, _HTML, "*/*"})
