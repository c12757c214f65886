"""This process's bounded copy of the pages that it serves."""

from __future__ import annotations

import threading
import typing as t
from collections import OrderedDict
from sys import getsizeof

from .entry import Entry
from .entry import Record
from .freshness import Freshness
from .key import PageKey

if t.TYPE_CHECKING:
    from .store import Changes
    from .store import Store
    from .store import Stored

# What an item costs beside what `_size` adds up, in bytes: the record, its place among the
# variants and in the order, the prepared answer with its own headers. Measured.
_OVERHEAD = 3200

# The same for each coded form: its headers beside those of the plain page.
_CODED_OVERHEAD = 1200


class CachedEntry:
    """A record in memory, and what the middleware prepared to answer from it.

    :ivar ready: the prepared answer; ``None`` until the middleware made one.
    :ivar ready_until: the store's time until which `ready` is right, in seconds.
    :ivar visited: served since the eviction looked at it last.
    :ivar used: served since usage was reported last.
    """

    __slots__ = (
        "order",
        "ready",
        "ready_until",
        "record",
        "size",
        "used",
        "validity",
        "visited",
        "written",
    )

    def __init__(self, stored: Stored) -> None:
        self.record: Record = stored.record
        self.validity: Freshness = stored.current
        self.order = stored.order
        self.written = stored.written
        self.size = _size(stored.record)
        self.ready: t.Any = None
        self.ready_until = float("-inf")
        self.visited = False
        self.used = False


class Variants:
    """The variants of one path.

    :ivar declared: names of the query parameters that tell variants apart.
    """

    __slots__ = ("declared", "items")

    def __init__(self, declared: tuple[str, ...]) -> None:
        self.declared = declared
        self.items: dict[tuple[tuple[str, str], ...], CachedEntry] = {}


class LocalCache:
    """Records by host and path as the WSGI server spells them, at most *limit* bytes.

    Readers take no lock, and must keep this order: find the variants, compare
    ``store.change_counter()`` with :attr:`synced` (calling :meth:`sync` if they differ),
    and only then take one of them. An entry that an invalidation took away cannot be
    served after the invalidation returned.
    """

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._lock = threading.RLock()
        self._items: OrderedDict[int, CachedEntry] = OrderedDict()
        self.variants: dict[str, Variants] = {}
        #: The store's change number up to which the items are known to be right.
        self.synced: int | None = None
        #: Bytes that the items take, roughly.
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def renew_lock(self) -> None:
        """Make a lock that no thread of a parent process holds, after a fork."""
        self._lock = threading.RLock()

    def sync(self) -> None:
        """Take away what changed in the store since the last time.

        :raises StoreUnavailable: where the store does not say; nothing may be served then.
        """
        with self._lock:
            # May call clear(), where the store turns out to be another one.
            changes = self._store.changes(self.synced)
            if changes.complete:
                self._apply(changes)
            else:
                self._empty()
            self.synced = changes.order

    def get(self, key: PageKey) -> CachedEntry | None:
        """The item of *key*, right as of now.

        :raises StoreUnavailable: where the store cannot be asked whether it is.
        """
        variants = self.variants.get(key.variants_key)
        if variants is None:
            return None
        if self._store.change_counter() != self.synced:
            self.sync()
        item = variants.items.get(key.query)
        if item is None or item.record.key != key:
            return None
        item.visited = item.used = True
        return item

    def add(self, stored: Stored, declared: tuple[str, ...]) -> None:
        """Keep a record that was just read or written, if it may still be right."""
        item = CachedEntry(stored)
        key = item.record.key
        with self._lock:
            if self.synced is None:
                self.synced = stored.order
            # Read before changes that were already applied: it may have missed them.
            if stored.order < self.synced:
                return
            if stored.current is Freshness.EXPIRED or item.size > self._limit:
                return
            self._discard(key.id)
            self._items[key.id] = item
            variants = self.variants.get(key.variants_key)
            if variants is None or variants.declared != declared:
                variants = self.variants[key.variants_key] = Variants(declared)
            variants.items[key.query] = item
            self.bytes += item.size
            self._shrink()

    def take_used(self) -> list[PageKey]:
        """The keys of pages that were served again since the last call."""
        with self._lock:
            used = [item for item in self._items.values() if item.used]
        for item in used:
            item.used = False
        return [item.record.key for item in used]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._empty()
            self.synced = None

    def _empty(self) -> None:
        for variants in list(self.variants.values()):
            variants.items.clear()
        self.variants.clear()
        self._items.clear()
        self.bytes = 0

    def _apply(self, changes: Changes) -> None:
        for id, written in changes.records.items():
            item = self._items.get(id)
            if item is not None and item.written < written:
                self._discard(id)
        for tags in (changes.expired, changes.stale):
            if tags:
                hit = [
                    item.record.key.id
                    for item in self._items.values()
                    if any(
                        tags[tag] > item.order for tag in tags.keys() & item.record.tags
                    )
                ]
                for id in hit:
                    self._discard(id)

    def _discard(self, id: int) -> None:
        item = self._items.get(id)
        if item is None:
            return
        key = item.record.key
        variants = self.variants.get(key.variants_key)
        if variants is not None and variants.items.get(key.query) is item:
            del variants.items[key.query]
            if not variants.items:
                del self.variants[key.variants_key]
        # Last: what stands among the variants must be found by the next invalidation, also
        # where this is interrupted, or in a process that is forked meanwhile.
        del self._items[id]
        self.bytes -= item.size

    def _shrink(self) -> None:
        while self.bytes > self._limit:
            id, item = next(iter(self._items.items()))
            if item.visited:
                # A second chance: what was served since goes behind the others.
                item.visited = False
                self._items.move_to_end(id)
            else:
                self._discard(id)


def _size(record: Record) -> int:
    """Bytes that *record* takes in memory, with all that is made of it there."""
    key = record.key
    # The path is kept encoded and, as the name of its variants, decoded.
    parts: list[t.Any] = [record.tags, *record.tags, key.path, key.path, key.query]
    pairs = [*key.query]
    if isinstance(record, Entry):
        parts += (record.body, *(form.body for form in record.coded))
        pairs += record.headers
    for pair in pairs:
        parts += (pair, *pair)
    forms = len(record.coded) if isinstance(record, Entry) else 0
    return sum(map(getsizeof, parts)) + _OVERHEAD + forms * _CODED_OVERHEAD
