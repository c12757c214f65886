"""The extension while it is off: in debug, in tests, or by ISR_ENABLED."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import abort
from flask import g
from flask import request

from flask_isr import NotAStaticPage
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page

from ..conftest import MakeSite
from ..support import SECRET
from ..support import Site
from ..support import cache_state

pytestmark = pytest.mark.promise(8)

MODES: list[dict[str, t.Any]] = [
    {"DEBUG": True},
    {"TESTING": True},
    {"ISR_ENABLED": False},
]


@pytest.fixture(params=MODES, ids=lambda config: next(iter(config)))
def off(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """An application in which the extension is off."""
    return make_site(**request.param)


def _count(site: Site, **arguments: t.Any) -> list[str]:
    seen: list[str] = []

    @site.app.get("/page")
    @static_page(revalidate=60, ignore=["Cookie"], **arguments)
    def page() -> str:
        seen.append(request.headers.get("Cookie", ""))
        return f"render {len(seen)}"

    return seen


def test_every_visit_renders(off: Site) -> None:
    """What the author changed shows on the next load."""
    _count(off)
    assert [off.get("/page").text for _ in range(2)] == ["render 1", "render 2"]


def test_nothing_is_stored(off: Site, tmp_path: Path) -> None:
    """There is not even a folder, and the answer says why."""
    _count(off)
    answer = off.get("/page")
    assert cache_state(answer) == "MISS"
    assert answer.headers["Cache-Status"] == "Flask-ISR; fwd=uri-miss; detail=off"
    assert list(tmp_path.iterdir()) == []


def test_it_is_sealed_as_in_production(off: Site) -> None:
    """A page that needs its visitor is found out while it is written."""
    seen = _count(off)
    off.get("/page", headers={"Cookie": "name=bob"})
    assert seen == [""]


def test_hooks_run_for_the_visitor_too(off: Site) -> None:
    """Once in the render, once for him, as the toolbar of a debugger needs it."""
    paths: list[str] = []
    _count(off)

    @off.app.before_request
    def note() -> None:
        g.noted = True
        paths.append(request.remote_addr or "")

    off.get("/page")
    assert sorted(paths) == ["127.0.0.1", "192.0.2.1"]


def test_a_page_that_is_not_static_is_the_visitors_and_warned_of(
    off: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Its author reads why while he writes it."""

    @off.app.get("/mine")
    @static_page()
    def mine() -> tuple[str, dict[str, str]]:
        name = request.cookies.get("name", "nobody")
        return name, {"Set-Cookie": "seen=1"}

    answer = off.get("/mine", headers={"Cookie": "name=bob"})
    assert (answer.text, cache_state(answer)) == ("bob", "BYPASS")
    assert "it sets a cookie" in caplog.text


def test_closed_lists_are_enforced(off: Site) -> None:
    """Asked each time, so that a change of the list shows."""
    listed = ["/items/1"]

    @off.app.get("/items/<int:number>")
    @static_page(paths=lambda: listed, fallback=False)
    def item(number: int) -> str:
        return f"item {number}"

    assert off.get("/items/1").text == "item 1"
    assert off.get("/items/2").status_code == 404
    listed.append("/items/2")
    assert off.get("/items/2").text == "item 2"


def test_what_cannot_be_stored_is_no_way_around_a_closed_list(off: Site) -> None:
    """Here a name that makes too long a tag; as in production."""

    @off.app.get("/items/<name>")
    @static_page(paths=["/items/one"], fallback=False, tags=["item:{name}"])
    def item(name: str) -> str:
        return f"item {name}"

    assert off.get("/items/one").text == "item one"
    assert off.get(f"/items/{'n' * 600}").status_code == 404


def test_a_list_that_cannot_be_asked_refuses_nothing(
    off: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """The view answers, and the log says so."""

    def paths() -> list[str]:
        raise OSError("the CMS is down")

    @off.app.get("/items/<name>")
    @static_page(paths=paths, fallback=False, tags=["item:{name}"])
    def item(name: str) -> str:
        return f"item {name}"

    assert off.get(f"/items/{'n' * 600}").status_code == 200
    assert "paths= of the static page 'item' failed" in caplog.text


def test_a_deliberate_404_is_one(off: Site) -> None:
    """As in production."""

    @off.app.get("/gone")
    @static_page()
    def gone() -> str:
        abort(404)

    assert off.get("/gone").status_code == 404


@pytest.mark.parametrize("config", MODES[:2], ids=["DEBUG", "TESTING"])
def test_errors_go_to_the_debugger(
    make_site: MakeSite, config: dict[str, t.Any]
) -> None:
    """They leave the application as they were raised."""
    site = make_site(**config, PROPAGATE_EXCEPTIONS=True)

    @site.app.get("/broken")
    @static_page()
    def broken() -> str:
        raise LookupError("no such bird")

    with pytest.raises(LookupError, match="no such bird"):
        site.get("/broken")


def test_revalidation_checks_its_arguments_and_does_nothing_else(
    off: Site, tmp_path: Path
) -> None:
    """A wrong call is found in a test; a right one leaves no trace."""
    _count(off)
    off.app.register_blueprint(off.isr.blueprint)
    with off.app.app_context():
        with pytest.raises(NotAStaticPage):
            revalidate_path("/nowhere")
        with pytest.raises(ValueError, match="no tag"):
            revalidate_tag("")
        revalidate_path("/page", mode="refresh")
        revalidate_tag("birds")
    target = {"secret": SECRET, "path": "/page"}
    answer = off.get("/revalidate", query_string=target)
    assert answer.status_code == 200
    assert off.get("/revalidate", query_string={"path": "/page"}).status_code == 401
    assert list(tmp_path.iterdir()) == []


def test_commands_that_store_say_that_it_is_off(make_site: MakeSite) -> None:
    """And how to switch it on."""
    site = make_site(ISR_ENABLED=False)
    _count(site)
    result = site.app.test_cli_runner().invoke(args=["isr", "build"])
    assert result.exit_code == 1
    assert "set ISR_ENABLED to True" in result.stderr


def test_debug_that_comes_late_counts(make_site: MakeSite) -> None:
    """As ``app.run(debug=True)`` and a fixture's ``TESTING`` do, after ISR(app)."""
    site = make_site()
    _count(site)
    site.app.testing = True
    assert [site.get("/page").text for _ in range(2)] == ["render 1", "render 2"]


def test_it_can_be_on_in_tests(make_site: MakeSite) -> None:
    """Who tests his invalidations needs a store."""
    site = make_site(TESTING=True, ISR_ENABLED=True)
    _count(site)
    assert [site.get("/page").text for _ in range(2)] == ["render 1", "render 1"]


def test_a_plain_application_is_on(make_site: MakeSite) -> None:
    """Production needs no setting."""
    site = make_site()
    assert isinstance(site.app, Flask)
    _count(site)
    assert [site.get("/page").text for _ in range(2)] == ["render 1", "render 1"]
