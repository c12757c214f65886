"""What a sealed render reads of its visitor and the page does not declare."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from flask import Flask

from .page import StaticPage
from .personal import session_cookie
from .place import Place
from .place import Places

Kind: t.TypeAlias = t.Literal["query", "cookie", "header"]

# In one render; more of them are not looked at.
_KEPT = 16


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that was read.

    :param name: of the parameter, the cookie or the header; ``None``: all of them.
    :param late: whether a hook read it after the view had answered.
    """

    kind: Kind
    name: str | None
    place: Place
    late: bool


class Reads:
    """Collects what one render of *page* reads, each thing once.

    :ivar places: finds the lines of the application that read.
    """

    def __init__(self, app: Flask, page: StaticPage) -> None:
        self._declared = page.query
        self._app = app
        self.places = Places(app, page.view)
        self._found: dict[tuple[Kind, str | None], Read] = {}

    def note(self, kind: Kind, name: t.Any, *, late: bool) -> None:
        """Something was read just now."""
        if self._is_expected(kind, name):
            return
        if (kind, name) in self._found or len(self._found) >= _KEPT:
            return
        place = self.places.caller()
        # Flask-Login and others look at cookies and headers for reasons of their own. For
        # a query parameter that a library reads (a pagination, a form), its caller asked.
        if place is not None and (place.direct or kind == "query"):
            self._found[kind, name] = Read(kind, name, place, late)

    def _is_expected(self, kind: Kind, name: t.Any) -> bool:
        if kind == "query":
            return bool(self._declared) if name is None else name in self._declared
        # An application's own sessions read it: whoever has one is known by it.
        return kind == "cookie" and name == session_cookie(self._app)

    def undeclared(self, *, stored: bool, hooks_run_once: bool) -> list[Read]:
        """What the page gets wrong.

        :param stored: whether the page is stored; else each visitor's own request is
            answered, and only a parameter that is missed may be what keeps it from that.
        :param hooks_run_once: whether hooks after the view do not run for each visitor,
            and nobody asked for that.
        """
        return [
            read
            for read in self._found.values()
            if (hooks_run_once if read.late else stored or read.kind == "query")
        ]
