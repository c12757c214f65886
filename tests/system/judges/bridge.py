"""Between ``http-cache-tests`` and its origin: a site whose one page is the origin's.

The page is static as long as the origin says in HTTP that it may be kept, as for a site
that shows what an API says: ``max-age`` ends it, and what names no lifetime is not kept.
"""

from __future__ import annotations

import http.client
import os
import time
import typing as t
from collections import defaultdict
from contextlib import closing

from flask import Flask
from flask import Response
from flask import request

from flask_isr import ISR
from flask_isr import cache_life
from flask_isr import rendering
from flask_isr import static_page
from tests.system.servers.control import PATIENCE

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

METHODS = ["GET", "POST", "PUT", "DELETE", "M-SEARCH"]

# Seconds for which a render is held that nobody asked for.
_UNTIL_NEXT = 2.0

# What belongs to one connection, and what the server adds by itself.
_HOPS = {"content-length", "keep-alive", "transfer-encoding"}


class Steps:
    """Middleware that remembers which step of its test each page is at.

    The origin must know, and no header of a visitor reaches a static page.
    """

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner
        self._steps: dict[str, str] = {}
        self._asked: defaultdict[str, set[str | None]] = defaultdict(set)
        self._answers: dict[tuple[str, str | None], Response] = {}

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Answer one request."""
        step = environ.get("HTTP_REQ_NUM")
        if step is not None:
            self._steps[_test(environ["PATH_INFO"])] = step
        return self._inner(environ, start_response)

    def of(self, path: str) -> dict[str, str]:
        """The header that tells the origin. A page that was invalidated is rendered before
        its next visitor comes: that render is held until he does."""
        test = _test(path)
        deadline = time.monotonic() + _UNTIL_NEXT
        while self._steps.get(test) in self._asked[test]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        step = self._steps.get(test)
        self.reached(path)
        return {} if step is None else {"Req-Num": step}

    def reached(self, path: str) -> None:
        """Note that the origin has been asked at this step."""
        self._asked[_test(path)].add(self._steps.get(_test(path)))

    def leave(self, path: str, response: Response) -> None:
        """Keep what the origin answered at this step."""
        self._answers[_test(path), self._steps.get(_test(path))] = response

    def take(self, path: str) -> Response | None:
        """What was kept at this step, once."""
        return self._answers.pop((_test(path), self._steps.get(_test(path))), None)


def _test(path: str) -> str:
    return path.partition("?")[0].split("/")[2]


def fetch(path: str, headers: t.Mapping[str, str]) -> Response:
    """What the origin answers to a request like the current one."""
    port = int(os.environ["ORIGIN_PORT"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with closing(connection):
        body = None if rendering() else request.get_data()
        connection.request(request.method, path, body, dict(headers))
        answer = connection.getresponse()
        response = Response(answer.read(), answer.status)
    response.headers.clear()
    for name, value in answer.getheaders():
        if name.lower() not in _HOPS:
            response.headers.add(name, value)
    return response


def passed_on(response: Response) -> Response:
    """*response* as the visitor's own: applications may not send him a ``Connection``
    (PEP 3333), while what a render names there is not stored."""
    response.headers.pop("Connection", None)
    return response


def kept(response: Response) -> Response:
    """The page that is kept for as long as its origin allows, and no longer."""
    said = response.cache_control
    lifetime = said.s_maxage if said.s_maxage is not None else said.max_age
    if lifetime is None and response.expires and response.date:
        lifetime = int((response.expires - response.date).total_seconds())
    if response.age is not None and lifetime is not None:
        lifetime -= int(response.age.total_seconds())
    page = Response(response.get_data(), response.status, [*response.headers])
    if lifetime is not None and lifetime > 0 and not said.no_cache:
        cache_life(expire=min(lifetime, 2**31))
    else:
        page.cache_control.no_store = True
    return page


app = Flask(__name__, instance_path=os.environ["SITE_FOLDER"])
app.config.from_prefixed_env()
steps = Steps(app.wsgi_app)
app.wsgi_app = steps  # type: ignore[method-assign]
isr = ISR(app)


@app.route("/test/<name>", methods=METHODS)
@app.route("/test/<name>/<path:rest>", methods=METHODS)
@static_page(query=["test"], ignore="*")
def page(name: str, rest: str = "") -> Response:
    """The page of one test."""
    path = request.full_path.rstrip("?")
    if not rendering():
        # What its render got, where it turned out not to be static: the origin counts.
        known = steps.take(path)
        steps.reached(path)
        return passed_on(known or fetch(path, {**request.headers}))
    response = fetch(path, steps.of(path))
    steps.leave(path, response)
    return kept(response)


@app.route("/config/<name>", methods=["PUT"])
@app.route("/state/<name>")
def state(name: str) -> Response:
    """How tests speak with their origin."""
    return passed_on(fetch(request.path, {**request.headers}))
