"""Flask-WTF: CSRF protection; see tests/compat/apps/test_blog.py for forms."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Response
from flask import g
from flask import render_template_string
from flask import stream_template_string
from flask_wtf import CSRFProtect
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)


def add_form(site: Site, *, streamed: bool = False) -> None:
    """A page whose form has a token."""
    show = stream_template_string if streamed else render_template_string

    @site.app.get("/form")
    @static_page()
    def form() -> t.Any:
        return show("token={{ csrf_token() }}")


@pytest.fixture
def protected(make_site: MakeSite) -> Site:
    """A site with CSRF protection."""
    site = make_site(SECRET_KEY="a key")
    CSRFProtect(site.app)
    return site


@pytest.mark.parametrize("early", [False, True], ids=["by-the-view", "by-a-hook"])
def test_a_token_is_never_stored(protected: Site, early: bool) -> None:
    """Whoever made it: nobody's session would know it."""
    add_form(protected)
    if early:

        @protected.app.before_request
        def make_token() -> None:
            generate_csrf()

    tokens = set()
    for _ in range(2):
        visitor = protected.app.test_client()
        answer = visitor.get("/form")
        assert cache_state(answer) == "BYPASS"
        with visitor.session_transaction() as session:
            assert "csrf_token" in session
        tokens.add(answer.text)
    assert len(tokens) == 2


@pytest.mark.parametrize("early", [False, True], ids=["by-the-view", "by-a-hook"])
def test_a_token_in_a_stream_is_never_stored(protected: Site, early: bool) -> None:
    """It is made when hooks have run, and the session is saved."""
    add_form(protected, streamed=True)
    if early:

        @protected.app.before_request
        def make_token() -> None:
            generate_csrf()

    answers = [protected.get("/form", buffered=True) for _ in range(2)]
    assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]
    assert len({answer.text for answer in answers}) == 2


def test_a_token_in_a_header_is_never_stored(protected: Site) -> None:
    """As scripts of a page look for it."""

    @protected.app.before_request
    def make_token() -> None:
        g.token = generate_csrf()

    @protected.app.get("/page")
    @static_page()
    def page() -> tuple[str, dict[str, str]]:
        return "a page", {"X-CSRF-Token": g.token}

    answers = [protected.get("/page") for _ in range(2)]
    assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]
    assert len({answer.headers["X-CSRF-Token"] for answer in answers}) == 2


def test_a_token_that_a_hook_puts_into_a_page_is_never_stored(protected: Site) -> None:
    """The page is: hooks run over it for each visitor."""
    runs = itertools.count(1)

    @protected.app.get("/page")
    @static_page()
    def page() -> str:
        return f"{next(runs)} "

    @protected.app.after_request
    def add_token(response: Response) -> Response:
        response.set_data(response.get_data() + generate_csrf().encode())
        return response

    answers = [protected.get("/page") for _ in range(2)]
    assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
    assert [answer.text.split()[0] for answer in answers] == ["1", "1"]
    assert len({answer.text for answer in answers}) == 2


class Letter(FlaskForm):  # type: ignore[misc]
    """A form that has a token of its own accord."""


def test_a_form_alone_has_a_token_too(make_site: MakeSite) -> None:
    """Without ``CSRFProtect`` nothing of Flask-WTF is configured."""
    site = make_site(SECRET_KEY="a key")

    @site.app.before_request
    def make_form() -> None:
        g.letter = Letter()

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return str(g.letter.csrf_token)

    answers = [site.get("/page") for _ in range(2)]
    assert [cache_state(answer) for answer in answers] == ["BYPASS", "BYPASS"]
    assert len({answer.text for answer in answers}) == 2


def test_a_token_in_a_cookie_is_each_visitors_own(protected: Site) -> None:
    """As single-page applications want it: the page is stored, the cookie is not."""

    @protected.app.get("/page")
    @static_page()
    def page() -> str:
        return "a page"

    @protected.app.after_request
    def set_token(response: Response) -> Response:
        response.set_cookie("csrf", generate_csrf())
        return response

    answers = [protected.get("/page") for _ in range(3)]
    assert [cache_state(answer) for answer in answers] == ["MISS", "HIT", "HIT"]
    cookies = {
        value
        for answer in answers
        for value in answer.headers.getlist("Set-Cookie")
        if value.startswith("csrf=")
    }
    assert len(cookies) == 3


@pytest.mark.parametrize("methods", [["POST"], ["POST", "GET"]])
def test_protection_alone_costs_a_hit_nothing(
    make_site: MakeSite, methods: list[str]
) -> None:
    """Pages are served outside of Flask, unless the site wants GET protected too."""
    site = make_site(SECRET_KEY="a key", WTF_CSRF_METHODS=methods)
    CSRFProtect(site.app)

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return "a page"

    refused = "GET" in methods
    assert site.get("/page").status_code == (400 if refused else 200)
    required = site.state.application.levels.required("page")
    assert required.level == ("view" if refused else None)
