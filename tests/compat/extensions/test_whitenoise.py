"""WhiteNoise: files in front of the pages, or behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from whitenoise import WhiteNoise

from flask_isr import ISR
from flask_isr import static_page
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)


@pytest.mark.parametrize(("outside", "level"), [(True, None), (False, "view")])
def test_files_and_pages_are_served(
    tmp_path: Path, outside: bool, level: str | None
) -> None:
    """In either order; outside, pages need not enter Flask."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "style.css").write_text("a file")
    app = Flask(__name__, instance_path=str(tmp_path), static_folder=None)
    if outside:
        ISR(app)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app, root=tmp_path / "files", prefix="static/"
    )
    if not outside:
        ISR(app)

    @app.get("/page")
    @static_page()
    def page() -> str:
        return "a page"

    client = app.test_client()
    states = [cache_state(client.get("/page")) for _ in range(3)]
    file = client.get("/static/style.css")
    assert (file.text, cache_state(file)) == ("a file", None)
    file.close()
    state = app.extensions["isr"]
    state.store.close()

    assert states == ["MISS", "HIT", "HIT"]
    assert state.application.levels.required("page").level == level
