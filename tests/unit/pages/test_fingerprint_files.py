"""Deployments that change code or content."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from flask import Blueprint
from flask import Flask

from flask_isr import ISR
from flask_isr import static_page
from flask_isr.pages import fingerprint
from flask_isr.pages import sources

from .deployed import Deployed
from .deployed import see
from .deployed import shows
from .deployed import text_of

pytestmark = pytest.mark.promise(8)


class TestCode:
    """The application's own, wherever it is."""

    @pytest.mark.parametrize("how", ["module", "package", "blueprint", "namespace"])
    def test_what_views_come_from(
        self,
        deployed: Deployed,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        how: str,
    ) -> None:
        """Beside the application's folder: the module, or all of the package."""
        names = {
            "module": ("own_module", "../own_module.py"),
            "package": ("own_package.views", "../own_package/deep/helpers.py"),
            "blueprint": ("own_package.views", "../own_package/deep/helpers.py"),
            "namespace": ("own_space.shop.views", "../own_space/shop/helpers.py"),
        }
        module, file = names[how]
        for folder in ("own_package", "own_space/shop"):
            deployed.write(f"../{folder}/__init__.py", "")
            deployed.write(f"../{folder}/views.py", "")
        deployed.write(file, "")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.import_module(module)

        def add(app: Flask) -> None:
            def page() -> str:
                return "page"

            page.__module__ = "builtins" if how == "blueprint" else module
            app.add_url_rule("/", "page", static_page()(page))
            if how == "blueprint":
                app.register_blueprint(Blueprint("own", module))

        try:
            assert deployed.notices(add, file)
        finally:
            for name in [name for name in sys.modules if name.startswith("own_")]:
                del sys.modules[name]

    def test_installed_packages_do_not_count(self, deployed: Deployed) -> None:
        """Nor the standard library, nor the extension."""
        app = Flask("app", root_path=str(deployed.root))
        ISR(app)
        app.add_url_rule("/", "page", _own_view)
        app.register_blueprint(ISR().blueprint)
        assert sources.code_of(app) == [Path(__file__).parents[2]]
        app.view_functions["page"] = json.dumps
        assert sources.code_of(app) == []

    def test_code_that_was_changed_after_the_start_is_of_no_build(
        self, deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was loaded as it was, and is looked at when the application is complete: what
        this process makes is neither the old build's nor the new one's."""
        deployed.write("../own_late.py", "old")
        monkeypatch.setitem(sys.modules, "own_late", ModuleType("own_late"))
        sys.modules["own_late"].__file__ = str(tmp_path / "own_late.py")

        def add(app: Flask) -> None:
            def page() -> str:
                return "page"

            page.__module__ = "own_late"
            app.add_url_rule("/", "page", static_page()(page))

        early = deployed.start(add)
        late = time.time() + 60
        monkeypatch.setattr(fingerprint, "_changed_at", lambda path: late)
        assert see(early) == ("page", "MISS")
        monkeypatch.undo()
        assert see(deployed.start(add))[1] in ("STALE", "MISS")


def _own_view() -> str:
    return "a view of the tests' own"


class TestBound:
    """Only what makes pages counts against the number of files."""

    def test_pictures_do_not(
        self, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many come before the templates."""
        monkeypatch.setattr(fingerprint, "_FILES", 20)
        for number in range(50):
            deployed.write(f"static/{number}.png", "")
            deployed.write(f"templates/a/{number}.PNG", "")
            deployed.write(f"data/{number}.csv", "")
        assert deployed.notices(shows("page.html"), "templates/page.html")

    @pytest.mark.parametrize("bound", ["_FILES", "_ENTRIES"])
    def test_reaching_it_is_told(
        self,
        deployed: Deployed,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        bound: str,
    ) -> None:
        """With what to do, and pages are served all the same."""
        monkeypatch.setattr(fingerprint, bound, 5)
        for number in range(6):
            deployed.write(f"templates/{number}.html", "")
        assert see(deployed.start(shows("0.html"))) == ("", "BYPASS")
        assert caplog.text.count("Set ISR_BUILD_ID to a name of each release") == 1


class TestBuildFiles:
    """``ISR_BUILD_FILES``: content that is deployed with the code."""

    @pytest.mark.parametrize(
        ("pattern", "name", "counts"),
        [
            ("content/*.md", "content/a.md", True),
            ("content/*.md", "content/deep/a.md", False),
            ("content/**/*.md", "content/deep/a.md", True),
            ("content", "content/deep/a.txt", True),
            ("content/", "content/deep/a.png", True),
            ("../posts/*.rst", "../posts/a.rst", True),
            ("messages.json", "messages.json", True),
            ("other", "content/a.md", False),
        ],
    )
    def test_they_count(
        self, deployed: Deployed, pattern: str, name: str, counts: bool
    ) -> None:
        """Globs and folders, from the application's folder on."""
        deployed.config["ISR_BUILD_FILES"] = [pattern]
        add = text_of(deployed.root / name)
        assert deployed.notices(add, name) is counts

    def test_another_name_counts(self, deployed: Deployed) -> None:
        """And one file more, or less."""
        deployed.config["ISR_BUILD_FILES"] = ["content/*.md"]
        add = text_of(deployed.root / "content" / "a.md")
        path = deployed.write("content/a.md", "text")
        assert see(deployed.start(add)) == ("text", "MISS")
        path.rename(path.with_name("b.md"))
        deployed.write("../a.md", "")
        assert see(deployed.start(text_of(path.with_name("b.md"))))[1] == "STALE"
