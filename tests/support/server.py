"""A server on this machine, in a thread."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from dataclasses import dataclass
from dataclasses import field

from werkzeug import Request
from werkzeug import Response
from werkzeug.serving import WSGIRequestHandler
from werkzeug.serving import make_server

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: t.Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(application: WSGIApplication) -> t.Iterator[str]:
    """Serve *application*, and give its address."""
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=_Quiet
    )
    # How soon it notices that it is to end, in seconds.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Call:
    """A request as it came in."""

    path: str
    headers: dict[str, str]
    body: t.Any


@dataclass
class Scripted:
    """A WSGI application that answers what it was told, in this order; the last answer
    again and again.

    :ivar calls: the requests that came in.
    """

    answers: list[Response] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        body = request.get_json(silent=True)
        self.calls.append(Call(request.path, dict(request.headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(environ, start_response)
