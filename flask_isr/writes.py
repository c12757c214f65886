"""Requests that write: the page at their own URL expires, and the groups that they name."""

from __future__ import annotations

import logging
import re
import typing as t

from flask import has_request_context
from flask import request

from .application import Application
from .core.key import path_tag
from .errors import ConfigurationError
from .invalidation import Invalidation
from .revalidator import Revalidator
from .visit import VISIT
from .visit import Visit

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("flask_isr")

# Methods that change nothing; all others may, those of unknown meaning included
# (RFC 9111, section 4.4).
_SAFE = frozenset(
    {"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"}
)

# Groups that one answer may name; RFC 9875, section 2.1, asks for at least 32.
_GROUPS = 128

# One string of a list, with parameters, and what stands before the next (RFC 8941).
_GROUP = re.compile(
    r'[ \t]*"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"[ \t]*(?:;[^",]*)?(?:,|\Z)'
)


class Writes:
    """Follows requests with an unsafe method, for one application.

    A successful one (2xx or 3xx) expires the static page at its URL (RFC 9111, section
    4.4), and the tags that its answer names in ``Cache-Group-Invalidation`` (RFC 9875).
    Both happen when Flask has finished with the request, as a ``revalidate_*`` in the view
    would at the latest.
    """

    def __init__(self, application: Application, revalidator: Revalidator) -> None:
        self._application = application
        self._revalidator = revalidator
        settings = application.settings
        self._own_page = settings.expire_on_write
        self._groups = settings.cache_groups

    def follow(
        self,
        visit: Visit,
        environ: WSGIEnvironment,
        status: str,
        headers: list[tuple[str, str]],
    ) -> None:
        """Have *visit* invalidate what its answer, as it starts, calls for."""
        if status[:1] in ("2", "3") and not _is_read(visit):
            invalidations = [*self._page(environ), *self._named(headers)]
            if invalidations:
                visit.postpone(invalidations, self._revalidator.repeat)

    def _page(self, environ: WSGIEnvironment) -> t.Iterator[Invalidation]:
        mounted_at = environ.get("SCRIPT_NAME", "")
        if not self._own_page or mounted_at != self._application.prefix:
            return
        routes = self._application.routes
        match = routes.match_request(environ)
        # Where no view takes the request nothing was written: by a hook that redirects
        # whoever comes by plain HTTP strangers would expire all pages, and by the router's
        # own redirects to other spellings.
        if match is not None and match.page.expire_on_write and routes.accepts(environ):
            tag = path_tag(match.path)
            yield Invalidation(match.path, tag, "expire", is_path=True, match=match)

    def _named(self, headers: list[tuple[str, str]]) -> t.Iterator[Invalidation]:
        fields = [
            value
            for name, value in headers
            if name.lower() == "cache-group-invalidation"
        ]
        if not self._groups or not fields:
            return
        try:
            # All are looked at before the first is taken.
            yield from [
                self._revalidator.tag(group, "expire")
                for group in groups(", ".join(fields))
            ]
        except ConfigurationError as error:
            logger.error(
                "Cache-Group-Invalidation was ignored, and no page expired by it: %s",
                error,
            )


def is_unsafe(method: str) -> bool:
    """Whether a request with *method* may write something."""
    # In capitals, as Flask reads it: `get` gets a page, and writes nothing.
    return method.upper() not in _SAFE


def _is_read(visit: Visit) -> bool:
    """Whether Flask reads what was sent as a write: middleware on the way may have made a
    GET of it."""
    if has_request_context() and request.environ.get(VISIT) is visit:
        # Of the outermost request, whatever its view asked for on the same environ.
        return not is_unsafe(request.method)
    return visit.reads_page


def groups(field: str) -> list[str]:
    """The groups that a ``Cache-Group-Invalidation`` field names.

    :raises ConfigurationError: where it is no list of strings (RFC 8941, section 3.1), or
        has too many: all of it is ignored then.
    """
    found: list[str] = []
    end = 0
    open_ended = False
    while end < len(field) or open_ended:
        item = _GROUP.match(field, end)
        if item is None or len(found) >= _GROUPS:
            raise ConfigurationError(
                f"{field[:80]!r} is no list of at most {_GROUPS} quoted strings, such as"
                ' \'"products", "product:1"\'.'
            )
        found.append(re.sub(r"\\(.)", r"\1", item[1]))
        end = item.end()
        open_ended = item[0].endswith(",")
    return found
