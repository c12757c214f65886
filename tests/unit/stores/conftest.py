"""Instances of the embedded store on one folder."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from flask_isr.stores.sqlite.store import SQLiteStore
from tests.support import Clock

LIMIT = 256 * 1024

MakeStore: t.TypeAlias = t.Callable[..., SQLiteStore]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "isr"


@pytest.fixture
def make_store(folder: Path, clock: Clock) -> t.Iterator[MakeStore]:
    """Make instances on one folder, with the test's clock or the store's own time."""
    stores: list[SQLiteStore] = []

    def make(*, own_time: bool = False) -> SQLiteStore:
        time = None if own_time else clock
        stores.append(SQLiteStore(folder, limit=LIMIT, clock=time))
        return stores[-1]

    yield make
    for store in stores:
        store.close()
