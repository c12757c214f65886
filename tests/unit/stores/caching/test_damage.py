"""What somebody else wrote under the keys of the store."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr.core.freshness import Freshness
from flask_isr.core.key import path_tag
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX

from .values import Watched


def test_damaged_values_count_as_missing(
    watched: Watched, store: CachingStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever somebody else wrote under our keys, it is neither served nor raised."""
    write(store)
    store.put_list("l", ["/a"], store.next_version())
    for damage in (b"", b"\xff", b"[]", b"FISV1\xff\xff\xff\xff{", b"[1,2,3,4,5,6,7]"):
        for key in watched.values:
            if key[12] in "pnlf":
                watched.values[key] = damage
        assert store.load(FOX) is None
        assert store.closed_list("l") is None
        assert store.failure(FOX) is None
    assert "not readable" in caplog.text


@pytest.mark.parametrize("kinds", ["g", "a", "e", "gae"])
def test_damaged_stamps_are_stamps(
    watched: Watched, store: CachingStore, kinds: str
) -> None:
    """They are compared, and need not be text; a later invalidation replaces them."""
    mark = write(store)
    for key in watched.values:
        if key[12] in kinds:
            watched.values[key] = b"\xff"
    lease_of(store)
    assert store.validity_of(mark, TAGS, store.current_version()) in Freshness
    write(store, body=b"new")
    assert (validity(store), body(store)) == (FRESH, b"new")
    store.invalidate(expired=[path_tag(FOX.path)])
    assert validity(store) is EXPIRED


def test_values_that_are_no_bytes_count_as_missing(
    watched: Watched, store: CachingStore
) -> None:
    """A text, or an object that a pickle became."""
    write(store)
    for key in watched.values:
        watched.values[key] = t.cast(bytes, "text")
    assert store.load(FOX) is None
