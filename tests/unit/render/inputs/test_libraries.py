"""What other packages read is not the author's doing."""

from __future__ import annotations

import importlib
import sys
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Request
from flask import Response
from flask import render_template_string
from flask import session
from flask.sessions import SecureCookieSession
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from tests.conftest import MakeSite
from tests.support import Site

from .conftest import Log
from .conftest import add

LIBRARY = """
import functools
from flask import request

def language():
    return request.accept_languages.best

def identity():
    return request.user_agent.string, request.cookies.get("id"), request.authorization

def greeting():
    return "Hello " + request.cookies.get("name", "stranger")

def paginate():
    return request.args.get("page", "1")

def paginated(view):
    @functools.wraps(view)
    def wrapper():
        return paginate() + view()
    return wrapper
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """A module that pip has installed."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "isr_test_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "isr_test_library", raising=False)
    return importlib.import_module("isr_test_library")


class TestLibraries:
    """Where the author did nothing wrong, nothing is said."""

    def test_cookies_and_headers_are_a_librarys_own_business(
        self, any_level: Site, log: Log, library: t.Any
    ) -> None:
        """Whether it is called by the view or hooks in."""
        any_level.app.before_request(lambda: library.identity() and None)
        any_level.app.before_request(library.language)
        add(any_level, lambda: f"{library.identity()}.")
        any_level.get("/page")
        assert not log.reads

    def test_a_query_parameter_is_its_callers(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """A pagination reads the page that the view depends on."""

        def products() -> str:
            return str(library.paginate())

        add(site, products)
        site.get("/page")

        [warning] = log.reads
        assert f"{__file__}:{products.__code__.co_firstlineno + 1}, in prod" in warning

    def test_a_decorator_of_a_library_is_part_of_the_view(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """The view itself is named, since it asked for no parameter."""

        def products() -> str:
            return "."

        add(site, library.paginated(products))
        site.get("/page")

        [warning] = log.reads
        assert (
            f"{__file__}:{products.__code__.co_firstlineno}, in products()" in warning
        )

    def test_an_application_that_is_installed_beside_them(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """A module of its own, in the folder where they are."""
        site.app.root_path = str(Path(library.__file__).parent)
        add(site, lambda: f"{library.identity()}.")
        site.get("/page")
        assert not log.reads

    def test_a_view_may_come_from_one(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """Whatever was made a static page is the author's own."""
        add(site, library.greeting)
        site.get("/page")

        [warning] = log.reads
        assert "isr_test_library.py" in warning
        assert "in greeting()" in warning

    def test_a_hook_of_a_library(
        self, make_site: MakeSite, log: Log, library: t.Any
    ) -> None:
        """Even where the application is around it, which has overridden Flask."""

        class Own(Flask):
            def full_dispatch_request(self, *args: t.Any) -> Response:
                return super().full_dispatch_request(*args)

        site = make_site(app_class=Own)
        site.app.after_request(
            _in_library(library, "lambda response: (paginate(), response)[1]")
        )
        site.app.before_request(_in_library(library, "lambda: paginate() and None"))
        add(site, lambda: "page")
        site.get("/page")
        assert not log.reads

    @pytest.mark.parametrize("protection", ["basic", "strong"])
    def test_flask_login_and_csrf_protection(
        self, make_site: MakeSite, log: Log, protection: str
    ) -> None:
        """They look at cookies, ``Authorization`` and ``User-Agent`` in each render."""
        site = make_site(SECRET_KEY="a key", SESSION_PROTECTION=protection)
        CSRFProtect(site.app)
        manager = LoginManager(site.app)
        manager.user_loader(lambda user_id: None)
        template = "{{ current_user.is_anonymous }} {{ get_flashed_messages() }}"
        add(site, lambda: render_template_string(template), "/template")
        add(site, lambda: f"{current_user.is_authenticated}", "/view")
        add(site, generate_csrf, "/form")

        assert site.get("/template").text == "True []"
        assert site.get("/view").text == "False"
        assert site.get("/form").status_code == 200
        assert not log.reads

    def test_sessions_of_the_applications_own(self, site: Site, log: Log) -> None:
        """They look for their cookie before anything else happens."""

        class Sessions(SecureCookieSessionInterface):
            def open_session(
                self, app: Flask, request: Request
            ) -> SecureCookieSession | None:
                assert request.cookies.get(app.config["SESSION_COOKIE_NAME"]) is None
                return super().open_session(app, request)

        site.app.secret_key = "a key"
        site.app.session_interface = Sessions()
        add(site, lambda: str(session.get("user")))

        assert site.get("/page").text == "None"
        assert not log.reads


def _in_library(library: t.Any, code: str) -> t.Any:
    return eval(compile(code, library.__file__, "eval"), vars(library))
