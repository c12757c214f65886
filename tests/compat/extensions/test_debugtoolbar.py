"""Flask-DebugToolbar: it belongs to its visitor, not to the page."""

from __future__ import annotations

import logging

import pytest
from flask_debugtoolbar import DebugToolbarExtension

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)


@pytest.fixture(params=[None, True], ids=["as-usual", "isr-on"])
def debugged(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site in debug mode."""
    config = {} if request.param is None else {"ISR_ENABLED": request.param}
    site = make_site(SECRET_KEY="a key", **config)
    site.app.debug = True
    DebugToolbarExtension(site.app)

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return "<html><body>a page</body></html>"

    return site


def test_each_page_has_one_toolbar(debugged: Site) -> None:
    """Made anew for each visitor, and in no other cache."""
    for _ in range(3):
        answer = debugged.get("/page")
        assert answer.text.count('id="flDebug"') == 1
        assert "private" in answer.headers["Cache-Control"]
    on = debugged.app.config.get("ISR_ENABLED")
    assert cache_state(answer) == ("HIT" if on else "MISS")


def test_it_is_not_stored(debugged: Site) -> None:
    """Who turns it off sees the page alone, also where it is stored."""
    debugged.get("/page")
    debugged.app.config["DEBUG_TB_HOSTS"] = ["198.51.100.1"]
    assert debugged.get("/page").text == "<html><body>a page</body></html>"


def test_its_log_handler_takes_no_warning_from_the_console(
    debugged: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps records for its own panel, which nobody sees who looks at the console."""
    monkeypatch.setattr(logging.root, "handlers", [])
    debugged.app.config["DEBUG_TB_PANELS"] = [
        "flask_debugtoolbar.panels.logger.LoggingPanel"
    ]
    monkeypatch.setattr("flask_debugtoolbar.panels.logger.handler", None)
    debugged.get("/page")
    assert len(logging.root.handlers) == 1
    logging.getLogger("flask_isr.store").warning("of some weight")
    assert capsys.readouterr().err.count("WARNING in test_debugtoolbar: of some") == 1
