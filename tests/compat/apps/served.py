"""The application that servers run: ``tests.compat.apps.served:app``, one of the two here.

The environment names it and its folder. Each answer names the process that gave it.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from flask import Flask
from flask import Response
from flask import jsonify

from tests.support.processes import NameProcess

_folder = Path(os.environ["SITE_FOLDER"])
_module = importlib.import_module(f"tests.compat.apps.{os.environ['SITE_APP']}")
app: Flask = _module.create_app(_folder)


@app.get("/process")
def process() -> Response:
    """What tells the test that it has reached its own server."""
    return jsonify(folder=str(_folder))


app.wsgi_app = NameProcess(app.wsgi_app)  # type: ignore[method-assign]
