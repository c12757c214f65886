"""Applications mounted beside each other, on one folder."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client
from werkzeug.test import TestResponse

from flask_isr import ISR
from flask_isr import revalidate_path
from flask_isr import static_page


class Mounted:
    """Three instances of one application: at the root, and below two prefixes."""

    def __init__(self, folder: Path, **config: t.Any) -> None:
        self.apps = {
            prefix: self._make(folder, prefix, config)
            for prefix in ("", "/one", "/two")
        }
        outer = DispatcherMiddleware(
            self.apps[""].wsgi_app,
            {prefix: app.wsgi_app for prefix, app in self.apps.items() if prefix},
        )
        self._client = Client(outer)

    def _make(self, folder: Path, prefix: str, config: dict[str, t.Any]) -> Flask:
        app = Flask("site", instance_path=str(folder))
        app.config.update(config, APPLICATION_ROOT=prefix or "/", ISR_ENABLED=True)
        ISR(app)
        app.texts = ["old"]  # type: ignore[attr-defined]

        @app.get("/page")
        @static_page(serve=config.get("ISR_SERVE"))
        def page() -> str:
            return f"{prefix} {app.texts[0]}"  # type: ignore[attr-defined]

        return app

    def get(self, path: str) -> TestResponse:
        """GET *path* from whichever application is there."""
        return self._client.get(path)

    def close(self) -> None:
        """Let go of the files."""
        for app in self.apps.values():
            app.extensions["isr"].runner.drain(20)
            app.extensions["isr"].store.close()


@pytest.fixture(params=["wsgi", "view"])
def mounted(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Mounted]:
    """The applications, at either level."""
    found = Mounted(tmp_path, ISR_SERVE=request.param)
    yield found
    found.close()


def test_each_has_pages_of_its_own(mounted: Mounted) -> None:
    """Miss and hit, none gets another one's."""
    for state in ("MISS", "HIT"):
        for prefix in mounted.apps:
            answer = mounted.get(f"{prefix}/page")
            assert answer.text == f"{prefix} old"
            assert answer.headers["X-ISR-Cache"] == state


def test_a_path_is_revalidated_with_its_prefix(mounted: Mounted) -> None:
    """The page of one application gives way, and no other."""
    for prefix in mounted.apps:
        mounted.get(f"{prefix}/page")
    app = mounted.apps["/one"]
    app.texts[0] = "new"  # type: ignore[attr-defined]
    with app.test_request_context():
        revalidate_path("/one/page")

    assert mounted.get("/one/page").text == "/one new"
    for prefix in ("", "/two"):
        answer = mounted.get(f"{prefix}/page")
        assert (answer.text, answer.headers["X-ISR-Cache"]) == (f"{prefix} old", "HIT")
