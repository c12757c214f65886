"""Releases of an application that is read from disk anew by each of its processes."""

from __future__ import annotations

import typing as t
from pathlib import Path

from flask import Flask
from flask import render_template

from flask_isr import static_page
from flask_isr.pages import fingerprint
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state


def see(site: Site) -> tuple[str, str | None]:
    """What the page says, and where it came from."""
    answer = site.get("/")
    return answer.text, cache_state(answer)


class Deployed:
    """An application in a folder, started anew as each release finds it on disk."""

    def __init__(self, make_site: MakeSite, root: Path) -> None:
        self._make_site = make_site
        self.root = root
        self.config: dict[str, t.Any] = {}

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder, or beside it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, add: t.Callable[[Flask], object], **options: t.Any) -> Site:
        """Start a process; *add* gives the application its views."""
        fingerprint._digest.cache_clear()
        root = str(self.root)

        class App(Flask):
            def __init__(self, name: str, **more: t.Any) -> None:
                super().__init__(name, root_path=root, **{**more, **options})

        site = self._make_site(app_class=App, **self.config)
        add(site.app)
        return site

    def notices(
        self, add: t.Callable[[Flask], object], name: str, **options: t.Any
    ) -> bool:
        """Whether a release that changes one file renews the page."""
        path = self.write(name, "old")
        assert see(self.start(add, **options))[1] == "MISS"
        assert see(self.start(add, **options))[1] == "HIT"
        path.write_text("new")
        site = self.start(add, **options)
        state = see(site)[1]
        site.settle()
        return state == "STALE"


def shows(name: str) -> t.Callable[[Flask], object]:
    """The page is that template."""

    def add(app: Flask) -> None:
        def page() -> str:
            return render_template(name)

        page.__module__ = "builtins"
        app.add_url_rule("/", "page", static_page()(page))

    return add


def text_of(path: Path) -> t.Callable[[Flask], object]:
    """The page shows a file."""

    def add(app: Flask) -> None:
        def page() -> str:
            return path.read_text()

        page.__module__ = "builtins"
        app.add_url_rule("/", "page", static_page()(page))

    return add
