"""The paths that a static page declares."""

from __future__ import annotations

import contextvars
import typing as t
from collections.abc import Iterable
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.parse import urlunsplit

from flask import url_for

from ..core.key import PageKey
from ..errors import ISRError
from ..http.host import host_name
from .application import Application
from .decorator import StaticPage
from .routes import Match

#: The endpoint whose list is being asked for in this context. The application may request
#: its own pages to make the list, and these must not wait for it.
asked: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "flask_isr.asked", default=None
)


class PathError(ISRError, ValueError):
    """One item of ``paths`` is not a page of its view.

    :param endpoint: the endpoint whose item it is.
    :param item: the item.
    """

    def __init__(self, endpoint: str, item: t.Any, reason: str) -> None:
        #: The endpoint whose item it is.
        self.endpoint = endpoint
        #: The item.
        self.item = item
        super().__init__(f"paths= of the static page {endpoint!r}: {item!r}: {reason}")


def declared_pages(
    application: Application, endpoint: str
) -> tuple[list[Match], list[PathError]]:
    """Ask the application which pages of *endpoint* exist.

    Must not be called on the stack of a live request: the callable may work with a
    database session that the request has open.

    :return: the pages, each once, and the items that are none.
    :raises Exception: what the callable raises.
    """
    page = application.routes.pages[endpoint]
    pages: dict[PageKey, Match] = {}
    errors: list[PathError] = []

    def ask() -> None:
        asked.set(endpoint)
        with application.app.test_request_context(
            base_url=f"{application.render_origin.origin}/"
        ):
            for item in _items(page, endpoint, errors):
                try:
                    match = _resolve(application, endpoint, item)
                except PathError as error:
                    errors.append(error)
                else:
                    pages.setdefault(match.key(), match)

    contextvars.Context().run(ask)
    return list(pages.values()), errors


def _items(
    page: StaticPage, endpoint: str, errors: list[PathError]
) -> t.Iterator[t.Any]:
    paths: t.Any = page.paths() if callable(page.paths) else page.paths
    if isinstance(paths, str | bytes | Mapping) or not isinstance(paths, Iterable):
        reason = "paths must give an iterable of URL values or paths"
        errors.append(PathError(endpoint, paths, reason))
        return
    yield from paths


def _resolve(application: Application, endpoint: str, item: t.Any) -> Match:
    host = ""
    if isinstance(item, Mapping):
        # The router adds the host if it is another one than the site's own.
        url = urlsplit(_build(application, endpoint, item))
        host = host_name(url.netloc)
        item_path = urlunsplit(("", "", url.path, url.query, url.fragment))
    elif isinstance(item, str):
        item_path = item
    else:
        reason = "neither URL values, such as {'product_id': 1}, nor a path"
        raise PathError(endpoint, item, reason)
    try:
        match, query = application.routes.match_url(item_path, host)
    except LookupError as error:
        raise PathError(endpoint, item, str(error)) from None
    if match.endpoint != endpoint:
        raise PathError(endpoint, item, f"that path belongs to {match.endpoint!r}")
    if query:
        raise PathError(endpoint, item, "a query string cannot be built ahead")
    return match


def _build(application: Application, endpoint: str, values: Mapping[str, t.Any]) -> str:
    known = set().union(
        *(rule.arguments for rule in application.routes.rules_of(endpoint))
    )
    unknown = set(values) - known
    if unknown:
        names = ", ".join(sorted(map(str, unknown)))
        raise PathError(endpoint, values, f"the rule has no {names}")
    try:
        return url_for(endpoint, **values)
    except Exception as error:
        # BuildError for a missing value, ValueError and others from converters.
        raise PathError(endpoint, values, f"no URL can be built ({error})") from None
