"""Folders that another release of Flask-ISR made."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path

import pytest

from flask_isr import revalidate_path
from flask_isr import static_page
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.sqlite import folder as folder_module
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from tests.conftest import MakeSite
from tests.support import PATIENCE
from tests.support import cache_state
from tests.unit.stores.conftest import MakeStore


def _say_format(folder: Path, name: str, number: int) -> None:
    database = sqlite3.connect(folder / name)
    database.execute(f"PRAGMA user_version={number}")
    database.close()


@pytest.mark.parametrize("name", ["pages.sqlite", "work.sqlite"])
def test_an_older_format_gives_way_to_a_new_store(
    make_store: MakeStore,
    folder: Path,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its pages are rendered again, and it is said why."""
    old = make_store()
    write(old)
    old.close()
    _say_format(folder, name, 0)
    store = make_store()
    assert store.load(FOX) is None
    assert "is set aside; pages are rendered anew: it is of format 0" in caplog.text
    write(store, body=b"new")
    assert body(store) == b"new"


@pytest.mark.parametrize("name", ["pages.sqlite", "work.sqlite"])
def test_a_newer_format_is_left_alone(
    make_store: MakeStore, folder: Path, name: str
) -> None:
    """Taking it away would lose the invalidations of those who use it."""
    new = make_store()
    write(new)
    new.close()
    _say_format(folder, name, 99)
    store = make_store()
    with pytest.raises(StoreUnavailable, match="format 99, which this release"):
        store.load(FOX)
    _say_format(folder, name, folder_module._FORMAT)
    assert body(make_store()) == b"a page"


def test_the_format_is_advanced_with_the_tables() -> None:
    """Whoever changes the tables changes the number, and the digest here."""
    tables = (folder_module._PAGES + folder_module._WORK).encode()
    digest = hashlib.blake2b(tables, digest_size=8).hexdigest()
    assert (folder_module._FORMAT, digest) == (4, "d2515bcdc49a97bf")


@pytest.mark.slow
@pytest.mark.parametrize("serve", ["wsgi", "view"])
def test_a_site_beside_a_newer_release_renders_for_each_visitor(
    make_site: MakeSite, tmp_path: Path, caplog: pytest.LogCaptureFixture, serve: str
) -> None:
    """Its pages come, its invalidations say that they were not recorded, and it tells why
    once; when the folder is its own again, it stores."""
    site = make_site(ISR_SERVE=serve)
    site.app.add_url_rule("/", "page", static_page()(lambda: "page"))
    site.get("/")
    site.state.store.close()
    _say_format(tmp_path / "isr", "pages.sqlite", 99)

    for _ in range(5):
        answer = site.get("/")
        assert (answer.status_code, cache_state(answer)) == (200, "BYPASS")
    with site.app.app_context(), pytest.raises(StoreUnavailable):
        revalidate_path("/")
    assert caplog.text.count("rendered for each visitor meanwhile") == 1
    _say_format(tmp_path / "isr", "pages.sqlite", folder_module._FORMAT)
    deadline = time.monotonic() + PATIENCE
    while cache_state(site.get("/")) != "HIT":
        assert time.monotonic() < deadline
