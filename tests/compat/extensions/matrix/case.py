"""One extension, how it is set up, and which of its pages are expected to be hits."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from dataclasses import field

from flask import Flask

#: What a known visitor sends beside a browser's headers and their cookies.
Headers: t.TypeAlias = dict[str, str]
SetUp: t.TypeAlias = t.Callable[[Flask], Headers | None]
Server: t.TypeAlias = t.Callable[[], contextlib.AbstractContextManager[object]]

Level: t.TypeAlias = t.Literal["outside", "inside"]

HIT: t.Final = "HIT"

#: The pages of every site, in the order of the table in the docs; ``own`` is the one
#: that the extension itself shows something on, if the case has such a page.
PAGES: t.Final = ("plain", "template", "flashes", "404", "own")

#: Where a case says nothing else. A page that shows flashed messages looks at the
#: session, and the known visitor has one.
STRANGER: t.Final = dict.fromkeys(PAGES, HIT)
KNOWN: t.Final = {**STRANGER, "flashes": "session"}


@dataclass(frozen=True)
class Case:
    """An extension at its defaults.

    :param name: as the docs name it.
    :param set_up: initialises it; may add the views ``own`` (a static page at
        ``/own/<int:number>``) and ``enter`` (makes a visitor known, who is called Bob;
        by default it puts the name into the session).
    :param stranger: for each page ``HIT``, or how ``detail`` of ``Cache-Status`` begins.
    :param known: the same, for a visitor who is known.
    :param level: where hits of strangers are served.
    :param app_class: the application's class, imported late.
    :param server: what has to run meanwhile; gives a client of it, which is in the
        configuration as ``CLIENT``.
    :param config: what the application is configured with from the start.
    :param adds_nothing: whether its answers show nothing of the visitor who asks.
    :param greets: whether *own* says to the known visitor who they are, if the view
        answers them.
    :param alone: whether it changes the whole process, and needs one of its own.
    """

    name: str
    set_up: SetUp
    stranger: t.Mapping[str, str]
    known: t.Mapping[str, str]
    level: Level = "outside"
    app_class: t.Callable[[], type[Flask]] = field(default=lambda: Flask)
    server: Server | None = None
    config: t.Mapping[str, t.Any] = field(default_factory=dict)
    adds_nothing: bool = True
    greets: bool = True
    alone: bool = False


CASES: t.Final[dict[str, Case]] = {}


def case(
    name: str,
    *,
    stranger: t.Mapping[str, str] | None = None,
    known: t.Mapping[str, str] | None = None,
    **options: t.Any,
) -> t.Callable[[SetUp], SetUp]:
    """Add a case; *stranger* and *known* name the pages that are not as usual."""

    def add(set_up: SetUp) -> SetUp:
        assert name not in CASES, name
        expected = {**STRANGER, **(stranger or {})}, {**KNOWN, **(known or {})}
        CASES[name] = Case(name, set_up, *expected, **options)
        return set_up

    return add
