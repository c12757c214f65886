"""Extensions that protect forms and sessions."""

from __future__ import annotations

from flask import Flask
from flask import render_template_string

from flask_isr import static_page

from ..case import case

_SHOWN = "<!doctype html><title>a form</title>{{ csrf_token() }}"


@case("Flask-WTF, a form is made and not shown", known={"own": "session"}, greets=False)
def csrf_protect(app: Flask) -> None:
    """For all views; a form that is made and not shown."""
    from flask_wtf import CSRFProtect
    from flask_wtf import FlaskForm

    CSRFProtect(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        FlaskForm()
        return f"<!doctype html><title>{number}</title>"


@case(
    "Flask-WTF, a form is shown",
    stranger={"own": "it has a CSRF token"},
    known={"own": "it has a CSRF token"},
)
def shown_form(app: Flask) -> None:
    """The token is each visitor's own."""
    from flask_wtf import CSRFProtect

    CSRFProtect(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return render_template_string(_SHOWN)


_ALL = ["plain", "template", "flashes", "404"]


_TOKEN_SHOWN = {"own": "it shows what the session holds"}


@case(
    "Flask-SeaSurf",
    stranger={**dict.fromkeys(_ALL, "HIT, then session"), **_TOKEN_SHOWN},
    known={**dict.fromkeys(_ALL, "session"), **_TOKEN_SHOWN},
    level="inside",
)
def seasurf(app: Flask) -> None:
    """It gives each visitor a token, in the session and a cookie; a form shows it."""
    from flask_seasurf import SeaSurf

    SeaSurf(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return render_template_string(_SHOWN)


@case(
    "Flask-SeaSurf, ``ISR_SESSION_IGNORE``",
    config={"ISR_SESSION_IGNORE": ["_csrf_token"]},
    stranger=_TOKEN_SHOWN,
    known={**dict.fromkeys(_ALL, "session"), **_TOKEN_SHOWN},
    level="inside",
)
def seasurf_ignored(app: Flask) -> None:
    """The token alone makes nobody known."""
    seasurf(app)


_WRITES = dict.fromkeys(_ALL, "a hook before the view writes to the session")


@case("Flask-Paranoid", stranger=_WRITES, known=_WRITES, level="inside")
def paranoid(app: Flask) -> None:
    """A hook writes a digest of address and browser into each session."""
    from flask_paranoid import Paranoid

    Paranoid(app)


@case(
    "Flask-Paranoid, ``ISR_SESSION_IGNORE``",
    config={"ISR_SESSION_IGNORE": ["_paranoid_token"]},
    known=dict.fromkeys(_ALL, "session"),
    level="inside",
)
def paranoid_ignored(app: Flask) -> None:
    """The digest alone makes nobody known."""
    paranoid(app)


@case("Flask-Talisman", level="inside")
def talisman(app: Flask) -> None:
    """Headers, and HTTPS for all."""
    from flask_talisman import Talisman

    Talisman(app)
