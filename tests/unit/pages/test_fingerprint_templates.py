"""Deployments that change a template, wherever Flask would load it from."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest
from flask import Blueprint
from flask import Flask
from jinja2 import BaseLoader
from jinja2 import ChoiceLoader
from jinja2 import DictLoader
from jinja2 import FileSystemLoader
from jinja2 import FunctionLoader
from jinja2 import PackageLoader
from jinja2 import PrefixLoader
from jinja2 import TemplateNotFound

from flask_isr.pages import fingerprint

from .deployed import Deployed
from .deployed import see
from .deployed import shows

pytestmark = pytest.mark.promise(8)


class Own(BaseLoader):
    """As Jinja's documentation has it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def get_source(self, environment: t.Any, template: str) -> t.Any:
        """The template, if it is there."""
        found = Path(self.path, template)
        if not found.exists():
            raise TemplateNotFound(template)
        return found.read_text(), str(found), lambda: True


class Listed(BaseLoader):
    """It tells what it has, and not where."""

    def __init__(self, path: str) -> None:
        self._own = [Own(path)]

    def get_source(self, environment: t.Any, template: str) -> t.Any:
        """The template, if it is there."""
        return self._own[0].get_source(environment, template)

    def list_templates(self) -> list[str]:
        """Their names."""
        return os.listdir(self._own[0].path)


class Wrapped(BaseLoader):
    """It asks another."""

    def __init__(self, loader: BaseLoader) -> None:
        self.loader = loader

    def get_source(self, environment: t.Any, template: str) -> t.Any:
        """What the other has."""
        return self.loader.get_source(environment, template)


def _package(path: str) -> BaseLoader:
    folder = Path(path)
    sys.modules.pop(folder.name, None)
    sys.path.insert(0, str(folder.parent))
    try:
        return PackageLoader(folder.name, "")
    finally:
        sys.path.pop(0)
        sys.modules.pop(folder.name, None)


#: Loaders of the templates in a folder.
LOADERS: t.Final[t.Mapping[str, t.Callable[[str], BaseLoader]]] = {
    "file": FileSystemLoader,
    "choice": lambda path: ChoiceLoader([DictLoader({}), FileSystemLoader(path)]),
    "prefix": lambda path: PrefixLoader({"x": FileSystemLoader(path)}),
    "package": _package,
    "own": Own,
    "listed": Listed,
    "wrapped": lambda path: Wrapped(FileSystemLoader(path)),
}


class TestWhatFlaskLoads:
    """Templates count wherever a loader finds them."""

    @pytest.mark.parametrize(
        "folder", ["pages", "deep/pages", "../elsewhere", "templates"]
    )
    @pytest.mark.parametrize("whose", ["app", "blueprint", "nested"])
    def test_a_template_folder(
        self, deployed: Deployed, whose: str, folder: str
    ) -> None:
        """Of any name, in any place, of the application or of a blueprint that comes after
        the extension."""
        options = {"template_folder": folder} if whose == "app" else {}

        def add(app: Flask) -> None:
            shows("page.html")(app)
            given: dict[str, t.Any] = {
                "root_path": str(deployed.root),
                "template_folder": folder,
            }
            inner = Blueprint("inner", "inner", **given)
            if whose == "nested":
                outer = Blueprint("outer", "outer", root_path=str(deployed.root))
                outer.register_blueprint(inner)
                app.register_blueprint(outer)
            elif whose == "blueprint":
                app.register_blueprint(inner)

        assert deployed.notices(add, f"{folder}/page.html", **options)

    @pytest.mark.parametrize("folder", ["themes/a", "../elsewhere"])
    @pytest.mark.parametrize("kind", LOADERS)
    def test_a_loader(self, deployed: Deployed, kind: str, folder: str) -> None:
        """Whatever kind it is of."""

        def add(app: Flask) -> None:
            shows("x/page.html" if kind == "prefix" else "page.html")(app)
            app.jinja_loader = LOADERS[kind](str(deployed.root / folder))

        # What the loader of a package needs.
        deployed.write(f"{folder}/__init__.py", "")
        assert deployed.notices(add, f"{folder}/page.html")

    @pytest.mark.parametrize("name", ["themes/page.html", "templates/page.html"])
    def test_a_loader_in_the_place_of_all(self, deployed: Deployed, name: str) -> None:
        """Which the environment was given."""

        def add(app: Flask) -> None:
            shows("page.html")(app)
            env = app.jinja_env
            assert env.loader is not None
            themes = FileSystemLoader(deployed.root / "themes")
            env.loader = ChoiceLoader([env.loader, themes])

        assert deployed.notices(add, name)

    def test_a_template_of_a_link(
        self,
        deployed: Deployed,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A theme that is linked into the folder; a ring of links is gone round once."""
        monkeypatch.setattr(fingerprint, "_ENTRIES", 20)
        (tmp_path / "theme").mkdir()
        templates = deployed.root / "templates"
        templates.mkdir()
        (templates / "theme").symlink_to(tmp_path / "theme")
        (tmp_path / "theme" / "ring").symlink_to(templates)
        add = shows("theme/page.html")
        assert deployed.notices(add, "templates/theme/page.html")
        assert "there are more" not in caplog.text

    def test_templates_that_are_none_of_files(self, deployed: Deployed) -> None:
        """A loader that tells what it has is asked."""
        texts = iter(["old", "old", "new"])

        def add(app: Flask) -> None:
            app.jinja_loader = DictLoader({"page.html": next(texts)})
            shows("page.html")(app)

        assert deployed.notices(add, "nothing")

    def test_a_loader_that_does_not_tell_is_told_of(
        self, deployed: Deployed, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Once, with what to do; not where that was done."""

        def add(app: Flask) -> None:
            app.jinja_loader = FunctionLoader(lambda name: "text")
            shows("page.html")(app)

        see(deployed.start(add))
        assert "the templates of FunctionLoader cannot be listed" in caplog.text
        assert "ISR_BUILD_FILES" in caplog.text
        caplog.clear()
        deployed.config["ISR_BUILD_FILES"] = ["content"]
        see(deployed.start(add))
        assert "listed" not in caplog.text

    def test_a_fault_of_a_loader_is_no_fault_of_the_site(
        self, deployed: Deployed, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its templates are not told from others."""

        class Broken(DictLoader):
            def list_templates(self) -> t.NoReturn:
                raise LookupError("the database is down")

        def add(app: Flask) -> None:
            app.jinja_loader = Broken({"page.html": "text"})
            shows("page.html")(app)

        assert see(deployed.start(add)) == ("text", "MISS")
        assert "Broken (the database is down)" in caplog.text
