"""A flood of requests, and what it leaves in a process and on its disk."""

from __future__ import annotations

import sqlite3
import typing as t
from collections import deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from flask import Response
from flask import abort
from flask import redirect
from flask import url_for
from werkzeug.test import create_environ

from tests.support import Clock
from tests.support import Site

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

#: The pages that people read; the site of a test has a page at each of them.
HOT = [f"/pages/hot{number}" for number in range(20)]

# Items of a container that are looked into.
_LOOKED_INTO = 400


def special(name: str) -> Response | None:
    """What a site answers at an address that is none of an ordinary page: broken,
    missing, moved or personal, as the name begins."""
    match name.rstrip("0123456789"):
        case "broken":
            abort(503)
        case "missing":
            abort(404)
        case "moved":
            return t.cast(Response, redirect(url_for("page", name="hot1")))
        case "personal":
            answer = Response(name)
            answer.set_cookie("visitor", name)
            return answer
    return None


class Visitors:
    """Requests that cost no more than they must."""

    def __init__(self, site: Site, host: str = "localhost") -> None:
        self._site = site
        self._environ = create_environ("/", f"http://{host}")

    def ask(self, path: str, query: str = "", **environ: str) -> str | None:
        """Ask for a page; its cache state."""
        states: list[str | None] = []

        def start(
            _: str, headers: list[tuple[str, str]], exc_info: t.Any = None
        ) -> t.Any:
            states.append(dict(headers).get("X-ISR-Cache"))

        asked = {"PATH_INFO": path, "QUERY_STRING": query, **environ}
        body = self._site.app(
            {**self._environ, **asked}, t.cast("StartResponse", start)
        )
        for _ in body:
            pass
        close: Callable[[], None] | None = getattr(body, "close", None)
        if close is not None:
            close()
        return states[-1]

    def read_hot_pages(self, clock: Clock) -> None:
        """Have the store know that people read them."""
        for _ in range(2):
            for path in HOT:
                self.ask(path)
            # What is served from memory is reported once a minute.
            clock.advance(61)
            self.ask(HOT[0])
            self._site.settle()

    def find_hot_pages(self) -> set[str | None]:
        """Ask for all of them; their cache states."""
        return {self.ask(path) for path in HOT}


def rows(folder: Path, database: str, question: str) -> int:
    """What a database of the store answers to *question*, a number."""
    with closing(sqlite3.connect(folder / "isr" / f"{database}.sqlite")) as db:
        (number,) = db.execute(question).fetchone()
    return int(number or 0)


def stored_bytes(folder: Path) -> int:
    """What the pages in the store take, as it counts them."""
    return rows(folder, "pages", "SELECT sum(size) FROM records")


def containers(root: object) -> t.Iterator[tuple[str, t.Sized]]:
    """All containers that the extension's own objects hold, with their names."""
    seen: set[int] = set()
    found: deque[tuple[str, t.Any]] = deque([("state", root)])
    while found:
        name, thing = found.popleft()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, dict | list | set | frozenset | deque):
            yield name, thing
            values = thing.values() if isinstance(thing, dict) else thing
            found.extend((f"{name}[]", value) for value in list(values)[:_LOOKED_INTO])
        elif type(thing).__module__.startswith("flask_isr"):
            names = {
                *getattr(thing, "__dict__", ()),
                *(slot for cls in type(thing).__mro__ for slot in _slots(cls)),
            }
            found.extend(
                (f"{name}.{part}", getattr(thing, part, None)) for part in names
            )


def _slots(cls: type) -> tuple[str, ...]:
    slots = getattr(cls, "__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
