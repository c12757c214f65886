"""The site under attack: ``tests.system.hostile.site:app``.

Its pages show whatever of a visitor's request can be seen from a view, so that nothing of
a hostile one can be stored without showing. It exists three times: alone, and with
ProxyFix inside and outside of the extension.
"""

from __future__ import annotations

import itertools
import os
import typing as t
from pathlib import Path

from flask import Blueprint
from flask import Flask
from flask import Response
from flask import abort
from flask import jsonify
from flask import request
from flask import session
from flask import url_for
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import static_page
from tests.support.processes import NameProcess

from ..servers.control import Control
from . import ORIGIN
from . import PLACES
from . import SECRET
from .journal import Journal
from .journal import Run

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

_runs = itertools.count(1)


def _everything() -> dict[str, t.Any]:
    """What a view can see of a request."""
    headers = {
        name: value
        for name, value in request.environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    }
    return {
        "method": request.method,
        "url": request.url,
        "link": url_for(".page", name="linked", _external=True),
        "script_name": request.environ["SCRIPT_NAME"],
        "headers": headers,
        "args": request.args.to_dict(flat=False),
        "form": request.form.to_dict(flat=False),
        "json": request.get_json(silent=True),
        "body": request.get_data(as_text=True),
        "cookies": request.cookies.to_dict(flat=False),
        "address": request.remote_addr,
        "user": str(request.user_agent),
        "languages": str(request.accept_languages),
        "range": str(request.range),
        "authorization": str(request.authorization),
        "run": f"{os.getpid()}.{next(_runs)}",
    }


def _echo_pages(pages: Blueprint, note: t.Callable[[], None]) -> None:
    @pages.get("/echo/<name>")
    @static_page(600, query=["q", "r"], ignore="*")
    def page(name: str) -> Response:
        note()
        if "X-Break" in request.headers:
            # An application that cannot bear some header of a visitor's.
            abort(int(request.headers["X-Break"]))
        return jsonify(name=name, **_everything())

    @pages.post("/echo/<name>")
    def change(name: str) -> Response:
        note()
        return jsonify(name=name)

    @pages.get("/cut/<name>")
    @static_page(600, ignore="*")
    def cut(name: str) -> Response:
        note()
        answer = Response("half a page")
        # Where a visitor could make it so.
        if "X-Cut" in request.headers:
            answer.headers["Content-Length"] = "1000"
        return answer


def _plain_pages(pages: Blueprint, note: t.Callable[[], None]) -> None:
    @pages.get("/numbers/<int:number>")
    @static_page(600)
    def number(number: int) -> str:
        note()
        return f"number {number}, run {next(_runs)}"

    @pages.get("/folder/<name>/")
    @static_page(600)
    def folder(name: str) -> str:
        note()
        return f"folder {name!r}, run {next(_runs)}"

    @pages.get("/files/<path:name>")
    @static_page(600, query=["q", "r"], ignore="*")
    def file(name: str) -> Response:
        note()
        args = list(request.args.items(multi=True))
        return jsonify(name=name, args=args, run=next(_runs))


def _personal_pages(pages: Blueprint, note: t.Callable[[], None]) -> None:
    @pages.get("/anonymous/<path:name>")
    @static_page(600)
    def anonymous(name: str) -> str:
        note()
        return f"{name} {session.get('user')} {next(_runs)}"

    @pages.get("/account")
    @pages.get("/account/<path:rest>")
    def account(rest: str = "") -> Response:
        note()
        answer = jsonify(user=session.get("user"), rest=rest)
        answer.headers["Cache-Control"] = "private"
        return answer

    @pages.get("/login/<user>")
    def login(user: str) -> str:
        session["user"] = user
        return user


def _pages(journal: Journal) -> Blueprint:
    pages = Blueprint("pages", __name__)

    def note() -> None:
        journal.note(Run(request.path, rendering()))

    for add in (_echo_pages, _plain_pages, _personal_pages):
        add(pages, note)
    return pages


def _make(place: str, control: Control) -> Flask:
    app = Flask(f"{__name__}.{place}", instance_path=str(control.folder))
    app.config.from_prefixed_env()
    app.config.update(
        SECRET_KEY="a key of the site",
        ISR_SECRET=SECRET,
        ISR_ORIGIN=ORIGIN,
        ISR_BUILD_ID=None,
    )
    fix = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 1, "x_prefix": 1}
    if place == "inside":
        app.wsgi_app = ProxyFix(app.wsgi_app, **fix)  # type: ignore[method-assign]
    journal = Journal(control.folder)
    isr = ISR(app, clock=control.clock)
    if place == "outside":
        app.wsgi_app = ProxyFix(app.wsgi_app, **fix)  # type: ignore[method-assign]
    app.register_blueprint(_pages(journal), url_prefix=f"/{place}")
    app.register_blueprint(isr.blueprint, url_prefix=f"/{place}/api")

    @app.post(f"/{place}/hook")
    @isr.require_secret
    def hook() -> str:
        return "done"

    @app.get("/runs/<name>")
    def runs(name: str) -> tuple[str, dict[str, str]]:
        text = f"{journal.renders(name)} renders, {journal.visits(name)} visits"
        return text, {"Cache-Control": "no-store"}

    @app.get("/process")
    def process() -> Response:
        return jsonify(folder=str(control.folder))

    return app


def create_app() -> WSGIApplication:
    """Make the three sites, as each process of a server does."""
    control = Control(Path(os.environ["SITE_FOLDER"]))
    apps = {place: _make(place, control) for place in PLACES}

    def choose(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        place = environ["PATH_INFO"].lstrip("/").partition("/")[0]
        return apps.get(place, apps["alone"])(environ, start_response)

    return NameProcess(choose, control.note_visit)


app = create_app()
