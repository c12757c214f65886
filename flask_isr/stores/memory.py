"""Pages in the memory of one process: for tests, where nothing may be left behind."""

from __future__ import annotations

import functools
import secrets
import threading
import time
import typing as t
from collections import OrderedDict

from ..background.fork import forget_at_fork
from ..core.deployment import is_later
from ..core.deployment import is_protected
from ..core.entry import Entry
from ..core.entry import Record
from ..core.entry import Version
from ..core.freshness import Freshness
from ..core.key import PageKey
from ..core.key import path_tag
from ..core.key import prefix_tag
from ..core.store import MET
from ..core.store import BackingOff
from ..core.store import Capabilities
from ..core.store import Changes
from ..core.store import Failure
from ..core.store import Lease
from ..core.store import LeaseExpired
from ..core.store import LeaseHeld
from ..core.store import Listed
from ..core.store import Overview
from ..core.store import Stored

# Records, tags, failures, lists and builds kept; the oldest go.
_KEPT = 10_000

Method = t.TypeVar("Method", bound=t.Callable[..., t.Any])
Name = t.TypeVar("Name")
Value = t.TypeVar("Value")


def _locked(method: Method) -> Method:
    @functools.wraps(method)
    def locked(self: MemoryStore, *args: t.Any, **kwargs: t.Any) -> t.Any:
        with self._lock:
            return method(self, *args, **kwargs)

    return t.cast(Method, locked)


