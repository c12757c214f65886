"""A worker that serves more pages than its memory may hold, and says what it took.

``python -m tests.system.bounds.memory_use FOLDER LIMIT PAGES SIZE TAGS VARIANTS`` prints
how many bytes the process grew by, and how many its memory counts.
"""

from __future__ import annotations

import dataclasses
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from werkzeug.test import create_environ
from werkzeug.test import run_wsgi_app

from flask_isr import ISR
from flask_isr import static_page
from flask_isr.core.entry import Entry
from flask_isr.core.key import PageKey
from flask_isr.runtime import Runtime


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _make_app(folder: str, limit: int, size: int, tags: int) -> Flask:
    app = Flask("site", instance_path=folder)
    app.config["ISR_MEMORY_BYTES"] = limit
    ISR(app)

    @app.get("/pages/<name>")
    @static_page(
        revalidate=60,
        tags=[f"tag-{number}-of-{{name}}" for number in range(tags)],
        query=["v"],
    )
    def page(name: str) -> str:
        return "x" * size

    return app


def _visit(app: Flask, path: str, query: str) -> None:
    # The second answer comes from memory, and is kept ready for the next.
    for _ in range(2):
        body, *_ = run_wsgi_app(app, create_environ(path, query_string=query))
        assert b"".join(body)


def _names(kind: str, number: int, variants: int) -> Iterator[tuple[str, str]]:
    for page in range(number // variants):
        for variant in range(variants):
            yield f"/pages/{kind}{page}", f"v={variant}" if variants > 1 else ""


def _store(app: Flask, names: Iterator[tuple[str, str]]) -> None:
    """Write copies of one rendered page: to render each would take too long."""
    state: Runtime = app.extensions["isr"]
    _visit(app, "/pages/first", "")
    match, _ = state.routes.match_url("/pages/first")
    found = state.store.load(match.key())
    assert found is not None
    first = found.record
    assert isinstance(first, Entry)
    own = first.tags - first.key.implicit_tags
    for path, query in names:
        pairs = (("v", query[2:]),) if query else ()
        key = PageKey(first.key.rule, path, pairs, first.key.namespace)
        name = path.rsplit("/", 1)[1]
        tags = {tag.replace("first", name) for tag in own}
        entry = dataclasses.replace(first, key=key, tags=key.implicit_tags | tags)
        assert state.store.put(entry) is not None


def main(
    folder: str, limit: int, pages: int, size: int, tags: int, variants: int
) -> None:
    """Print how much the process grew while it served, and what its memory counts."""
    app = _make_app(folder, limit, size, tags)
    state: Runtime = app.extensions["isr"]
    for kind, number in (("w", 50), ("n", pages)):
        _store(app, _names(kind, number, min(variants, number)))
    for name in _names("w", 50, min(variants, 50)):
        _visit(app, *name)
    state.memory.clear()
    gc.collect()
    before = _resident()
    for name in _names("n", pages, variants):
        _visit(app, *name)
    state.runner.drain(20)
    gc.collect()
    sys.stdout.write(f"{_resident() - before} {state.memory.bytes}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
