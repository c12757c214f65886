"""The order of builds, in a backend that loses values, and whose users die."""

from __future__ import annotations

import dataclasses

from flask_isr.core.entry import Entry
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry

from .values import Watched


def _page(store: CachingStore, build: str) -> Entry:
    return dataclasses.replace(entry(FOX, store.current_version()), build=build)


def test_builds_that_were_lost_are_noted_again(
    watched: Watched, store: CachingStore
) -> None:
    """When they meet the pages of each other: they do not replace them in turns for
    ever."""
    for build in ("early", "late"):
        store.meet_build(FOX.namespace, build)
    store.put(_page(store, "late"))
    watched.lose("b")
    taken = [
        store.put(_page(store, build)) is not None
        for build in ("early", "late", "early", "late", "early")
    ]
    assert taken == [True, True, False, True, False]
    assert store.builds(FOX.namespace) == ["early", "late"]


def test_a_process_that_dies_while_it_starts_bars_no_other(
    watched: Watched, store: CachingStore
) -> None:
    """Its turn is over after a moment."""
    turn = store._leases.turn(store._backend.session("die"), "shop")
    turn.__enter__()
    assert any(key[12] == "t" for key in watched.values)
    store.meet_build("shop", "a")
    assert store.builds("shop") == ["a"]
    assert not any(key[12] == "t" for key in watched.values)


def test_the_builds_that_are_remembered_are_bounded(store: CachingStore) -> None:
    """The earliest are forgotten."""
    for number in range(40):
        store.meet_build("shop", str(number))
    assert store.builds("shop") == [str(number) for number in range(24, 40)]