class MemoryStore:
    """A :class:`~.core.store.Store` for one process, as strict as the embedded one.

    The order is a counter that each write advances. A fork has a copy of its own.

    :param clock: the time, in seconds.
    """

    def __init__(self, clock: t.Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._order = 1
        # What was written at or before it may be forgotten.
        self._floor = 0
        self._records: OrderedDict[PageKey, tuple[Record, int]] = OrderedDict()
        # Tag to the orders in which it was made stale and expired last.
        self._tags: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lists: OrderedDict[str, tuple[Listed, int, int]] = OrderedDict()
        self._leases: dict[PageKey, Lease] = {}
        self._failures: OrderedDict[PageKey, tuple[Failure, int]] = OrderedDict()
        self._met: OrderedDict[str, OrderedDict[str, str]] = OrderedDict()
        self._builds: OrderedDict[tuple[str, str], None] = OrderedDict()
        # It never begins afresh.
        self.on_restart: t.Callable[[], None] = lambda: None
        self.after_fork()
        forget_at_fork(self)

    def after_fork(self) -> None:
        """After a fork: a thread that is not here may hold the lock."""
        self._lock = threading.RLock()

    @property
    def capabilities(self) -> Capabilities:
        """It lists what this process has stored."""
        return Capabilities("memory", lists=True)

    def prepare(self) -> None:
        """Nothing to look for."""

    def examine(self, largest: int | None) -> None:
        """There is no backend."""

    # -- time and order ---------------------------------------------------------------

    def now(self) -> float:
        """The time, in seconds."""
        return self._clock()

    def change_counter(self) -> int:
        """The counter now."""
        return self._order

    def current_version(self) -> Version:
        """The counter now."""
        return self._order

    @_locked
    def next_version(self) -> Version:
        """Advance the counter for its own sake."""
        self._order += 1
        return self._order

    @_locked
    def changes(self, since: int | None) -> Changes:
        """What was written after *since*."""
        if since is None:
            return Changes(self._order, False, {}, {}, {})
        records = {
            key.id: written
            for key, (_, written) in self._records.items()
            if written > since
        }
        stale = {tag: at for tag, (at, _) in self._tags.items() if at > since}
        expired = {tag: at for tag, (_, at) in self._tags.items() if at > since}
        complete = self._floor < since <= self._order
        return Changes(self._order, complete, records, stale, expired)

    # -- records ----------------------------------------------------------------------

    @_locked
    def load(self, key: PageKey, arrival: Version | None = None) -> Stored | None:
        """The record of *key*, judged for a visitor who arrived at *arrival*, or now."""
        found = self._records.get(key)
        if found is None:
            return None
        record, written = found
        current = self.validity_of(record.version, record.tags, self._order)
        early = arrival is not None and int(record.version) >= int(arrival)
        validity = Freshness.FRESH if early else current
        return Stored(record, validity, current, self._order, written)

    @_locked
    def validity_of(
        self, version: Version, tags: t.Collection[str], arrival: Version
    ) -> Freshness:
        """What invalidations say of a render that began at *version*."""
        began = int(version)
        if began >= int(arrival):
            return Freshness.FRESH
        if self._last(tags, expired=True) > began:
            return Freshness.EXPIRED
        if max(self._last(tags, expired=False), self._floor) > began:
            return Freshness.STALE
        return Freshness.FRESH

    def _last(self, tags: t.Iterable[str], *, expired: bool) -> int:
        return max((self._tags.get(tag, (0, 0))[expired] for tag in tags), default=0)

    @_locked
    def put(self, record: Record) -> Stored | None:
        """Store *record*, unless a newer one is there."""
        found = self._records.get(record.key)
        if found is not None:
            there = found[0]
            if (there.version, there.began) > (record.version, record.began):
                return None
            if self._is_protected(there, record):
                return None
        self._order += 1
        _keep(self._records, record.key, (record, self._order))
        return self.load(record.key)

    @_locked
    def invalidate(
        self, *, stale: t.Collection[str] = (), expired: t.Collection[str] = ()
    ) -> Version:
        """Advance the order of the tags."""
        self._order += 1
        for tags, at in ((stale, (self._order, 0)), (expired, (0, self._order))):
            for tag in tags:
                before = self._tags.pop(tag, (0, 0))
                forgotten = _keep(
                    self._tags, tag, (max(before[0], at[0]), max(before[1], at[1]))
                )
                self._floor = max(self._floor, *(forgotten or (0,)))
        return self._order

    @_locked
    def clear(self) -> int:
        """Forget all pages, leases and failures."""
        count = len(self._records)
        self._records.clear()
        self._leases.clear()
        self._failures.clear()
        self._met.clear()
        self.invalidate(expired=[prefix_tag("/")])
        return count

    @_locked
    def variants(self, path: str, limit: int) -> list[Record]:
        """The stored records of one path."""
        found = [record for record, _ in self._records.values()]
        return [record for record in found if record.key.path == path][:limit]

    @_locked
    def _all(self) -> list[Overview]:
        return [
            Overview(
                record,
                self.validity_of(record.version, record.tags, self._order),
                len(record.body) if isinstance(record, Entry) else 0,
                self.failure(record.key),
            )
            for record, _ in self._records.values()
        ]

    def overview(self) -> t.Iterator[Overview]:
        """All that is stored, by path."""
        yield from sorted(
            self._all(), key=lambda row: (row.record.key.path, row.record.key.id)
        )

    def _is_protected(self, there: Record, new: Record) -> bool:
        validity = self.validity_of(there.version, there.tags, self._order)
        later = is_later(there.build, new.build, self.builds(new.key.namespace))
        return later and is_protected(there, validity, new.began)

    @_locked
    def meet_build(self, namespace: str, build: str) -> None:
        """Make *build* the latest of *namespace*."""
        _keep(self._builds, (namespace, build), None)

    @_locked
    def builds(self, namespace: str) -> t.Sequence[str]:
        """The builds of *namespace*, the latest last."""
        return [build for of, build in self._builds if of == namespace]

    @_locked
    def meet(self, name: str, id: str, note: str) -> list[tuple[str, str]]:
        """Remember *note* of *id*; who was met under *name* before."""
        before = self.met(name)
        met = self._met.get(name, OrderedDict())
        _keep(met, id, note, MET)
        _keep(self._met, name, met)
        return before

    @_locked
    def met(self, name: str) -> list[tuple[str, str]]:
        """Id and note of those that were met under *name*."""
        return list(self._met.get(name, {}).items())

    # -- closed lists -----------------------------------------------------------------

    @_locked
    def closed_list(self, name: str) -> Listed | None:
        """The closed list called *name*."""
        found = self._lists.get(name)
        return None if found is None else found[0]

    @_locked
    def list_version(self, name: str) -> Version | None:
        """The order in which the list called *name* was written."""
        found = self._lists.get(name)
        return None if found is None else found[1]

    @_locked
    def put_list(self, name: str, paths: t.Collection[str], version: Version) -> bool:
        """Replace the list called *name*; pages that it lacks now expire."""
        found = self._lists.get(name)
        if found is not None and found[2] > int(version):
            return True
        gone = found[0].paths - set(paths) if found is not None else frozenset()
        # Of a path that was invalidated after the question, the answer tells nothing.
        unknown = {path for path in gone if self._renewed(path) > int(version)}
        gone -= unknown
        paths = unknown.union(paths)
        self._order += 1
        listed = Listed(frozenset(paths), self.now())
        _keep(self._lists, name, (listed, self._order, int(version)))
        if gone:
            self.invalidate(expired=[path_tag(path) for path in gone])
        return True

    def _renewed(self, path: str) -> int:
        tags = [path_tag(path)]
        return max(self._last(tags, expired=expired) for expired in (False, True))

    # -- leases and failures ----------------------------------------------------------

    @_locked
    def acquire(
        self, key: PageKey, tags: t.Collection[str], lifetime: float
    ) -> Lease | LeaseHeld | BackingOff | LeaseExpired:
        """The lease of *key* for *lifetime* seconds, or why not."""
        held, now = self._held(key, tags), self.now()
        if held is not None:
            return (
                LeaseHeld(held.deadline) if now < held.deadline else LeaseExpired(held)
            )
        failure = self.failure(key)
        if failure is None:
            self._failures.pop(key, None)
        elif failure.at <= now < failure.retry_at:
            return BackingOff(failure)
        lease = Lease(key, secrets.token_hex(8), self._order, now, now + lifetime)
        self._leases[key] = lease
        return lease

    def _held(self, key: PageKey, tags: t.Collection[str]) -> Lease | None:
        lease = self._leases.get(key)
        if lease is None or int(lease.version) < self._last(tags, expired=True):
            return None
        return lease

    @_locked
    def busy(self, key: PageKey, tags: t.Collection[str]) -> bool:
        """Whether a lease of *key* stands."""
        held = self._held(key, tags)
        return held is not None and self.now() < held.deadline

    def _give_back(self, lease: Lease) -> bool:
        held = self._leases.get(lease.key)
        if held is None or held.token != lease.token:
            return False
        del self._leases[lease.key]
        return True

    @_locked
    def release(self, lease: Lease) -> None:
        """Give the lease back after a success."""
        self._give_back(lease)
        self._failures.pop(lease.key, None)

    @_locked
    def abandon(self, lease: Lease) -> None:
        """Give the lease back without a word about the page."""
        self._give_back(lease)

    @_locked
    def fail(self, lease: Lease, failure: Failure) -> None:
        """Give the lease back and record the failure."""
        if self._give_back(lease):
            _keep(self._failures, lease.key, (failure, int(lease.version)))

    @_locked
    def failure(self, key: PageKey) -> Failure | None:
        """The last failure of *key*, if neither a success nor an invalidation of the page
        itself followed."""
        found = self._failures.get(key)
        if found is None:
            return None
        renewed = max(
            self._last(key.own_tags, expired=expired) for expired in (False, True)
        )
        return found[0] if found[1] >= renewed else None

    @_locked
    def forget_failure(self, key: PageKey) -> None:
        """Have the next attempt at *key* made at once."""
        self._failures.pop(key, None)

    # -- maintenance ------------------------------------------------------------------

    def used(self, keys: t.Collection[PageKey]) -> None:
        """Which pages are read does not matter here."""

    def maintain(self) -> None:
        """The bounds are kept at each write."""

    def close(self) -> None:
        """There is nothing to let go of."""


def _keep(
    kept: OrderedDict[Name, Value], name: Name, value: Value, limit: int | None = None
) -> Value | None:
    """Put *value* last; what had to go for it."""
    kept[name] = value
    kept.move_to_end(name)
    most = _KEPT if limit is None else limit
    return kept.popitem(last=False)[1] if len(kept) > most else None
