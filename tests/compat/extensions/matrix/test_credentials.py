"""Credentials that a library looks for, right and wrong ones, on a page that is stored."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask
from flask_httpauth import HTTPBasicAuth
from flask_jwt_extended import JWTManager
from flask_jwt_extended import create_access_token
from flask_jwt_extended import get_jwt_identity
from flask_jwt_extended import jwt_required

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site

from .browser import outcome

pytestmark = pytest.mark.promise(5)

KEY: t.Final = "a key of more than the thirty-two bytes"


def _add_jwt(app: Flask, *, optional: bool = True) -> str:
    """A page that greets its visitor, and Bob's token."""
    app.config["JWT_TOKEN_LOCATION"] = ["headers", "cookies", "query_string"]
    app.config["JWT_SECRET_KEY"] = KEY
    JWTManager(app)

    @app.get("/page")
    @static_page()
    @jwt_required(optional=optional)  # type: ignore[untyped-decorator]
    def page() -> str:
        return f"hello {get_jwt_identity()}"

    with app.app_context():
        token: str = create_access_token("Bob")
        return token


#: How a token is sent.
Place = t.Literal["authorization", "cookie", "undeclared-query"]
PLACES: t.Final[tuple[Place, ...]] = t.get_args(Place)


def _send(site: Site, token: str, place: Place) -> tuple[int, str, str]:
    headers, query = {}, ""
    if place == "authorization":
        headers["Authorization"] = f"Bearer {token}"
    elif place == "cookie":
        headers["Cookie"] = f"consent=all; access_token_cookie={token}"
    else:
        query = f"?jwt={token}"
    answer = site.get(f"/page{query}", headers=headers)
    return answer.status_code, answer.text, outcome(answer)


def _stranger(site: Site) -> tuple[int, str, str]:
    answer = site.get("/page?utm_source=mail", headers={"Cookie": "consent=all"})
    return answer.status_code, answer.text, outcome(answer)


@pytest.mark.parametrize("place", PLACES)
def test_a_token_is_judged_by_the_view(make_site: MakeSite, place: Place) -> None:
    """Wherever it is sent; a broken one is refused, whether or not a page is stored."""
    site = make_site()
    token = _add_jwt(site.app)
    assert _send(site, "garbage", place)[0] == 422
    assert _send(site, token, place)[:2] == (200, "hello Bob")
    _stranger(site)
    for _ in range(2):
        assert _stranger(site) == (200, "hello None", "HIT")
        status, text, reason = _send(site, "garbage", place)
        assert (status, reason) == (422, place)
        assert "hello" not in text
        assert _send(site, token, place) == (200, "hello Bob", place)


@pytest.mark.parametrize("place", PLACES)
def test_a_page_behind_a_token_is_never_stored(
    make_site: MakeSite, place: Place
) -> None:
    """Its render has none, and is refused."""
    site = make_site()
    token = _add_jwt(site.app, optional=False)
    for _ in range(2):
        assert _send(site, token, place)[:2] == (200, "hello Bob")
        status, text, state = _stranger(site)
        assert (status, state) != (200, "HIT")
        assert "Bob" not in text
        assert status == 401


def test_a_password_is_judged_by_the_view(site: Site) -> None:
    """A wrong one makes a stranger of its visitor, by the view."""
    auth = HTTPBasicAuth()
    auth.verify_password(lambda name, password: name if password == "good" else None)

    @site.app.get("/page")
    @static_page()
    @auth.login_required(optional=True)  # type: ignore[untyped-decorator]
    def page() -> str:
        return f"hello {auth.current_user()}"

    def ask(password: str) -> tuple[str, str]:
        answer = site.app.test_client().get("/page", auth=("Bob", password))
        return answer.text, outcome(answer)

    _stranger(site)
    for _ in range(2):
        assert _stranger(site) == (200, "hello None", "HIT")
        assert ask("good") == ("hello Bob", "authorization")
        assert ask("bad") == ("hello None", "authorization")
