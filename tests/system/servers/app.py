"""The application that the servers run: ``tests.system.servers.app:app``.

It is told by files what to do (:class:`.control.Control`), in the folder that the
environment names, and is configured by ``FLASK_ISR_*`` variables. ``SITE_ROOT`` names the
folder in which its templates are, for tests that deploy others; with ``SITE_OWN_TIME`` the
store counts the time itself.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from flask import Flask
from flask import abort
from flask import jsonify
from flask import render_template
from werkzeug import Response

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import static_page
from tests.support.processes import NameProcess

from .control import Control
from .naming import note_waiting
from .states import add_nginx_pages
from .states import add_pages
from .states import add_personal_pages
from .states import add_saves
from .states import add_torn_pages
from .states import add_wrong_page


def create_app() -> Flask:
    """Make the application, as each process of a server does."""
    control = Control(Path(os.environ["SITE_FOLDER"]))
    app = Flask(
        __name__,
        instance_path=str(control.folder),
        root_path=os.environ.get("SITE_ROOT"),
    )
    app.config.from_prefixed_env()
    isr = ISR(app, clock=None if "SITE_OWN_TIME" in os.environ else control.clock)
    app.register_blueprint(isr.blueprint, url_prefix="/api")
    add_pages(app, control)
    add_personal_pages(app, isr, control)
    add_nginx_pages(app, control)
    add_torn_pages(app, control)
    add_wrong_page(app)
    add_saves(app, control)

    @app.get("/pages/<name>")
    @static_page(revalidate=60, tags=["page:{name}"])
    def page(name: str) -> Response:
        version = control.run_view(name, rendering())
        if control.is_missing(name):
            abort(404)
        # A number in the body tells the renders of one version apart.
        answer = jsonify(version=version, render=os.urandom(8).hex())
        if control.is_personal(name):
            answer.set_cookie("visitor", "somebody")
        return answer

    @app.get("/releases/<name>")
    @static_page(revalidate=60, tags=["page:{name}"])
    def release(name: str) -> Response:
        version = control.run_view(name, rendering())
        return jsonify(version=version, release=render_template("release.html"))

    @app.get("/closed/<name>")
    @static_page(fallback=False, paths=control.list_pages)
    def closed(name: str) -> Response:
        return jsonify(version=control.run_view(name, rendering()))

    @app.get("/plain/<name>")
    def plain(name: str) -> Response:
        return jsonify(name=name)

    @app.get("/runs/<name>")
    def runs(name: str) -> tuple[str, dict[str, str]]:
        sealed = [run.sealed for run in control.runs(name)]
        text = f"{sealed.count(True)} renders, {sealed.count(False)} visits"
        return text, {"Cache-Control": "no-store"}

    @app.get("/process")
    def process() -> Response:
        return jsonify(folder=str(control.folder))

    note_waiting(control)
    app.wsgi_app = NameProcess(app.wsgi_app, control.note_visit)  # type: ignore[method-assign]
    return app


def warm_up(application: Flask, names: list[str]) -> None:
    """Ask for pages before the server forks, as ``--preload`` does it.

    The page called ``slow`` is asked for on a thread, and still renders at the fork.
    """
    for name in names:
        path = f"/pages/{name}"
        client = application.test_client()
        if name == "slow":
            threading.Thread(target=client.get, args=[path], daemon=True).start()
            Control(Path(application.instance_path)).wait_for_runs(name, 1)
        else:
            for _ in range(2):
                client.get(path)


app = create_app()
warm_up(app, os.environ.get("SITE_WARM_UP", "").split())
