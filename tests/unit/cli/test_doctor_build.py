"""``flask isr doctor`` on what a deploy is noticed by."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FunctionLoader

from flask_isr import static_page
from flask_isr.cli.doctor import opened
from flask_isr.pages import fingerprint
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state
from tests.support.doctor import Doctor


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An application's folder with content, in one that is no instance folder."""
    # Temporary folders may be in /dev/shm.
    others = [place for place in opened._SYSTEM if not tmp_path.is_relative_to(place)]
    monkeypatch.setattr(opened, "_SYSTEM", tuple(others))
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
        fingerprint._digest.cache_clear()
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


SITE = """
import pathlib
import sys

import flask
import flask_isr

here = pathlib.Path(__file__).parent
imported = (here / "data.json").read_text()
print("as it is made", file=sys.stdout)


def create_app():
    app = flask.Flask(__name__, instance_path=str(here / "instance"))
    app.config.from_prefixed_env()
    for name in (".env", "instance/state.json", "site.egg-info/PKG-INFO"):
        (here / name).read_text()
    (here.parent / "elsewhere.txt").read_text()
    with (here / "made.log").open("w"):
        posts = [path.read_text() for path in (here / "content").rglob("*.md")]
    flask_isr.ISR(app)
    app.add_url_rule("/", view_func=flask_isr.static_page()(lambda: "".join(posts)))
    return app
"""


@pytest.fixture
def made(tmp_path: Path) -> t.Callable[..., str]:
    """What the doctor says of the build of an application that reads content while it is
    made, to a command that finds it by its name."""
    place = tmp_path / "made"
    for name in ("content/de/post.md", "content/home.md", "content/en/post.md"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
    for name in (".env", "instance/state.json", "site.egg-info/PKG-INFO", "data.json"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("{}")
    (tmp_path / "elsewhere.txt").write_text("text")
    (place / "pages.py").write_text(SITE)

    def made(**settings: str) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "pages", "isr", "doctor"],
            cwd=place,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[3]),
                **{f"FLASK_{name}": value for name, value in settings.items()},
            },
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line for line in run.stdout.splitlines() if " build " in line]
        return "\n".join(lines) or run.stderr

    return made


@pytest.mark.slow
def test_what_is_read_while_the_application_is_made_is_named(
    made: t.Callable[..., str],
) -> None:
    """Pages may show it: content that is loaded once, at the start."""
    text = made()
    assert text.startswith("warning")
    assert "while it starts" in text
    assert text.endswith("ISR_BUILD_FILES: ['content/**/*.md', '*.json'].")


@pytest.mark.slow
def test_what_is_read_at_the_start_and_watched_is_not(
    made: t.Callable[..., str],
) -> None:
    """The setting that the warning asks for ends it."""
    assert made(ISR_BUILD_FILES='["content/**/*.md", "*.json"]').startswith("ok")
