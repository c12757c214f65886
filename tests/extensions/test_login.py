"""Flask-Login; see tests/apps and tests/face/test_anonymous.py for all else."""

from __future__ import annotations

from flask import session
from flask_login import LoginManager
from flask_login import UserMixin
from flask_login import current_user

from flask_isr import static_page

from ..conftest import MakeSite
from ..support import cache_state


class User(UserMixin):  # type: ignore[misc]
    """A user whom nobody asks for anything."""


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
