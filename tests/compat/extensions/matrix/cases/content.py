"""Extensions that have to do with what a page shows."""

from __future__ import annotations

import typing as t
from pathlib import Path

from flask import Flask
from flask import g
from flask import render_template_string

from flask_isr import static_page

from ..case import Headers
from ..case import case


def add_template_page(app: Flask, source: str) -> None:
    """A page that is made of the template *source*."""

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return render_template_string(f"<!doctype html><title>a page</title>{source}")


@case("Flask-Babel")
def babel(app: Flask) -> None:
    """Without a selector."""
    from flask_babel import Babel

    Babel(app)
    add_template_page(app, "{{ _('yes') }}")


_BY_LANGUAGE = "it reads the header Accept-Language"


@case(
    "Flask-Babel, ``accept_languages``",
    stranger={"own": _BY_LANGUAGE},
    known={"own": _BY_LANGUAGE},
)
def babel_by_header(app: Flask) -> None:
    """The application chooses by what the browser asks for."""
    from flask import request
    from flask_babel import Babel

    def language() -> str | None:
        return request.accept_languages.best_match(["en", "de"])

    Babel(app, locale_selector=language)
    add_template_page(app, "{{ _('yes') }}")


@case("Flask-Moment")
def moment(app: Flask) -> None:
    """Times that scripts format."""
    from flask_moment import Moment

    Moment(app)
    add_template_page(app, "{{ moment.include_moment() }}{{ moment().fromNow() }}")


@case("Bootstrap-Flask")
def bootstrap(app: Flask) -> None:
    """Its stylesheet, and its rendering of flashed messages."""
    from flask_bootstrap import Bootstrap5

    Bootstrap5(app)
    add_template_page(app, "{{ bootstrap.load_css() }}")


@case("Flask-Assets")
def assets(app: Flask) -> None:
    """A bundle."""
    from flask_assets import Bundle
    from flask_assets import Environment

    app.static_folder = folder = f"{app.instance_path}/static"
    Path(folder).mkdir()
    Path(folder, "site.css").write_text("p {}", "utf-8")
    Environment(app).register("css", Bundle("site.css", output="all.css"))
    source = '{% assets "css" %}<link href="{{ ASSET_URL }}">{% endassets %}'
    app.jinja_options = {"extensions": ["webassets.ext.jinja2.AssetsExtension"]}
    add_template_page(app, source)


@case("Flask-Minify")
def minify(app: Flask) -> None:
    """After each view."""
    from flask_minify import Minify

    Minify(app)
    add_template_page(app, "<p>   many   blanks   </p>")


@case("Flask-Compress")
def compress(app: Flask) -> None:
    """After each view."""
    from flask_compress import Compress

    Compress(app)


@case("Flask-HTMx", known={"own": "header"})
def htmx(app: Flask) -> Headers:
    """A page with a part for htmx alone; the known visitor is one who asks by it."""
    from flask_htmx import HTMX

    htmx = HTMX(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return "<p>a part for Bob" if htmx else "<!doctype html><title>a page</title>"

    return {"HX-Request": "true"}


@case("Turbo-Flask")
def turbo(app: Flask) -> None:
    """Its script, and a page with streams for Turbo alone."""
    from turbo_flask import Turbo

    turbo = Turbo(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> t.Any:
        if turbo.can_stream():
            return turbo.stream(turbo.append("more", target="list"))
        return render_template_string(
            "<!doctype html><title>a page</title>{{ turbo() }}"
        )


_BY_HEADER = dict.fromkeys(["plain", "template", "404", "own"], "header")


@case("Flask-Inertia", known=_BY_HEADER, level="inside")
def inertia(app: Flask) -> Headers:
    """A hook looks whether Inertia's script asks; the known visitor is one whose does."""
    from flask_inertia import Inertia
    from flask_inertia import render_inertia

    app.template_folder = f"{app.instance_path}/templates"
    Path(app.template_folder).mkdir()
    Path(app.template_folder, "base.html").write_text("<!doctype html>", "utf-8")
    app.config["INERTIA_TEMPLATE"] = "base.html"
    Inertia(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> t.Any:
        return render_inertia("Greeting", props={"name": "Bob"})

    return {"X-Inertia": "true", "X-Requested-With": "XMLHttpRequest"}


@case("Flask-Mobility", level="inside")
def mobility(app: Flask) -> None:
    """A hook looks what kind of browser it is."""
    from flask_mobility import Mobility

    Mobility(app)


@case("Flask-Mobility, ``g.is_mobile`` is used", level="inside")
def mobility_used(app: Flask) -> None:
    """The page depends on what the hook saw."""
    from flask_mobility import Mobility

    Mobility(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return f"<!doctype html><title>{g.is_mobile}</title>"


@case("Flask-Menu", level="inside")
def menu(app: Flask) -> None:
    """A preprocessor notes the endpoint."""
    from flask_menu import Menu

    Menu(app).root_node.submenu("item").register("plain", "An item")

    add_template_page(
        app, "{% for i in current_menu.children %}{{ i.text }}{% endfor %}"
    )


@case("Flask-FlatPages", level="inside")
def flatpages(app: Flask) -> None:
    """A page of Markdown."""
    from flask_flatpages import FlatPages

    folder = Path(app.instance_path, "pages")
    folder.mkdir()
    (folder / "hello.md").write_text("title: Hello\n\n*Hello*", "utf-8")
    app.config |= {"FLATPAGES_ROOT": str(folder), "FLATPAGES_EXTENSION": ".md"}
    pages = FlatPages(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return f"<!doctype html><title>a page</title>{pages.get_or_404('hello').html}"


@case("Frozen-Flask")
def frozen(app: Flask) -> None:
    """Beside it."""
    from flask_frozen import Freezer

    Freezer(app)


@case("flask-paginate", stranger={}, known={})
def paginate(app: Flask) -> None:
    """A list in pages, by ``?page=``."""
    from flask_paginate import Pagination
    from flask_paginate import get_page_parameter

    @app.get("/own/<int:number>")
    @static_page(query=["page"])
    def own(number: int) -> str:
        from flask import request

        page = request.args.get(get_page_parameter(), type=int, default=1)
        links = Pagination(page=page, total=30).links
        return f"<!doctype html><title>a page</title>{links}"
