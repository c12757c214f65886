"""The store over each backend passes the kit."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from flask_isr.stores.caching.flask_caching import private_backend
from flask_isr.testing.store_kit import SharedStoreKit
from flask_isr.testing.store_kit.helpers import MakeStore
from tests.support import Clock

from .each_own import EachOwn
from .values import Watched
from .values import caching_store


class TestWatched(SharedStoreKit):
    """The kit, over a plain dictionary."""

    @pytest.fixture
    def make_store(self, watched: Watched, clock: Clock) -> MakeStore:
        """Instances on one backend."""
        return lambda: caching_store(watched, clock)


class TestSimpleCache(SharedStoreKit):
    """The kit, in the memory of one process."""

    @pytest.fixture
    def make_store(self, clock: Clock) -> MakeStore:
        """Instances on one backend."""
        values = private_backend({"CACHE_TYPE": "SimpleCache"})
        return lambda: caching_store(values, clock)


class TestFileSystemCache(EachOwn):
    """The kit, in a folder."""

    @pytest.fixture
    def config_(self, tmp_path: Path) -> dict[str, t.Any]:
        """How the backend is found."""
        return {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(tmp_path / "pages")}

    def check_started(self, order: tuple[str, ...], names: list[str]) -> None:
        """Its `add` is not atomic: some may be lost, and none is there twice."""
        assert order
        assert set(order) <= set(names)
        assert len(set(order)) == len(order)
