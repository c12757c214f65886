"""What the warning of an undeclared read says, and how often."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import request

from flask_isr import ISR
from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site

from .conftest import Log
from .conftest import add


class TestMessage:
    """The warning says what was read, where, and what to write instead."""

    def test_a_query_parameter(self, any_level: Site, log: Log) -> None:
        """The commonest beginner's error, in full."""

        @any_level.app.get("/search")
        @static_page()
        def search() -> str:
            return f"page {request.args.get('page', 1, type=int)}"

        line = search.__wrapped__.__code__.co_firstlineno + 3  # type: ignore[attr-defined]
        any_level.get("/search?page=2")

        [warning] = log.reads
        assert warning == (
            "/search (rule /search) reads the query parameter 'page'"
            f" ({__file__}:{line}, in search()), which it does not declare, so visitors who"
            ' send it are answered by the view: @static_page(query=["page"]) has a page'
            " stored for each value."
        )

    def test_the_remedy_keeps_what_is_declared(self, site: Site, log: Log) -> None:
        """It can be copied as it is, and one warning names all that is missing."""

        def view() -> str:
            return str((request.args.get("sort"), request.args.get('q"')))

        add(site, view, query=["page"])
        site.get("/page")

        [warning] = log.reads
        assert r'@static_page(query=["page", "q\"", "sort"])' in warning
        assert "visitors who send them" in warning

    @pytest.mark.parametrize("order", ["ab", "ba"])
    def test_names_stand_in_a_fixed_order(
        self, site: Site, log: Log, order: str
    ) -> None:
        """A view may read them in the order of a set, which differs in each process."""
        add(site, lambda: str([request.args.get(name) for name in order]))
        site.get("/page")

        [warning] = log.reads
        assert warning.index("parameter 'a'") < warning.index("parameter 'b'")
        assert '@static_page(query=["a", "b"])' in warning

    def test_a_page_that_is_not_stored_for_want_of_it(
        self, site: Site, log: Log
    ) -> None:
        """The status alone does not say why."""
        add(site, lambda: request.args["q"])

        assert site.get("/page?q=1").text == "1"

        [warning] = log.reads
        assert "'q'" in warning
        assert "so the render does not get it" in warning

    @pytest.mark.parametrize("config", [{}, {"DEBUG": True}, {"TESTING": True}])
    def test_a_render_that_fails_for_want_of_it(
        self, make_site: MakeSite, config: dict[str, t.Any], log: Log
    ) -> None:
        """The exception alone does not say why either; in debug mode it is raised."""
        site = make_site(**config)
        add(site, lambda: str(int(request.args.get("page", ""))))

        assert site.get("/page?page=2").text == "2"

        [warning] = log.reads
        assert "so the render does not get it" in warning

    @pytest.mark.parametrize("installed", [False, True])
    def test_a_package_and_its_template(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        log: Log,
        installed: bool,
    ) -> None:
        """Files are named from the package on, templates with their own lines, and an
        application that was installed by pip is one all the same."""
        folder = tmp_path / "site-packages" if installed else tmp_path
        name = f"reading_shop_{installed}".lower()
        package = folder / name
        (package / "templates").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "views.py").write_text(
            "from flask import render_template, request\n"
            "\n"
            "def search():\n"
            "    request.args.get('page')\n"
            "    return render_template('search.html')\n"
        )
        (package / "templates" / "search.html").write_text(
            "{% macro theme() %}\n\n{{ request.cookies.theme }}{% endmacro %}\n"
            "{{ theme() }}!\n"
        )
        monkeypatch.syspath_prepend(str(folder))
        app = Flask(name, instance_path=str(tmp_path))
        ISR(app)
        search = importlib.import_module(f"{name}.views").search
        app.add_url_rule("/search", "search", static_page()(search))

        app.test_client().get("/search")
        app.extensions["isr"].store.close()

        query, cookie = log.reads
        assert f"'page' ({name}/views.py:4, in search())" in query
        assert f"'theme' ({name}/templates/search.html:3)" in cookie


class TestOnce:
    """Nobody's log is flooded."""

    def test_for_each_rule_and_thing(self, site: Site, log: Log) -> None:
        """Neither other pages of a rule nor later renders warn again; another rule does,
        and so does another thing."""
        more = False

        def view(**values: int) -> str:
            request.args.get("page")
            return f"{more and request.args.get('q')}."

        add(site, view, "/a/<int:number>")
        add(site, view, "/b/<int:number>")
        for path in ("/a/1", "/a/2", "/b/1"):
            site.get(path)
        more = True
        with site.app.app_context():
            revalidate_path("/a/1")
        site.get("/a/1")
        site.settle()

        assert ["'page'" in warning for warning in log.reads] == [True, True, False]
        assert "'q'" in log.reads[2]

    def test_one_warning_names_a_few(self, site: Site, log: Log) -> None:
        """A page may ask for any number of names."""
        add(site, lambda: str([request.args.get(f"n{number}") for number in range(99)]))
        site.get("/page")

        [warning] = log.reads
        assert warning.count("the query parameter") == 17

    @pytest.mark.parametrize(
        "config", [{"DEBUG": True}, {"TESTING": True}, {"ISR_ENABLED": False}]
    )
    def test_while_the_extension_is_off(
        self, make_site: MakeSite, log: Log, config: dict[str, t.Any]
    ) -> None:
        """There its author sees it first."""
        site = make_site(**config)
        add(site, lambda: request.args.get("page", "1"))

        answers = [site.get("/page?page=2") for _ in range(2)]
        assert [answer.text for answer in answers] == ["2", "2"]
        assert "undeclared-query" in answers[0].headers["Cache-Status"]
        assert len(log.reads) == 1
