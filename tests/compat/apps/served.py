"""The application that servers run: ``tests.compat.apps.served:app``, one of the two here.

The environment names it and its folder. Each answer names the process that gave it.
"""

from __future__ import annotations

import importlib
import os
import typing as t
from pathlib import Path

from flask import Flask
from flask import Response
from flask import jsonify

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment

_folder = Path(os.environ["SITE_FOLDER"])
_module = importlib.import_module(f"tests.compat.apps.{os.environ['SITE_APP']}")
app: Flask = _module.create_app(_folder)
_inner = app.wsgi_app


def _name_process(
    environ: WSGIEnvironment, start_response: StartResponse
) -> t.Iterable[bytes]:
    def start(
        status: str, headers: list[tuple[str, str]], exc_info: t.Any = None
    ) -> t.Callable[[bytes], object]:
        named = [*headers, ("X-Process", str(os.getpid()))]
        return start_response(status, named, exc_info)

    return _inner(environ, start)


@app.get("/process")
def process() -> Response:
    """What tells the test that it has reached its own server."""
    return jsonify(folder=str(_folder))


app.wsgi_app = _name_process  # type: ignore[method-assign]
