"""The page "Backends of Flask-Caching": its programs keep their pages there."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask

from flask_isr import static_page
from flask_isr.stores.caching.store import CachingStore

from ..support import cache_state
from .programs import ROOT
from .programs import Start
from .programs import code

OWN, SHARED = code(ROOT / "docs" / "backends.rst", "python")


@pytest.mark.parametrize(
    ("blocks", "name"),
    [
        pytest.param([OWN], "app", id="of the extension's own"),
        pytest.param([OWN, SHARED], "shop", id="that the site has"),
    ],
)
def test_pages_are_kept_in_the_backend(
    start: Start, blocks: list[str], name: str
) -> None:
    """In the memory of the process here, where no Redis runs."""
    assert all("RedisCache" in block for block in blocks)
    without = [block.replace("RedisCache", "SimpleCache") for block in blocks]
    module = start(without)
    app: Flask = getattr(module, name)

    @app.get("/")
    @static_page()
    def home() -> str:
        return "Welcome."

    client = app.test_client()
    assert [cache_state(client.get("/")) for _ in range(2)] == ["MISS", "HIT"]
    state: t.Any = app.extensions["isr"]
    assert isinstance(state.store, CachingStore)
    if name == "shop":
        assert any("isr" in key for key in module.cache.cache._cache)
