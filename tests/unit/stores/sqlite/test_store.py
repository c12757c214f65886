"""The embedded store passes the kits, and keeps its own bounds."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from pathlib import Path

import pytest

from flask_isr.core.key import PageKey
from flask_isr.core.key import user_tag
from flask_isr.core.outcome import SealedError
from flask_isr.core.store import Store
from flask_isr.stores.sqlite import builds
from flask_isr.stores.sqlite import eviction
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit import OrderedSharedStoreKit
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import STALE
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import failure_of
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from flask_isr.testing.store_kit.records import entry
from tests.support import Clock
from tests.unit.stores.conftest import LIMIT
from tests.unit.stores.conftest import MakeStore

_KIB = 1024


class TestEmbeddedStore(OrderedSharedStoreKit):
    """The kits, on SQLite in a folder."""

    def test_a_quiet_store_needs_not_be_asked(self, store: Store, other: Store) -> None:
        """After a look at the changes, the announced number equals it until a write."""
        write(other)
        order = store.changes(None).order
        other.load(FOX, other.current_version())
        other.acquire(FOX, FOX.implicit_tags, 60.0)
        other.used([FOX])
        other.maintain()
        assert store.change_counter() == order


def _page(number: int) -> PageKey:
    return PageKey("/p/<n>", f"/p/{number}")


def _stored(store: SQLiteStore) -> set[PageKey]:
    return {row.record.key for row in store.overview()}


def _bytes(folder: Path) -> int:
    with sqlite3.connect(folder / "pages.sqlite") as db:
        (size,) = db.execute("SELECT sum(length(data)) FROM records").fetchone()
    db.close()
    return int(size)


def _count(folder: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(folder / "work.sqlite")) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_pages_are_evicted_to_the_limit(make_store: MakeStore, folder: Path) -> None:
    """However many are written, the pages take no more bytes than they may."""
    store = make_store()
    for number in range(400):
        write(store, _page(number), bytes(_KIB))
    assert _bytes(folder) > LIMIT
    store.maintain()
    assert LIMIT / 2 < _bytes(folder) <= LIMIT
    kept = _stored(store)
    assert _page(399) in kept
    assert _page(0) not in kept


def test_below_the_limit_nothing_goes(make_store: MakeStore) -> None:
    """There is room: pages that nobody reads may stay."""
    store = make_store()
    for number in range(50):
        write(store, _page(number), bytes(_KIB))
    store.maintain()
    assert len(_stored(store)) == 50


def test_a_flood_of_unknown_paths_pushes_out_no_page_that_is_read(
    make_store: MakeStore,
) -> None:
    """A new page is on probation until it is read again: floods push out themselves."""
    store = make_store()
    hot = [_page(number) for number in range(100)]
    for key in hot:
        write(store, key, bytes(_KIB))
    store.used(hot)
    for number in range(1000, 2000):
        write(store, _page(number), bytes(_KIB))
        if number % 100 == 0:
            store.maintain()
    store.maintain()
    assert set(hot) <= _stored(store)


def test_of_the_pages_that_are_read_the_least_lately_used_go(
    make_store: MakeStore, clock: Clock
) -> None:
    """When even those are too many, the one unused for longest goes first."""
    store = make_store()
    keys = [_page(number) for number in range(300)]
    for key in keys:
        write(store, key, bytes(_KIB))
    store.used(keys)
    clock.advance(60)
    store.used(keys[:100])
    store.maintain()
    kept = _stored(store)
    assert set(keys[:100]) <= kept
    assert len(kept) < 250


def test_new_pages_have_their_tenth_also_when_hot_pages_fill_the_store(
    make_store: MakeStore,
) -> None:
    """A page that was written a moment ago is not the first to go: it could never become
    one that people read."""
    store = make_store()
    hot = [_page(number) for number in range(300)]
    for key in hot:
        write(store, key, bytes(_KIB))
    store.used(hot)
    new = [_page(1000 + number) for number in range(10)]
    for key in new:
        write(store, key, bytes(_KIB))
    store.maintain()
    assert set(new) <= _stored(store)


def test_an_evicted_page_was_not_invalidated(make_store: MakeStore) -> None:
    """Copies in the memory of the processes stay good: eviction is no change."""
    store = make_store()
    for number in range(400):
        write(store, _page(number), bytes(_KIB))
    order = store.changes(None).order
    store.maintain()
    assert store.change_counter() == order
    assert store.changes(order).complete


def test_forgotten_tags_leave_older_pages_stale_and_never_fresh(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tag records are bounded; what is forgotten raises a floor below which all is
    stale, and processes that are behind it start afresh."""
    monkeypatch.setattr(eviction, "_TAGS", 10)
    store = make_store()
    since = store.changes(None).order
    write(store, FOX, tags=["soon forgotten"])
    store.invalidate(expired=[user_tag("soon forgotten")])
    for number in range(30):
        store.invalidate(stale=[user_tag(f"other {number}")])
    write(store, OWL)
    assert validity(store) is EXPIRED
    store.maintain()
    assert validity(store, FOX) is STALE
    assert validity(store, OWL) is FRESH
    assert not store.changes(since).complete


