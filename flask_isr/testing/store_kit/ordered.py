"""Tests of a store that keeps an order, and can list its pages."""

from __future__ import annotations

import typing as t

import pytest

from ...core.key import PageKey
from ...core.key import path_tag
from ...core.key import user_tag
from ...core.store import Store
from ..clock import Clock
from .helpers import EXPIRED
from .helpers import FRESH
from .helpers import STALE
from .helpers import TAGS
from .helpers import advance
from .helpers import failure_of
from .helpers import lease_of
from .helpers import validity
from .helpers import write
from .kit import StoreKit
from .records import FOX
from .records import OWL
from .records import entry
from .records import not_static
from .shared import SharedStoreKit


class OrderedStoreKit(StoreKit):
    """The part for stores that keep an order, and can list their pages."""

    def test_a_render_that_an_invalidation_overtook_is_expired(
        self, store: Store
    ) -> None:
        """This holds also for a tag that was not known when the render began."""
        for tag in ("known", "discovered late"):
            version = store.current_version()
            store.invalidate(expired=[user_tag(tag)])
            store.put(entry(FOX, version, tags=[tag]))
            assert validity(store) is EXPIRED

    def test_an_invalidation_of_other_tags_changes_no_judgement(
        self, store: Store
    ) -> None:
        """Renders are told apart by what happened to their tags, and not by number."""
        version = store.current_version()
        advance(store)
        assert store.validity_of(version, TAGS, store.current_version()) is FRESH
        store.invalidate(stale=[path_tag(FOX.path)])
        assert store.validity_of(version, TAGS, store.current_version()) is STALE

    def test_clearing_forgets_all_pages(self, store: Store) -> None:
        """Nothing is left; a render that was running then is not fresh afterwards."""
        version = write(store)
        write(store, OWL)
        lease_of(store)
        assert store.clear() == 2
        assert store.load(FOX, store.current_version()) is None
        assert not store.busy(FOX, TAGS)
        store.put(entry(FOX, version, b"began before"))
        assert validity(store) is EXPIRED

    @pytest.mark.parametrize("how", ["stale", "expired"])
    def test_a_list_that_was_asked_for_before_tells_nothing_of_an_invalidated_path(
        self, store: Store, how: str
    ) -> None:
        """The page may have been published since. The next question takes it off."""
        store.put_list("animals", [FOX.path, OWL.path], store.next_version())
        asked = store.next_version()
        store.invalidate(**{how: [path_tag(FOX.path)]})
        store.put_list("animals", [], asked)
        listed = store.closed_list("animals")
        assert listed is not None
        assert listed.paths == {FOX.path}
        store.put_list("animals", [], store.next_version())
        listed = store.closed_list("animals")
        assert listed is not None
        assert not listed.paths

    def test_the_variants_of_a_path_are_found(self, store: Store) -> None:
        """All query variants of one path, up to a limit."""
        variants = {
            PageKey(FOX.rule, FOX.path, (("page", str(number)),)) for number in range(5)
        }
        for key in variants:
            write(store, key)
        write(store, OWL)
        assert {record.key for record in store.variants(FOX.path, 10)} == variants
        assert len(store.variants(FOX.path, 3)) == 3
        assert store.variants("/animals", 10) == []

    def test_the_overview_tells_all_pages_by_path(
        self, store: Store, clock: Clock
    ) -> None:
        """Each page has its size, its validity and its last failure."""
        write(store, OWL, b"12345")
        write(store, FOX, b"123")
        store.put(not_static(PageKey("/me", "/me"), store.current_version()))
        failure = failure_of(clock)
        store.fail(lease_of(store, OWL), failure)
        store.invalidate(stale=[path_tag(FOX.path)])
        rows = [
            (row.record.key.path, row.size, row.validity, row.failure)
            for row in store.overview()
        ]
        assert rows == [
            ("/animals/fox", 3, STALE, None),
            ("/animals/owl", 5, FRESH, failure),
            ("/me", 0, FRESH, None),
        ]


class OrderedSharedStoreKit(SharedStoreKit, OrderedStoreKit):
    """The part for such stores that several processes share."""

    def test_every_write_is_announced_before_it_returns(
        self, store: Store, other: Store
    ) -> None:
        """A process that compares the announced number with its own learns to ask."""
        writes: list[t.Callable[[], object]] = [
            lambda: write(other),
            lambda: other.put(not_static(OWL, other.current_version())),
            lambda: other.invalidate(stale=[user_tag("t")]),
            lambda: other.invalidate(expired=[user_tag("t")]),
            lambda: other.put_list("animals", [], other.next_version()),
            other.clear,
        ]
        for do in writes:
            known = store.changes(None).order
            do()
            assert store.change_counter() != known

    def test_changes_tell_what_was_written_since(
        self, store: Store, other: Store
    ) -> None:
        """Pages come by number, tags with what happened to them, and nothing older."""
        write(other, OWL)
        other.invalidate(stale=[user_tag("before")])
        since = store.changes(None).order
        quiet = store.changes(since)
        assert (quiet.order, quiet.complete) == (since, True)
        assert (quiet.records, quiet.stale, quiet.expired) == ({}, {}, {})
        write(other, FOX)
        other.invalidate(stale=[user_tag("s")], expired=[user_tag("e")])
        told = store.changes(since)
        assert told.complete
        assert set(told.records) == {FOX.id}
        assert set(told.stale) == {user_tag("s")}
        assert set(told.expired) == {user_tag("e")}
        again = store.changes(told.order)
        assert (again.records, again.stale, again.expired) == ({}, {}, {})

    def test_changes_from_a_number_that_was_never_given_are_incomplete(
        self, store: Store
    ) -> None:
        """A process with an order of another time (a restored store) must start afresh."""
        now = store.changes(None).order
        for since in (0, now + 1000):
            assert not store.changes(since).complete
