"""The views of every site."""

from __future__ import annotations

import typing as t

from flask import Flask
from flask import abort
from flask import flash
from flask import render_template_string
from flask import session

from flask_isr import static_page

_HTML: t.Final = "<!doctype html><title>{}</title><body>{}</body>"
_MESSAGES: t.Final = "{% for text in get_flashed_messages() %}<p>{{ text }}{% endfor %}"


def add_pages(app: Flask) -> None:
    """One that any page may be, one of a template, one with messages, one that is not."""

    @app.route("/plain/<int:number>")
    @static_page()
    def plain(number: int) -> str:
        return _HTML.format(number, "")

    @app.route("/template/<int:number>")
    @static_page()
    def template(number: int) -> str:
        return render_template_string(_HTML.format(number, "{{ 1 + 1 }}"))

    @app.route("/flashes/<int:number>")
    @static_page()
    def flashes(number: int) -> str:
        return render_template_string(_HTML.format(number, _MESSAGES))

    @app.route("/404/<int:number>")
    @static_page()
    def missing(number: int) -> t.NoReturn:
        abort(404)

    @app.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        return render_template_string(_HTML.format("not here", "")), 404


def add_doors(app: Flask) -> None:
    """How a visitor becomes known, and gets a message."""

    @app.route("/say")
    def say() -> str:
        flash("saved for Bob")
        return _HTML.format("said", "")

    if "enter" not in app.view_functions:

        @app.route("/enter")
        def enter() -> str:
            session["name"] = "Bob"
            return _HTML.format("entered", "")
