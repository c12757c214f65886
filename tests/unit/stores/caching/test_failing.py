"""Backends that fail, and say so or not."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr.core.store import Store
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.caching.backend import CacheBackend
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry

from .values import Broken
from .values import Mute
from .values import Watched
from .values import caching_store

pytestmark = pytest.mark.promise(6)


@pytest.mark.parametrize("values", [Broken(), Mute()], ids=["broken", "mute"])
@pytest.mark.parametrize(
    "do",
    [
        pytest.param(lambda store: store.invalidate(expired=["t"]), id="expire"),
        pytest.param(lambda store: store.invalidate(stale=["t"]), id="stale"),
        pytest.param(lambda store: store.clear(), id="clear"),
        pytest.param(lambda store: store.current_version(), id="arrival"),
        pytest.param(lambda store: store.changes(None), id="changes"),
        pytest.param(lambda store: store.acquire(FOX, TAGS, 60.0), id="acquire"),
        pytest.param(lambda store: store.put(entry(FOX, "mark")), id="put"),
        pytest.param(lambda store: store.put_list("l", ["/a"], "mark"), id="list"),
    ],
)
def test_what_could_not_be_written_is_not_pretended(
    values: CacheBackend, do: t.Callable[[Store], object]
) -> None:
    """An error of the backend, and silence, become StoreUnavailable at the caller."""
    store = caching_store(values)
    with pytest.raises(StoreUnavailable):
        do(store)
    assert store.change_counter() != store.change_counter()


def test_visitors_do_not_wait_for_a_slow_backend_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a long wait in vain they are refused at once for a second; an invalidation
    tries all the same."""
    broken = Broken()
    now = 0.0

    def slow(*args: t.Any) -> t.NoReturn:
        nonlocal now
        now += 3.0
        broken._fail()

    monkeypatch.setattr("flask_isr.stores.caching.backend.time.monotonic", lambda: now)
    monkeypatch.setattr(broken, "get", slow)
    store = caching_store(broken)
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            store.load(FOX)
    assert broken.calls == 1
    with pytest.raises(StoreUnavailable):
        store.invalidate(expired=["t"])
    assert broken.calls == 2


def test_a_lease_that_nobody_gave_back_does_not_bar_the_page(
    watched: Watched, store: CachingStore
) -> None:
    """FileSystemCache refuses to add where an expired file lies: it is taken away."""
    lease_of(store)
    key = next(key for key in watched.values if key[12] == "l")
    watched.values[key] = b"an expired file"
    lease_of(store)
