"""Extensions that know who a visitor is."""

from __future__ import annotations

import typing as t

from flask import Flask
from flask import Response
from flask import g
from flask import render_template_string
from flask import session

from flask_isr import static_page

from ..case import PAGES
from ..case import Headers
from ..case import case
from ..database import database

# Each renders a template, for which Flask-Login looks who the visitor is.
_BY_TEMPLATE = {"template": "session", "404": "session", "own": "session"}


def _add_own(app: Flask, name: t.Callable[[], object]) -> None:
    """A page that greets its visitor by *name*."""

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return render_template_string(
            "<!doctype html><title>{{ n }}</title>{{ name or 'who are you?' }}",
            n=number,
            name=name(),
        )


def add_own_session_page(app: Flask) -> None:
    """A page that greets its visitor by the name in the session."""
    _add_own(app, lambda: session.get("name"))


def _login(app: Flask, **options: t.Any) -> t.Any:
    from flask_login import LoginManager
    from flask_login import UserMixin
    from flask_login import current_user
    from flask_login import login_user

    class User(UserMixin):
        """Bob, whoever asks."""

        id = name = "Bob"

    manager = LoginManager(app, **options)
    manager.user_loader(lambda key: User())
    _add_own(app, lambda: current_user.is_authenticated and current_user.name)

    @app.get("/enter")
    def enter() -> str:
        login_user(User())
        return "entered"

    return manager, User


@case("Flask-Login", known=_BY_TEMPLATE)
def flask_login(app: Flask) -> None:
    """Members have a session."""
    _login(app)


@case("Flask-Login, ``add_context_processor=False``", known={"own": "session"})
def flask_login_without_processor(app: Flask) -> None:
    """Templates are given the user by the views that show them."""
    _login(app, add_context_processor=False)


@case(
    "Flask-Login, ``request_loader`` by ``X-API-Key``",
    known=dict.fromkeys(["template", "404", "own"], "header"),
)
def flask_login_by_header(app: Flask) -> Headers:
    """Users have a key."""
    manager, user = _login(app)
    app.view_functions["enter"] = lambda: "entered"
    manager.request_loader(
        lambda request: user() if request.headers.get("X-API-Key") == "key" else None
    )
    return {"X-API-Key": "key"}


@case("Flask-Security", known=dict.fromkeys(PAGES, "session"), level="inside")
def flask_security(app: Flask) -> None:
    """With its tables in Flask-SQLAlchemy; a hook of its looks who the visitor is."""
    from flask_security import Security
    from flask_security import SQLAlchemyUserDatastore
    from flask_security import current_user
    from flask_security import login_user
    from flask_security.models import fsqla_v3

    app.config |= {
        "SECURITY_PASSWORD_SALT": "12345678",
        "SECURITY_PASSWORD_HASH": "plaintext",
    }
    db: t.Any = database(app)
    fsqla_v3.FsModels.set_db_info(db)

    class Role(db.Model, fsqla_v3.FsRoleMixin):
        """What Bob may."""

    class User(db.Model, fsqla_v3.FsUserMixin):
        """Bob."""

    store = SQLAlchemyUserDatastore(db, User, Role)
    Security(app, store)
    with app.app_context():
        db.create_all()
        store.create_user(email="Bob@shop.example", password="a good password")
        db.session.commit()
    _add_own(app, lambda: current_user.is_authenticated and current_user.email)

    @app.get("/enter")
    def enter() -> str:
        user = store.find_user(email="Bob@shop.example")
        assert user is not None
        login_user(user)
        db.session.commit()
        return "entered"


@case(
    "Flask-Principal",
    known=dict.fromkeys(PAGES, "session"),
    level="inside",
)
def flask_principal(app: Flask) -> None:
    """Identities in the session, which a hook loads."""
    from flask import current_app
    from flask_principal import Identity
    from flask_principal import Principal
    from flask_principal import identity_changed

    Principal(app)
    _add_own(app, lambda: g.identity.id)

    @app.get("/enter")
    def enter() -> str:
        sender = current_app._get_current_object()
        identity_changed.send(sender, identity=Identity("Bob"))
        return "entered"


def _jwt(app: Flask) -> t.Any:
    from flask_jwt_extended import JWTManager
    from flask_jwt_extended import create_access_token
    from flask_jwt_extended import get_jwt_identity
    from flask_jwt_extended import jwt_required

    JWTManager(app)

    @app.get("/own/<int:number>")
    @static_page()
    @jwt_required(optional=True)
    def own(number: int) -> str:
        return f"<!doctype html><title>{number}</title>{get_jwt_identity()}"

    with app.app_context():
        return create_access_token("Bob")


_JWT_KEY = {"JWT_SECRET_KEY": "a key of more than the thirty-two bytes"}


@case(
    "Flask-JWT-Extended, ``optional=True``",
    config=_JWT_KEY,
    known={"own": "authorization"},
)
def flask_jwt_extended(app: Flask) -> Headers:
    """The token is in ``Authorization``."""
    return {"Authorization": f"Bearer {_jwt(app)}"}


@case(
    "Flask-JWT-Extended, ``optional=True``, in cookies",
    config={**_JWT_KEY, "JWT_TOKEN_LOCATION": ["cookies"]},
    known={"own": "cookie"},
)
def flask_jwt_extended_in_cookies(app: Flask) -> None:
    """The token is in a cookie."""
    from flask_jwt_extended import set_access_cookies

    token = _jwt(app)

    @app.get("/enter")
    def enter() -> Response:
        answer = Response("entered")
        set_access_cookies(answer, token)
        return answer


@case("Flask-HTTPAuth, ``optional=True``", known={"own": "authorization"})
def flask_httpauth(app: Flask) -> Headers:
    """Basic authentication."""
    from flask_httpauth import HTTPBasicAuth

    auth = HTTPBasicAuth()
    auth.verify_password(lambda name, password: name or None)

    @app.get("/own/<int:number>")
    @static_page()
    @auth.login_required(optional=True)
    def own(number: int) -> str:
        return f"<!doctype html><title>{number}</title>{auth.current_user()}"

    return {"Authorization": "Basic Qm9iOnNlY3JldA=="}


@case("Authlib, client", known={"own": "session"})
def authlib(app: Flask) -> None:
    """Who came back from the provider is in the session."""
    from authlib.integrations.flask_client import OAuth

    OAuth(app).register("provider", client_id="id", client_secret="secret")
    add_own_session_page(app)


@case(
    "Flask-OIDC",
    known=dict.fromkeys(PAGES, "session"),
    level="inside",
)
def flask_oidc(app: Flask) -> None:
    """A hook looks into the session for a token that has to be renewed."""
    from flask_oidc import OpenIDConnect

    secrets = {
        "client_id": "id",
        "client_secret": "secret",
        "issuer": "https://provider.example",
        "auth_uri": "https://provider.example/auth",
        "token_uri": "https://provider.example/token",
        "userinfo_uri": "https://provider.example/user",
    }
    app.config["OIDC_CLIENT_SECRETS"] = {"web": secrets}
    OpenIDConnect(app)
    add_own_session_page(app)


@case("Flask-Dance", level="inside")
def flask_dance(app: Flask) -> None:
    """A hook makes ready to ask the provider."""
    from flask_dance.contrib.github import make_github_blueprint

    app.register_blueprint(make_github_blueprint("id", "secret"), url_prefix="/login")
