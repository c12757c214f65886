"""Flask-Login; for all else see tests/compat/apps, tests/unit/serving/test_anonymous.py."""

from __future__ import annotations

import typing as t

import pytest
from flask import session
from flask_login import LoginManager
from flask_login import UserMixin
from flask_login import current_user
from flask_login import login_required
from flask_login import login_user

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)


class User(UserMixin):  # type: ignore[misc]
    """A user whom nobody asks for anything."""


def add_login(site: Site) -> None:
    """A view by which whoever comes is somebody."""

    @site.app.get("/login")
    def login() -> str:
        user = User()
        user.id = "bob"
        login_user(user)
        return "in"


def test_a_session_that_only_was_looked_at_stays_nobodys(make_site: MakeSite) -> None:
    """Flask-Login writes ``_fresh`` into any session that is not empty, such as one with
    a CSRF token."""
    site = make_site(SECRET_KEY="a key")
    LoginManager(site.app).user_loader(lambda key: User())

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "user" if current_user.is_authenticated else "stranger"

    @site.app.get("/form")
    def form() -> str:
        session["csrf_token"] = "a token"
        return "form" if current_user.is_anonymous else "user"

    visitor = site.app.test_client()
    visitor.get("/")
    for _ in range(2):
        visitor.get("/form")
    with visitor.session_transaction() as held:
        assert held["_fresh"] is False
    answer = visitor.get("/")
    assert (answer.text, cache_state(answer)) == ("stranger", "HIT")


@pytest.mark.parametrize("serve", [None, "view"])
def test_a_page_that_is_the_same_for_members(
    make_site: MakeSite, serve: t.Literal["view"] | None
) -> None:
    """Flask-Login looks at the session after each view, and leaves no trace of that."""
    site = make_site(SECRET_KEY="a key")
    LoginManager(site.app).user_loader(lambda key: User())
    add_login(site)

    @site.app.get("/")
    @static_page(serve=serve)
    def home() -> str:
        return "home"

    assert [cache_state(site.get("/")) for _ in range(2)] == ["MISS", "HIT"]
    bob = site.app.test_client()
    bob.get("/login")
    answer = bob.get("/")
    assert cache_state(answer) == "HIT"
    assert site.get("/").headers.get("Vary") == ("Cookie" if serve else None)


@pytest.mark.parametrize("above", [True, False])
def test_a_page_behind_a_login_is_never_stored(
    make_site: MakeSite, above: bool
) -> None:
    """Its render is a stranger; users get it from the view, strangers the login."""
    site = make_site(SECRET_KEY="a key")
    manager = LoginManager(site.app)
    manager.user_loader(lambda key: User())
    manager.login_view = "login"

    add_login(site)

    def page() -> str:
        return "for users"

    guards = (
        login_required(static_page()(page)),
        static_page()(login_required(page)),
    )
    site.app.add_url_rule("/page", "page", guards[0] if above else guards[1])
    bob, stranger = site.app.test_client(), site.app.test_client()
    bob.get("/login")
    for _ in range(2):
        answer = bob.get("/page")
        assert (answer.text, cache_state(answer)) == ("for users", "BYPASS")
        assert stranger.get("/page").location == "/login?next=%2Fpage"
