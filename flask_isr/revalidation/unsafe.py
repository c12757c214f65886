"""Requests that write: they expire the page at their URL, and the groups they name."""

from __future__ import annotations

import logging
import typing as t

from flask import has_request_context
from flask import request

from ..core.key import path_tag
from ..errors import ConfigurationError
from ..http.groups import groups
from ..http.methods import is_unsafe
from ..pages.application import Application
from ..pages.invalidation import Invalidation
from ..serving.request_state import REQUEST_STATE
from ..serving.request_state import RequestState
from .service import Revalidator

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("flask_isr")


class UnsafeRequests:
    """Follows requests with an unsafe method, for one application.

    A successful request (2xx or 3xx) expires the static page at its URL (RFC 9111, section
    4.4), and the tags that its answer names in ``Cache-Group-Invalidation`` (RFC 9875).
    Both happen when Flask has finished with the request, which is also the latest moment
    for a ``revalidate_*`` in the view.
    """

    def __init__(self, application: Application, revalidator: Revalidator) -> None:
        self._application = application
        self._revalidator = revalidator
        settings = application.settings
        self._own_page = settings.expire_on_write
        self._groups = settings.cache_groups

    def follow(
        self,
        state: RequestState,
        environ: WSGIEnvironment,
        status: str,
        headers: list[tuple[str, str]],
    ) -> None:
        """Have *state* invalidate what the start of its answer calls for."""
        if status[:1] in ("2", "3") and not _is_read(state):
            invalidations = [*self._page(environ), *self._named(headers)]
            if invalidations:
                state.postpone(invalidations, self._revalidator.repeat)

    def _page(self, environ: WSGIEnvironment) -> t.Iterator[Invalidation]:
        mounted_at = environ.get("SCRIPT_NAME", "")
        if not self._own_page or mounted_at != self._application.prefix:
            return
        routes = self._application.routes
        match = routes.match_request(environ)
        # If no view takes the request, nothing was written. Else anybody could expire all
        # pages by a hook that redirects plain HTTP, or by the router's own redirects to
        # other spellings.
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
            # All groups are checked before the first is taken.
            yield from [
                self._revalidator.tag(group, "expire")
                for group in groups(", ".join(fields))
            ]
        except ConfigurationError as error:
            logger.error(
                "Cache-Group-Invalidation was ignored, and no page expired by it: %s",
                error,
            )


def _is_read(state: RequestState) -> bool:
    """Whether Flask sees a read in what was sent as a write: middleware on the way may have
    made a GET of it."""
    if has_request_context() and request.environ.get(REQUEST_STATE) is state:
        # The method of the outermost request, whatever its view asks for on this environ.
        return not is_unsafe(request.method)
    return state.reads_page
