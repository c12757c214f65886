"""Tests of a store that several processes share."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from ...core.key import path_tag
from ...core.key import user_tag
from ...core.store import BackingOff
from ...core.store import LeaseExpired
from ...core.store import LeaseHeld
from ...core.store import Store
from ..clock import Clock
from .helpers import EXPIRED
from .helpers import FRESH
from .helpers import TAGS
from .helpers import MakeStore
from .helpers import body
from .helpers import failure_of
from .helpers import lease_of
from .helpers import validity
from .helpers import write
from .kit import StoreKit
from .records import FOX
from .records import entry


class SharedStoreKit(StoreKit):
    """The part for stores that several processes share: two instances, one place."""

    @pytest.fixture
    def other(self, store: Store, make_store: MakeStore) -> Store:
        """A second instance on the same place, as another process has it."""
        return make_store()

    def test_pages_and_invalidations_are_shared(
        self, store: Store, other: Store
    ) -> None:
        """What one instance wrote or invalidated holds for the other at once."""
        write(store, body=b"shared", tags=["t"])
        assert body(other) == b"shared"
        other.invalidate(expired=[user_tag("t")])
        assert validity(store) is EXPIRED

    def test_versions_are_compared_across_instances(
        self, store: Store, other: Store
    ) -> None:
        """A render in one instance is judged by what happened in the other."""
        version = store.current_version()
        other.invalidate(expired=[user_tag("t")])
        assert other.put(entry(FOX, version, tags=["t"])) is not None
        assert validity(store) is not FRESH

    def test_leases_and_failures_are_shared(
        self, store: Store, other: Store, clock: Clock
    ) -> None:
        """One process renders for all, and all rest after a failure."""
        lease = lease_of(store)
        assert other.busy(FOX, TAGS)
        assert other.acquire(FOX, TAGS, 60.0) == LeaseHeld(lease.deadline)
        failure = failure_of(clock)
        store.fail(lease, failure)
        assert other.acquire(FOX, TAGS, 60.0) == BackingOff(failure)
        assert other.failure(FOX) == failure
        other.invalidate(expired=[path_tag(FOX.path)])
        lease_of(store)

    def test_who_finds_a_lease_overdue_records_it_for_all(
        self, store: Store, other: Store, clock: Clock
    ) -> None:
        """Two processes that find it at the same moment count one failure."""
        lease_of(store)
        clock.advance(60)
        found = [one.acquire(FOX, TAGS, 60.0) for one in (store, other)]
        for one, overdue, count in zip((store, other), found, (1, 2), strict=True):
            assert isinstance(overdue, LeaseExpired)
            one.fail(overdue.lease, dataclasses.replace(failure_of(clock), count=count))
        failure = store.failure(FOX)
        assert failure is not None
        assert failure.count == 1

    def test_builds_are_shared(self, store: Store, other: Store) -> None:
        """All processes are told one order, whichever of them started."""
        for who, build in ((store, "a"), (other, "b"), (store, "b"), (other, "a")):
            who.meet_build("shop", build)
            assert list(store.builds("shop")) == list(other.builds("shop"))
        assert list(store.builds("shop")) == ["b", "a"]

    def test_builds_that_start_at_once_are_all_there(
        self, make_store: MakeStore
    ) -> None:
        """Each build is listed once, in one order for all processes."""
        names = [f"build {number}" for number in range(8)]
        stores = [make_store() for _ in names]
        for store in stores:
            # Made one after another: threads of Python 3.11 cannot compile at a time.
            store.builds("shop")
        with ThreadPoolExecutor(len(names)) as threads:
            list(threads.map(self.start, stores, names))
        [order] = {tuple(store.builds("shop")) for store in stores}
        self.check_started(order, names)

    def check_started(self, order: tuple[str, ...], names: list[str]) -> None:
        """Check the order of the builds after all of *names* started."""
        assert sorted(order) == names

    def start(self, store: Store, build: str) -> None:
        """Act as a process of *build*, on a thread that ends."""
        store.meet_build("shop", build)

    def test_lists_are_shared(self, store: Store, other: Store) -> None:
        """One list for all processes."""
        store.put_list("animals", [FOX.path], store.next_version())
        listed = other.closed_list("animals")
        assert listed is not None
        assert listed.paths == {FOX.path}
        assert other.list_version("animals") == store.list_version("animals")

    def test_time_is_shared(self, store: Store, other: Store, clock: Clock) -> None:
        """Ages are counted in one time."""
        clock.advance(5)
        assert store.now() == other.now() == clock.now
