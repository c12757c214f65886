"""Helpers that many tests of a store use."""

from __future__ import annotations

import typing as t

import pytest

from ...core.entry import Entry
from ...core.entry import Version
from ...core.freshness import Freshness
from ...core.key import PageKey
from ...core.key import user_tag
from ...core.outcome import SealedError
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import Store
from ..clock import Clock
from .records import FOX
from .records import entry
from .records import not_static

FRESH, STALE, EXPIRED = Freshness.FRESH, Freshness.STALE, Freshness.EXPIRED
TAGS = FOX.implicit_tags

#: The kinds of record that may be stored for a page.
RECORDS: t.Final = [
    pytest.param(entry(FOX, ""), id="page"),
    pytest.param(not_static(FOX, ""), id="not-static"),
]

MakeStore: t.TypeAlias = t.Callable[[], Store]


def write(
    store: Store,
    key: PageKey = FOX,
    body: bytes = b"a page",
    *,
    tags: t.Iterable[str] = (),
) -> Version:
    """Store a page that is rendered now; return its version."""
    version = store.current_version()
    assert store.put(entry(key, version, body, tags=tags)) is not None
    return version


def body(store: Store, key: PageKey = FOX) -> bytes | None:
    """The stored body of a page, whether valid or not; ``None`` if it has none."""
    stored = store.load(key, store.current_version())
    if stored is None:
        return None
    assert isinstance(stored.record, Entry)
    return stored.record.body


def validity(store: Store, key: PageKey = FOX) -> Freshness | None:
    """How fresh a page is for a visitor who arrives now; ``None`` if it is not stored."""
    stored = store.load(key, store.current_version())
    return None if stored is None else stored.validity


def lease_of(store: Store, key: PageKey = FOX, lifetime: float = 60.0) -> Lease:
    """Take a lease, which must be given."""
    grant = store.acquire(key, key.implicit_tags, lifetime)
    assert isinstance(grant, Lease), grant
    return grant


def advance(store: Store) -> None:
    """Invalidate something that concerns no page of the test."""
    store.invalidate(expired=[user_tag("something else")])


def failure_of(clock: Clock, *, pause: float = 1.0, count: int = 1) -> Failure:
    """A failure at this moment, with an error answer to share."""
    error = SealedError(503, (("Retry-After", "1"),), b"\x00 down \xff\n\n")
    return Failure("failed", "status 503", count, clock.now, clock.now + pause, error)
