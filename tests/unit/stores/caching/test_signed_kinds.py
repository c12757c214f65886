"""Whatever kind of value somebody else writes into a backend, it does not count."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr.core.store import Store
from flask_isr.stores.caching.signature import Signature
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import STALE
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import failure_of
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from tests.support import Clock

from .test_signature import Kept
from .test_signature import Open

#: Whether a value is believed, by its kind: a page, a lease, a failure, a closed list and
#: its version, the builds.
BELIEVED: dict[str, t.Callable[[Store], bool]] = {
    "p": lambda store: store.load(FOX) is not None,
    "l": lambda store: store.busy(FOX, TAGS),
    "f": lambda store: store.failure(FOX) is not None,
    "n": lambda store: store.closed_list("one") is not None,
    "v": lambda store: store.list_version("one") is not None,
    "b": lambda store: list(store.builds("one")) == ["build of one"],
}

#: Bytes of a signature, which is in front.
SIGNED = 43

#: Stamps of the order, of what was invalidated at all, stale and expired.
STAMPS = "gae"


def kind_of(address: str) -> str:
    """What is kept at an address."""
    return address[12]


def signing(kept: Kept, clock: Clock, key: bytes | None = b"key") -> CachingStore:
    """A store, as one process of a site has it."""
    return CachingStore(
        lambda: Open(kept),
        namespace="tests",
        clock=clock,
        signature=None if key is None else Signature(lambda: [key]),
    )


def fill(kept: Kept, clock: Clock, key: bytes | None = b"key") -> Kept:
    """Two values of each kind, and the stamps of their order."""
    store = signing(kept, clock, key)
    for page in (FOX, OWL):
        write(store, page)
        store.fail(lease_of(store, page), failure_of(clock, pause=0.0))
        lease_of(store, page)
    for name in ("one", "two"):
        store.put_list(name, [f"/{name}"], store.current_version())
        store.meet_build(name, f"build of {name}")
    return kept


def test_the_kinds_are_all_there_are(clock: Clock) -> None:
    """And each of them is believed where it is our own."""
    kept = fill({}, clock)
    assert {kind_of(address) for address in kept} == {*BELIEVED, *STAMPS}
    clock.advance(1)
    for believed in BELIEVED.values():
        assert believed(signing(kept, clock))


@pytest.mark.parametrize("kind", BELIEVED)
@pytest.mark.parametrize("key", [b"another key", None], ids=["forged", "unsigned"])
def test_a_value_of_somebody_else(clock: Clock, kind: str, key: bytes | None) -> None:
    """Well formed, and at its place."""
    kept = fill({}, clock)
    foreign = fill({}, clock, key)
    clock.advance(1)
    assert kept.keys() == foreign.keys()
    for address, value in foreign.items():
        if kind_of(address) == kind:
            kept[address] = value
    assert not BELIEVED[kind](signing(kept, clock))


@pytest.mark.parametrize("kind", BELIEVED)
def test_a_value_that_was_altered(clock: Clock, kind: str) -> None:
    """By a bit, at its beginning or its end, or cut short."""
    ways: list[t.Callable[[bytes], bytes]] = [
        lambda value: bytes([value[0] ^ 1]) + value[1:],
        lambda value: value[:-1] + bytes([value[-1] ^ 1]),
        lambda value: value[:-1],
        lambda value: b"",
    ]
    for alter in ways:
        kept = fill({}, clock)
        clock.advance(1)
        for address, value in kept.items():
            if kind_of(address) == kind:
                kept[address] = alter(value)
        assert not BELIEVED[kind](signing(kept, clock))


@pytest.mark.parametrize("kind", BELIEVED)
def test_a_value_of_our_own_at_another_place(clock: Clock, kind: str) -> None:
    """Of the same kind: each stands where another one stood."""
    kept = fill({}, clock)
    clock.advance(1)
    addresses = sorted(address for address in kept if kind_of(address) == kind)
    assert len(addresses) > 1
    values = [kept[address] for address in addresses]
    kept.update(zip(addresses, values[1:] + values[:1], strict=True))
    assert not BELIEVED[kind](signing(kept, clock))


@pytest.mark.parametrize("kind", BELIEVED)
def test_a_value_of_our_own_of_another_kind(clock: Clock, kind: str) -> None:
    """Whatever it is."""
    for other in set(BELIEVED) - {kind}:
        kept = fill({}, clock)
        value = next(value for at, value in kept.items() if kind_of(at) == other)
        clock.advance(1)
        for address in kept:
            if kind_of(address) == kind:
                kept[address] = value
        assert not BELIEVED[kind](signing(kept, clock))


@pytest.mark.parametrize("kind", STAMPS)
@pytest.mark.parametrize(
    ("key", "undone"),
    [(b"another key", False), (None, False), (b"key", True)],
    ids=["forged", "unsigned", "put-back"],
)
def test_an_invalidation_that_somebody_undoes(
    clock: Clock, kind: str, key: bytes | None, undone: bool
) -> None:
    """It takes a stamp that was our own: what was in the backend before can be put back,
    which no signature tells."""
    kept: Kept = {}
    store = signing(kept, clock)
    write(store)
    before = kept.copy()
    store.invalidate(expired=TAGS)
    for address, value in before.items():
        if kind_of(address) == kind:
            content = value[SIGNED:]
            kept[address] = (
                content
                if key is None
                else Signature(lambda: [key]).sign(address, content)
            )
    better = STALE if kind == "e" else FRESH
    assert validity(signing(kept, clock)) is (better if undone else EXPIRED)
