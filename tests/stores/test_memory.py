"""The store in memory passes the kit, the strict part included."""

from __future__ import annotations

import pytest

from flask_isr.core.key import PageKey
from flask_isr.core.key import user_tag
from flask_isr.stores import memory
from flask_isr.stores.memory import MemoryStore

from ..support import Clock
from .kit import EXPIRED
from .kit import STALE
from .kit import MakeStore
from .kit import validity
from .kit import write
from .strict import StrictSharedStoreKit


class TestMemoryStore(StrictSharedStoreKit):
    """One process has one instance: it is its own other one."""

    @pytest.fixture
    def make_store(self, clock: Clock) -> MakeStore:
        """Always the same."""
        store = MemoryStore(clock)
        return lambda: store


def test_pages_beyond_their_number_go(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go; what was forgotten of a tag makes older pages stale, never fresh."""
    monkeypatch.setattr(memory, "_KEPT", 3)
    store = MemoryStore(clock)
    pages = [PageKey("/<n>", f"/{number}") for number in range(4)]
    for page in pages:
        write(store, page, tags=["t"])
    assert [validity(store, page) is None for page in pages] == [True] + [False] * 3

    store.invalidate(expired=[user_tag("t")])
    assert validity(store, pages[3]) is EXPIRED
    for number in range(3):
        store.invalidate(expired=[user_tag(str(number))])
    assert validity(store, pages[3]) is STALE
