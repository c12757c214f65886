"""More pages of the servers' application: one of each kind that HTTP tells apart."""

from __future__ import annotations

import gzip
import typing as t

from flask import Flask
from flask import Response
from flask import abort
from flask import g
from flask import make_response
from flask import request
from flask import session

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import revalidate_tag
from flask_isr import static_page

from .control import Control

# Enough for the page to be stored in codings too.
_TEXT = "<p>The quick brown fox jumps over the lazy dog.</p>\n" * 60


def _html(name: str, control: Control) -> str:
    version = control.run_view(name, rendering())
    return f"<!doctype html><title>{name} {version}</title>\n{_TEXT}"


def add_pages(app: Flask, control: Control) -> None:
    """Add the pages to *app*; their views run under *control*."""

    def html(name: str) -> str:
        return _html(name, control)

    @app.get("/long/<name>")
    @static_page(revalidate=60, expire=600, tags=["page:{name}"])
    def long(name: str) -> str:
        return html(name)

    @app.get("/brief/<name>")
    @static_page(revalidate=60, expire=600)
    def brief(name: str) -> str:
        return f"<!doctype html><title>{control.run_view(name, rendering())}</title>"

    @app.get("/lasting/<name>")
    @static_page(revalidate=60)
    def lasting(name: str) -> Response:
        response = make_response(html(name))
        response.cache_control.max_age = 300
        response.headers["Last-Modified"] = "Tue, 14 Nov 2023 22:13:20 GMT"
        return response

    @app.get("/gone/<name>")
    @static_page()
    def gone(name: str) -> t.NoReturn:
        abort(404)

    @app.get("/listed/<name>")
    @static_page(paths=["/listed/a"], fallback=False)
    def listed(name: str) -> str:
        return html(name)

    @app.route("/form/<name>", methods=["GET", "POST"])
    @static_page()
    def form(name: str) -> str:
        return request.method if not rendering() else html(name)


def add_personal_pages(app: Flask, isr: ISR, control: Control) -> None:
    """Add pages to *app* that tell visitors apart, and what makes somebody of them."""

    def html(name: str) -> str:
        return _html(name, control)

    @app.get("/visitor/<name>")
    @static_page()
    def visitor(name: str) -> Response:
        response = make_response(html(name))
        response.set_cookie("seen", name, samesite="Lax")
        return response

    @app.get("/spoken/<name>")
    @static_page()
    def spoken(name: str) -> Response:
        response = make_response(html(name))
        response.vary.add("Accept-Language")
        return response

    @app.get("/greeting/<name>")
    @static_page()
    def greeting(name: str) -> str:
        return f"<!doctype html><title>{name}, {session.get('user')}</title>"

    @app.post("/login")
    def login() -> str:
        session["user"] = "bob"
        return "hello"

    @app.post("/preview")
    def preview() -> Response:
        response = Response()
        isr.draft.enable(response)
        return response


def add_nginx_pages(app: Flask, control: Control) -> None:
    """Add pages to *app* that say something to nginx."""

    @app.get("/accelerated/<name>")
    @static_page(revalidate=60)
    def accelerated(name: str) -> Response:
        return make_response(_html(name, control), {"X-Accel-Expires": "300"})

    @app.get("/sent/<name>")
    @static_page()
    def sent(name: str) -> Response:
        return make_response(_html(name, control), {"X-Accel-Redirect": "/kept/file"})


def add_torn_pages(app: Flask, control: Control) -> None:
    """Add pages to *app* of which half is sent while the test has taken them away; caches
    may keep them."""

    @app.get("/torn/<name>")
    @static_page(revalidate=60)
    def torn(name: str) -> Response:
        text = _html(name, control)

        def body() -> t.Iterator[str]:
            yield text
            if control.is_missing(name):
                raise RuntimeError(f"the source of {name} broke down")
            yield "the end"

        return Response(body(), headers={"Cache-Control": "max-age=300"})

    @app.get("/short/<name>")
    @static_page(revalidate=60)
    def short(name: str) -> Response:
        response = make_response(_html(name, control))
        if control.is_missing(name):
            response.headers["Content-Length"] = str(len(response.get_data()) + 7)
        else:
            response.set_data(response.get_data() + b"the end")
        response.cache_control.max_age = 300
        return response


def add_wrong_page(app: Flask) -> None:
    """Add a page that judges must find fault with: it has one strong ETag in two codings,
    and a lifetime that is none."""

    @app.get("/wrong")
    def wrong() -> Response:
        coded = "gzip" in request.headers.get("Accept-Encoding", "")
        response = make_response(gzip.compress(_TEXT.encode()) if coded else _TEXT)
        response.set_etag("same")
        response.headers["Cache-Control"] = "max-age=soon"
        if coded:
            response.headers["Content-Encoding"] = "gzip"
        return response


def add_saves(app: Flask, control: Control) -> None:
    """Add views that change the data of a page, in transactions that are committed when
    the request ends."""

    @app.post("/saves/<name>/<int:status>")
    def save(name: str, status: int) -> Response:
        revalidate_tag(f"page:{name}")
        g.saved = name
        return Response("" if status == 204 else "saved", status)

    @app.teardown_request
    def commit(error: BaseException | None) -> None:
        if name := g.pop("saved", None):
            control.run_view(f"{name}-commit", sealed=False)
            control.publish(name)
