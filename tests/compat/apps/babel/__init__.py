"""A site in three languages: ``/en/``, ``/de/``, ``/fr/``, translated by Flask-Babel."""

from __future__ import annotations

import typing as t
from pathlib import Path

from flask import Blueprint
from flask import Flask
from flask import abort
from flask import current_app
from flask import g
from flask import redirect
from flask import render_template_string
from flask import request
from flask import session
from flask import url_for
from flask_babel import Babel
from flask_babel import format_date
from flask_babel import get_locale
from flask_babel import gettext
from werkzeug import Response

from flask_isr import ISR
from flask_isr import revalidate_path
from flask_isr import static_page
from tests.support import SECRET

from .catalogs import CALENDAR
from .catalogs import LANGUAGES

isr = ISR()
pages = Blueprint("pages", __name__, url_prefix="/<lang>")
plain = Blueprint("plain", __name__)


def select_locale() -> str:
    """The language of the URL; else the one that was chosen, else the browser's."""
    if "lang" in g:
        return str(g.lang)
    if "lang" in session:
        return str(session["lang"])
    return request.accept_languages.best_match(LANGUAGES, default=LANGUAGES[0])


@pages.url_defaults
def add_language(endpoint: str, values: dict[str, t.Any]) -> None:
    """Link to pages of the same language."""
    if "lang" in g:
        values.setdefault("lang", g.lang)


@pages.url_value_preprocessor
def pull_language(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
    """Take the language out of the URL's values: the views do not want it."""
    g.lang = (values or {}).pop("lang", None)
    if g.lang not in LANGUAGES:
        abort(404)


@pages.get("/")
@static_page()
def home() -> str:
    """The front page, with a link."""
    return render_template_string(
        "{{ _('Welcome') }} <a href='{{ url_for('pages.article', id=1) }}'>1</a>"
    )


@pages.get("/articles/<int:id>")
@static_page()
def article(id: int) -> str:
    """A text, translated by catalog and calendar; its edition changes."""
    edition = Path(current_app.instance_path, "edition").read_text()
    day = format_date(CALENDAR, "long")
    return f"{gettext('Article')} {id} ({edition}), {day}, {get_locale()}"


@plain.get("/")
def choose() -> Response:
    """Send the visitor to his language."""
    return redirect(url_for("pages.home", lang=select_locale()))


@plain.post("/language/<lang>")
def remember(lang: str) -> str:
    """Remember the visitor's language."""
    session["lang"] = lang
    return "remembered"


@plain.get("/about")
@static_page()
def about() -> str:
    """A page whose language is the visitor's, and not in its URL."""
    return str(gettext("Welcome"))


@plain.post("/publish/<edition>")
def publish(edition: str) -> str:
    """Change the articles, in all languages."""
    Path(current_app.instance_path, "edition").write_text(edition)
    revalidate_path("/<lang>/articles/<int:id>", match="rule")
    return "published"


def create_app(folder: Path, **config: t.Any) -> Flask:
    """Make the application, with its catalogs in *folder*."""
    app = Flask(__name__, instance_path=str(folder))
    app.config.from_mapping(
        SECRET_KEY="a key that only the tests know",
        ISR_SECRET=SECRET,
        BABEL_TRANSLATION_DIRECTORIES=str(folder / "translations"),
    )
    app.config.from_mapping(config)
    Babel(app, locale_selector=select_locale)
    isr.init_app(app)
    app.register_blueprint(plain)
    app.register_blueprint(pages)
    return app
