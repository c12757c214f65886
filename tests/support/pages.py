"""A static page that counts its renders, and what a visitor sees of it."""

from __future__ import annotations

import itertools
import typing as t

from flask import Blueprint
from flask import Flask

from flask_isr import static_page

from . import Site
from . import cache_state


def add_page(
    site: Site | Flask | Blueprint,
    *args: t.Any,
    path: str = "/page",
    life: t.Callable[[], object] | None = None,
    **kwargs: t.Any,
) -> None:
    """Add a static page whose text is the number of its render.

    :param args: what ``static_page`` takes; *kwargs* too.
    :param life: called in each render.
    """
    count = itertools.count(1)
    app = site.app if isinstance(site, Site) else site

    @app.get(path)
    @static_page(*args, **kwargs)
    def page() -> str:
        if life is not None:
            life()
        return str(next(count))


def look(site: Site, path: str = "/page") -> tuple[str | None, str]:
    """State and text of the page, with the work that it starts done."""
    answer = site.get(path)
    site.settle()
    return cache_state(answer), answer.text
