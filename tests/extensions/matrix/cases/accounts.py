"""Extensions that know who a visitor is."""

from __future__ import annotations

import typing as t

from flask import Flask
from flask import g
from flask import render_template_string
from flask import session

from flask_isr import static_page

from ..case import case


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


@case(
    "Flask-Principal",
    known=dict.fromkeys(["plain", "template", "404", "own"], "session"),
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


@case("Authlib, client", known={"own": "session"})
def authlib(app: Flask) -> None:
    """Who came back from the provider is in the session."""
    from authlib.integrations.flask_client import OAuth

    OAuth(app).register("provider", client_id="id", client_secret="secret")
    add_own_session_page(app)


@case(
    "Flask-OIDC",
    known=dict.fromkeys(["plain", "template", "404", "own"], "session"),
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
