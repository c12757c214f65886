"""Warns of links in the built site that lead to no page or place of it.

Sphinx knows its own references; this finds what is left, such as an address that was
written out. Links to other sites are not followed.
"""

from __future__ import annotations

import logging
import typing as t
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from urllib.parse import urlsplit

# A child of Sphinx's own: with -W each of its warnings fails the build.
logger = logging.getLogger("sphinx.dead_links")

# Pages that Sphinx makes without a source.
_GENERATED = {"genindex.html", "py-modindex.html", "search.html"}


class _Page(HTMLParser):
    """The places of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = {"", "top"}
        self.links: list[str] = []

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        for name, value in attributes:
            if value is not None and name == "id":
                self.places.add(value)
            elif value is not None and name in ("href", "src") and tag != "link":
                self.links.append(value)


def dead_links(site: Path) -> list[str]:
    """Each dead link below *site*, with the page where it stands."""
    pages = {path: _parsed(path) for path in sorted(site.rglob("*.html"))}
    return [
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        if path.name not in _GENERATED
        for link in dict.fromkeys(page.links)
        if not _is_alive(link, path, pages)
    ]


def _parsed(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page


def _is_alive(link: str, path: Path, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = path.parent / unquote(parts.path) if parts.path else path
    target = target.resolve()
    if target not in pages:
        return target.is_file() and not parts.fragment
    return unquote(parts.fragment) in pages[target].places


def _look(app: t.Any, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for link in dead_links(Path(app.outdir).resolve()):
            logger.warning("a link leads nowhere: %s", link)


def setup(app: t.Any) -> dict[str, bool]:
    """Have Sphinx look when it has built the site."""
    app.connect("build-finished", _look)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