def test_an_unreadable_row_is_a_miss_and_is_written_over(
    make_store: MakeStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged page is rendered anew; listings pass over it."""
    store = make_store()
    write(store, body=b"damaged below")
    write(store, OWL)
    with sqlite3.connect(folder / "pages.sqlite") as db:
        db.execute(
            "UPDATE records SET data = substr(data, 1, 50) WHERE id = ?", (FOX.id,)
        )
    db.close()
    assert store.load(FOX, store.current_version()) is None
    assert "a stored page is not readable" in caplog.text
    assert store.variants(FOX.path, 10) == []
    assert _stored(store) == {OWL}
    write(store, body=b"new")
    assert body(store) == b"new"


def test_old_failures_are_forgotten(make_store: MakeStore, clock: Clock) -> None:
    """A page that nobody asks for any more leaves nothing behind."""
    store = make_store()
    store.fail(lease_of(store), failure_of(clock))
    store.maintain()
    assert store.failure(FOX) is not None
    clock.advance(3700)
    store.maintain()
    assert store.failure(FOX) is None


def test_a_source_that_is_down_fills_no_disk(
    make_store: MakeStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many paths strangers make up meanwhile: of the failures the newest are
    remembered, and of these the newest with their error answer."""
    monkeypatch.setattr(eviction, "_FAILURES", 20)
    monkeypatch.setattr(eviction, "_ERRORS", 5)
    store = make_store()
    for number in range(50):
        clock.advance(0.01)
        store.fail(lease_of(store, _page(number)), failure_of(clock))
    store.maintain()

    failures = [store.failure(_page(number)) for number in range(50)]
    assert [failure is not None for failure in failures] == [False] * 30 + [True] * 20
    shared = [failure is not None and failure.error is not None for failure in failures]
    assert shared == [False] * 45 + [True] * 5


def test_addresses_that_do_not_exist_fill_no_disk(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of stored 404s and 410s the newest are kept, and other pages do not give way."""
    monkeypatch.setattr(eviction, "_GONE", 5)
    store = make_store()
    write(store, FOX)
    for number in range(20):
        page = entry(_page(number), store.current_version())
        store.put(dataclasses.replace(page, status=404 if number % 2 else 410))
    store.maintain()
    assert _stored(store) == {FOX, *map(_page, range(15, 20))}


def test_nothing_is_remembered_of_pages_that_are_gone(
    make_store: MakeStore, folder: Path
) -> None:
    """Neither that they were used."""
    store = make_store()
    write(store, FOX)
    store.used([FOX, *map(_page, range(20))])
    store.maintain()
    assert _count(folder, "usage") == 1


def test_leases_of_long_ago_are_forgotten(
    make_store: MakeStore, clock: Clock, folder: Path
) -> None:
    """Those of processes that were killed, of pages that nobody asks for any more."""
    store = make_store()
    lease_of(store)
    clock.advance(3600)
    store.maintain()
    assert _count(folder, "leases") == 1
    clock.advance(100)
    store.maintain()
    assert _count(folder, "leases") == 0


def test_a_huge_error_page_is_not_kept(make_store: MakeStore, clock: Clock) -> None:
    """The failure is shared, an error answer beyond 64 KiB is not."""
    store = make_store()
    huge = SealedError(500, (), bytes(65 * _KIB))
    store.fail(lease_of(store), dataclasses.replace(failure_of(clock), error=huge))
    failure = store.failure(FOX)
    assert failure is not None
    assert (failure.cause, failure.error) == ("status 503", None)


def test_a_page_with_very_many_tags_is_judged(make_store: MakeStore) -> None:
    """The most tags that a page can have are within what a query takes."""
    store = make_store()
    tags = [f"tag {number}" for number in range(500)]
    store.put(entry(FOX, store.current_version(), tags=tags))
    store.invalidate(stale=[user_tag("tag 499")])
    assert validity(store) is STALE


def test_the_builds_that_are_remembered_are_bounded(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all applications together; the earliest are forgotten."""
    monkeypatch.setattr(builds, "_KEPT", 3)
    store = make_store()
    for number in range(3):
        store.meet_build("one", str(number))
        store.meet_build("two", str(number))
    for build in "abab":
        # Who comes back takes no more room.
        store.meet_build("three", build)
    found = [store.builds(site) for site in ("one", "two", "three")]
    assert found == [[], ["2"], ["a", "b"]]
