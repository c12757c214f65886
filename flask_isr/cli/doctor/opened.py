"""Finds the files that pages are made from: those that renders open."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import typing as t
from pathlib import Path

from ...pages.paths import declared_pages
from ...pages.routes import Match
from ...pages.routes import is_fixed
from ...pages.sources import is_installed
from ...runtime import Runtime

# At most so many pages are rendered, one of each view, and so many files are noted.
_PAGES = 20
_FILES = 1000

# Folders of the system, which hold nothing of an application.
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/run")

# Files of Python, and of Jinja's cache of compiled templates.
_COMPILED = (".py", ".pyc", ".so", ".cache")

# The sets that are filled at this moment. The audit hook cannot be removed, and does
# nothing if there is none.
_noted: list[set[str]] = []
_hooked = threading.Event()


def opened_by_renders(runtime: Runtime) -> list[Path]:
    """The files that a render of some pages reads, other than Python's and the system's.

    The rendered pages are not stored. Views that take too long are left alone.
    """
    opened: set[str] = set()
    runtime.application.prepare()

    def render() -> None:
        with noting(opened):
            for match in _some_pages(runtime):
                # A failure is told when the page is asked for.
                with contextlib.suppress(Exception):
                    runtime.renderer(match.key())

    thread = threading.Thread(target=render, daemon=True)
    thread.start()
    thread.join(runtime.settings.render_timeout)
    return content_of(runtime, opened)


def content_of(runtime: Runtime, opened: t.Collection[str]) -> list[Path]:
    """The files among *opened* that are neither Python's nor the system's, and that the
    application does not write."""
    folders = [Path(runtime.application.app.instance_path), runtime.settings.folder]
    paths = sorted({Path(os.path.realpath(path)) for path in list(opened)})
    return [path for path in paths if path.is_file() and _is_content(path, folders)]


def _is_content(path: Path, others: t.Sequence[Path]) -> bool:
    places = map(str, (sys.prefix, sys.base_prefix, *_SYSTEM, *others))
    return (
        path.suffix not in _COMPILED
        and not is_installed(path)
        and not any(path.is_relative_to(os.path.realpath(place)) for place in places)
    )


@contextlib.contextmanager
def noting(opened: set[str]) -> t.Iterator[None]:
    """Add the path of each file that this process opens for reading to *opened*."""
    if not _hooked.is_set():
        _hooked.set()
        sys.addaudithook(_note)
    _noted.append(opened)
    try:
        yield
    finally:
        _noted.remove(opened)


def _note(event: str, arguments: tuple[t.Any, ...]) -> None:
    if event != "open" or not _noted:
        return
    path, _, flags = arguments
    # An error here must not keep code from opening a file.
    with contextlib.suppress(Exception):
        reads = not flags & (os.O_WRONLY | os.O_RDWR)
        if reads and isinstance(path, str | bytes | os.PathLike):
            for opened in _noted:
                if len(opened) < _FILES:
                    opened.add(os.path.abspath(os.fsdecode(path)))


def _some_pages(runtime: Runtime) -> t.Iterator[Match]:
    for endpoint, page in list(runtime.routes.pages.items())[:_PAGES]:
        with contextlib.suppress(Exception):
            if page.paths is not None:
                pages, _ = declared_pages(runtime.application, endpoint)
            else:
                rules = runtime.routes.rules_of(endpoint)
                found = [
                    runtime.routes.match(rule.rule, runtime.routes.hosts[0])
                    for rule in rules
                    if is_fixed(rule)
                ]
                pages = [match for match in found if match is not None]
            yield from pages[:1]
