"""Extensions that protect forms and sessions."""

from __future__ import annotations

from flask import Flask

from ..case import case

_ALL = ["plain", "template", "flashes", "404"]


@case(
    "Flask-SeaSurf",
    stranger=dict.fromkeys(_ALL, "HIT, then session"),
    known=dict.fromkeys(_ALL, "session"),
    level="inside",
)
def seasurf(app: Flask) -> None:
    """It gives each visitor a token, in the session and a cookie."""
    from flask_seasurf import SeaSurf

    SeaSurf(app)


_WRITES = dict.fromkeys(_ALL, "a hook before it writes to the session")


@case("Flask-Paranoid", stranger=_WRITES, known=_WRITES, level="inside")
def paranoid(app: Flask) -> None:
    """A hook writes a digest of address and browser into each session."""
    from flask_paranoid import Paranoid

    Paranoid(app)


@case("Flask-Talisman", level="inside")
def talisman(app: Flask) -> None:
    """Headers, and HTTPS for all."""
    from flask_talisman import Talisman

    Talisman(app)
