"""``flask isr doctor`` on what a deploy is noticed by."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FunctionLoader

from flask_isr import build
from flask_isr import static_page
from flask_isr.cli import opened

from ..conftest import MakeSite
from ..support import Site
from ..support import cache_state
from .doctor import Doctor


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An application's folder with content, in one that is no instance folder."""
    root = tmp_path / "project" / "site"
    (root / "content" / "de").mkdir(parents=True)
    for name in ("content/home.md", "content/de/post.rst", "data.json"):
        (root / name).write_text(name)
    return root


@pytest.fixture
def start(make_site: MakeSite, root: Path) -> t.Callable[..., Site]:
    """Start the application, whose pages show files."""

    class App(Flask):
        def __init__(self, name: str, **options: t.Any) -> None:
            options["instance_path"] = str(root / "instance")
            super().__init__(name, root_path=str(root), **options)

    def start(**config: t.Any) -> Site:
        build._digest.cache_clear()
        site = make_site(app_class=App, **config)

        @site.app.get("/")
        @static_page()
        def home() -> str:
            return (root / "content" / "home.md").read_text()

        @site.app.get("/<slug>")
        @static_page(paths=["/post", "/other"])
        def post(slug: str) -> str:
            return (root / "content" / "de" / f"{slug}.rst").read_text()

        return site

    return start


def test_files_that_renders_open_are_named(
    start: t.Callable[..., Site], root: Path
) -> None:
    """With what to set; what they show is not stored."""
    site = start()
    level, text = Doctor(site).check("build")
    assert level == "warning"
    assert "'content/de/*.rst', 'content/*.md'" in text
    assert str(root / "content" / "de" / "post.rst") in text
    assert cache_state(site.get("/")) == "MISS"


@pytest.mark.parametrize("files", [["content"], ["content/**/*.*"]])
def test_what_is_watched_is_not(start: t.Callable[..., Site], files: list[str]) -> None:
    """Nor is it where the application says its build itself."""
    assert Doctor(start(ISR_BUILD_FILES=files)).check("build")[0] == "ok"
    for id in ("release 7", None):
        assert Doctor(start(ISR_BUILD_ID=id)).check("build")[0] == "ok"


def test_a_name_that_names_nothing_is_told(start: t.Callable[..., Site]) -> None:
    """As one that is misspelt."""
    level, text = Doctor(start(ISR_BUILD_FILES=["content", "contents/*"])).check(
        "build"
    )
    assert (level, "'contents/*' of ISR_BUILD_FILES names no file" in text) == (
        "warning",
        True,
    )


def test_templates_that_cannot_be_listed_are_told(
    start: t.Callable[..., Site],
) -> None:
    """As in the log."""
    site = start()
    site.app.jinja_loader = FunctionLoader(lambda name: "text")
    assert "FunctionLoader cannot be listed" in Doctor(site).check("build")[1]


@pytest.mark.parametrize("name", ["instance/state.json", "module.py", "new.txt"])
def test_what_is_not_deployed_does_not_count(
    make_site: MakeSite, start: t.Callable[..., Site], root: Path, name: str
) -> None:
    """What the application writes, and what Python and the system have."""
    site = start(ISR_BUILD_FILES=["content"])
    (root / "instance").mkdir()
    path = root / name
    path.write_text("text")

    @site.app.get("/state")
    @static_page()
    def state() -> str:
        with path.open("w" if name == "new.txt" else "r") as file:
            Path("/etc/hosts").read_text()
            return str(file.fileno() and "page")

    assert Doctor(site).check("build")[0] == "ok"


def test_a_view_that_fails_tells_what_it_opened(
    start: t.Callable[..., Site], root: Path
) -> None:
    """As the others do."""
    site = start()

    @site.app.get("/broken")
    @static_page()
    def broken() -> str:
        (root / "data.json").read_text()
        raise LookupError

    assert "'*.json'" in Doctor(site).check("build")[1]


def test_nothing_is_noted_beside_the_doctor(
    start: t.Callable[..., Site],
) -> None:
    """The hook that Python cannot take away has nothing to write to."""
    Doctor(start())
    assert opened._noted == []
