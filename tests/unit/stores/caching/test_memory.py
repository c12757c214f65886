"""A memory in front of the store."""

from __future__ import annotations

import itertools

from flask_isr.core.key import path_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.store import LeaseHeld
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry

from .values import Watched
from .values import caching_store


def test_a_page_that_is_invalidated_while_it_is_written_does_not_stay_in_memory(
    watched: Watched, store: CachingStore
) -> None:
    """Memory has learnt of the invalidation when the page, judged before, comes to it."""
    memory = LocalCache(store, 10**8)
    memory.sync()
    other = caching_store(watched)

    def strike(method: str, kind: str) -> None:
        if (method, kind) == ("set", "p"):
            watched.before = lambda method, kind: None
            other.invalidate(expired=[path_tag(FOX.path)])
            memory.sync()

    lease = lease_of(store)
    watched.before = strike
    stored = store.put(entry(FOX, lease.version))
    assert stored is not None
    memory.add(stored, ())
    assert memory.get(FOX) is None


def remembering(store: CachingStore) -> LocalCache:
    """A memory that has the page."""
    write(store)
    memory = LocalCache(store, 10**8)
    memory.sync()
    stored = store.load(FOX)
    assert stored is not None
    memory.add(stored, ())
    assert memory.get(FOX) is not None
    return memory


def test_memory_serves_as_long_as_nothing_happens(
    watched: Watched, store: CachingStore
) -> None:
    """A hit costs one look at the order, and no page is read for it."""
    memory = remembering(store)
    before = watched.calls
    assert memory.get(FOX) is not None
    assert watched.calls == before + 1


def test_a_lease_takes_the_page_out_of_memory(store: CachingStore) -> None:
    """Who gets it looks into the backend first: another process may have been faster."""
    memory = remembering(store)
    lease_of(store)
    assert memory.get(FOX) is None


def test_the_end_of_a_lease_takes_the_page_out_of_memory(store: CachingStore) -> None:
    """Who waited for another process looks for what that wrote."""
    memory = remembering(store)
    assert not store.busy(FOX, TAGS)
    assert memory.get(FOX) is None


def test_who_overwrites_a_lease_has_it(watched: Watched, store: CachingStore) -> None:
    """Where `add` is not atomic, two may succeed at once: the first one gives way."""
    looks = itertools.count()

    def overwrite(method: str, kind: str) -> None:
        if (method, kind) == ("get", "l") and next(looks) == 1:
            watched.lose("l")
            lease_of(caching_store(watched))

    watched.before = overwrite
    assert isinstance(store.acquire(FOX, TAGS, 60.0), LeaseHeld)
