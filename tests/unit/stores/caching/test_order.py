"""Invalidation wins, at whatever moment of whatever else."""

from __future__ import annotations

import pytest

from flask_isr.core.freshness import Freshness
from flask_isr.core.key import path_tag
from flask_isr.core.key import user_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.store import Lease
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import STALE
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry

from .values import Watched
from .values import caching_store

pytestmark = pytest.mark.promise(4)


@pytest.mark.parametrize("how", ["stale", "expired"])
@pytest.mark.parametrize("when", ["get", "set"])
@pytest.mark.parametrize("kind", ["a", "e", "g", "p"])
def test_an_invalidation_at_any_moment_of_a_write_is_seen(
    watched: Watched, store: CachingStore, kind: str, when: str, how: str
) -> None:
    """Between any two steps of a write another process invalidates a tag that the render
    found late: the page is never fresh."""
    mark = store.current_version()
    other = caching_store(watched)
    done: list[str] = []

    def strike(method: str, at: str) -> None:
        if (method, at) == (when, kind) and not done:
            done.append(at)
            watched.before = lambda method, kind: None
            other.invalidate(**{how: [user_tag("late")]})

    watched.before = strike
    store.put(entry(FOX, mark, tags=["late"]))
    watched.before = lambda method, kind: None
    if not done:
        other.invalidate(**{how: [user_tag("late")]})
    assert validity(store) is not FRESH
    assert validity(other) is not FRESH


@pytest.mark.parametrize("step", range(12))
def test_what_is_read_during_an_invalidation_is_not_fresh_after_it(
    watched: Watched, store: CachingStore, step: int
) -> None:
    """Another process reads the page into its memory between any two steps: once the
    call has returned, its memory does not serve it."""
    write(store)
    other = caching_store(watched)
    memory = LocalCache(other, 10**8)
    memory.sync()
    calls = 0

    def read(method: str, kind: str) -> None:
        nonlocal calls
        calls += 1
        if calls != step:
            return
        watched.before = lambda method, kind: None
        stored = other.load(FOX)
        assert stored is not None
        memory.get(FOX)
        memory.sync()
        memory.add(stored, ())
        watched.before = read

    watched.before = read
    store.invalidate(expired=[path_tag(FOX.path)])
    watched.before = lambda method, kind: None
    item = memory.get(FOX)
    assert item is None or item.validity is not FRESH
    assert validity(other) is EXPIRED


@pytest.mark.parametrize("how", ["stale", "expired"])
@pytest.mark.parametrize("step", range(12))
def test_what_is_written_during_an_invalidation_is_not_fresh_after_it(
    watched: Watched, store: CachingStore, step: int, how: str
) -> None:
    """A render that began before, with a tag that it found late, is written between any
    two steps of the invalidation of that tag."""
    other = caching_store(watched)
    write(store, tags=["late"])
    mark = other.current_version()
    calls = 0

    def end(method: str, kind: str) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            watched.before = lambda method, kind: None
            other.put(entry(FOX, mark, tags=["late"]))
            watched.before = end

    watched.before = end
    store.invalidate(**{how: [user_tag("late")]})
    watched.before = lambda method, kind: None
    assert validity(store) is not FRESH
    assert validity(other) is not FRESH


def test_two_stamps_that_are_seen_in_the_wrong_order_have_no_number(
    watched: Watched, store: CachingStore
) -> None:
    """A thread that was slow to tell what it read is not believed: what it judged by may
    be over."""
    store.changes(None)
    slow = caching_store(watched)
    depth = 0

    def overtake(method: str, kind: str) -> None:
        nonlocal depth
        if method == "get" and kind == "g" and depth == 0:
            depth += 1
            slow.invalidate(expired=["x"])
            store.changes(None)
            slow.invalidate(expired=["x"])

    known = store.changes(None).order
    watched.before = overtake
    assert store.change_counter() < 0
    assert store.change_counter() > known


@pytest.mark.parametrize(
    ("lost", "found"),
    [("a", STALE), ("e", FRESH), ("g", FRESH), ("ae", STALE), ("aeg", STALE)],
)
def test_lost_stamps_make_no_page_fresh(
    watched: Watched, store: CachingStore, lost: str, found: Freshness
) -> None:
    """What was evicted cannot be told from what was invalidated."""
    write(store)
    for kind in lost:
        watched.lose(kind)
    store.invalidate(expired=["something else"])
    assert validity(store) is found


def test_an_expired_page_whose_stamps_were_lost_is_not_fresh(
    watched: Watched, store: CachingStore
) -> None:
    """Neither while they are missing, nor when others have made new ones."""
    write(store)
    store.invalidate(expired=[path_tag(FOX.path)])
    watched.lose("e")
    assert validity(store) is EXPIRED
    watched.lose("a")
    assert validity(store) is STALE
    store.acquire(FOX, TAGS, 60.0)
    assert validity(store) is EXPIRED


def test_a_render_whose_tags_were_known_is_told_what_concerned_it(
    store: CachingStore,
) -> None:
    """Under a lease that named its tags, an invalidation of others leaves it fresh, and
    one of its own expires it."""
    first = lease_of(store)
    store.invalidate(expired=[user_tag("something else")])
    stored = store.put(entry(FOX, first.version))
    assert stored is not None
    assert stored.validity is FRESH
    store.invalidate(expired=[path_tag(FOX.path)])
    store.abandon(first)
    second = store.acquire(FOX, TAGS, 60.0)
    assert isinstance(second, Lease)
    store.invalidate(expired=[path_tag(FOX.path)])
    stored = store.put(entry(FOX, second.version))
    assert stored is not None
    assert stored.validity is EXPIRED


def test_a_list_that_changed_is_known_to_all_at_once(
    watched: Watched, store: CachingStore
) -> None:
    """A path that was added is not 404 in another process for a second."""
    other = caching_store(watched)
    store.put_list("animals", ["/animals/fox"], store.next_version())
    known = other.changes(None).order
    store.put_list("animals", ["/animals/fox", "/animals/owl"], store.next_version())
    assert other.change_counter() != known
