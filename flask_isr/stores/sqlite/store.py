"""The embedded store: SQLite in a folder, shared by all processes of the machine."""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t
from pathlib import Path

from ...core.entry import Entry
from ...core.entry import Record
from ...core.entry import Version
from ...core.entry import encode
from ...core.freshness import Freshness
from ...core.key import PageKey
from ...core.key import prefix_tag
from ...core.store import BackingOff
from ...core.store import Capabilities
from ...core.store import Changes
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import LeaseExpired
from ...core.store import LeaseHeld
from ...core.store import Listed
from ...core.store import Overview
from ...core.store import Stored
from . import builds
from . import encounters
from . import eviction
from . import leases
from . import lists
from . import records
from .access import Access
from .folder import OpenFolder
from .folder import time_since_start
from .order import Writing
from .order import after
from .order import changes
from .order import clock_of
from .order import last
from .order import validity_of


class SQLiteStore:
    """Pages in ``pages.sqlite``; leases, failures and usage in ``work.sqlite``.

    The order is a counter that each write of a page, a list or an invalidation advances.
    A writer announces it in :class:`~.shared_counter.SharedCounter` before it commits, so
    that readers know without a system call whether anything can have changed.

    :param folder: made when it is missing, private to its owner.
    :param limit: bytes that the stored pages may take.
    :param clock: replaces the store's time, in seconds, for tests.
    :param on_restart: called when the folder turned out to be another one than before:
        what was known of its pages is void.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit: int,
        clock: t.Callable[[], float] | None = None,
        on_restart: t.Callable[[], None] = lambda: None,
    ) -> None:
        self._access = Access(folder, on_restart)
        self._limit = limit
        self._clock = clock
        self._unequal: int | None = None

    def close(self) -> None:
        """Let go of files and locks; the store opens again when it is used."""
        self._access.close()

    @property
    def capabilities(self) -> Capabilities:
        """It has files of its own, and lists them."""
        folder = self._access.path
        return Capabilities(str(folder), lists=True, folder=folder)

    def prepare(self) -> None:
        """Nothing to look for: the folder is made when it is needed."""

    def examine(self, largest: int | None) -> None:
        """There is no backend."""

    @property
    def on_restart(self) -> t.Callable[[], None]:
        """Called when what was known of the pages is void."""
        return self._access.on_restart

    @on_restart.setter
    def on_restart(self, call: t.Callable[[], None]) -> None:
        self._access.on_restart = call

    @contextlib.contextmanager
    def _pages(self, what: str) -> t.Iterator[sqlite3.Connection]:
        with self._access.guarded(what), self._access.opened().pages.read() as db:
            yield db

    @contextlib.contextmanager
    def _work(
        self, what: str, *, bypass_breaker: bool = False
    ) -> t.Iterator[sqlite3.Connection]:
        with (
            self._access.guarded(what, bypass_breaker=bypass_breaker),
            self._access.opened().work.write() as db,
        ):
            yield db

    # -- time and order ---------------------------------------------------------------

    def now(self) -> float:
        """Seconds since 1970 as the folder counts them: no clock step changes it, and
        all processes of the machine agree."""
        if self._clock is not None:
            return self._clock()
        return time_since_start() + self._access.shift

    def change_counter(self) -> int:
        """The counter announced last, by whichever process; no system call."""
        folder = self._access.folder
        return -1 if folder is None else folder.word.read()

    def current_version(self) -> Version:
        """The version now."""
        with self._pages("tell its order") as db:
            return clock_of(db)

    def next_version(self) -> Version:
        """Advance the counter for its own sake."""
        with self._advance("advance its order") as writing:
            writing.changed = True
        return writing.clock

    def changes(self, since: int | None) -> Changes:
        """What was written after *since*, in one consistent look."""
        with self._access.guarded("tell what changed"):
            # The word may differ because another process found a new folder.
            folder = self._access.opened(check=True)
            with folder.pages.read() as db:
                db.execute("BEGIN")
                seen = changes(db, since)
                db.execute("COMMIT")
        self._heal_word(folder, seen.order)
        return seen

    def _heal_word(self, folder: OpenFolder, clock: int) -> None:
        # A writer that died between announcing and committing leaves the counter ahead of
        # the clock, and every reader asking. Twice the same: nobody is committing.
        word = folder.word.read()
        if word == clock:
            self._unequal = None
        elif word != self._unequal:
            self._unequal = word
        else:
            with self._access.guarded("correct its word"):
                folder.pages.try_write_lock(lambda db: folder.word.write(clock_of(db)))

    @contextlib.contextmanager
    def _advance(self, what: str, *, durable: bool = False) -> t.Iterator[Writing]:
        with self._access.guarded(what, bypass_breaker=durable):
            folder = self._access.opened(check=True)
            database = folder.durable if durable else folder.pages
            with database.write() as db:
                writing = Writing(db, clock_of(db) + 1)
                yield writing
                if writing.changed:
                    db.execute(
                        "UPDATE clock SET value = ?, seen = ?",
                        (writing.clock, self.now()),
                    )
                # Nothing may be announced after the commit: a process that died between
                # the two would hide the invalidation from the others.
                folder.word.write(writing.clock - (not writing.changed))
            self._access.confirm(folder)

    # -- records ----------------------------------------------------------------------

    def load(self, key: PageKey, arrival: Version | None = None) -> Stored | None:
        """The record of *key*, judged for a visitor who arrived at *arrival*, or now."""
        with self._pages("read a page") as db:
            return records.load(db, key, arrival)

    def validity_of(
        self, version: Version, tags: t.Collection[str], arrival: Version
    ) -> Freshness:
        """What invalidations say of a render that began at *version*."""
        if after(version, arrival):
            return Freshness.FRESH
        with self._pages("judge a page") as db:
            return validity_of(db, version, tags, arrival)

    def put(self, record: Record) -> Stored | None:
        """Store *record* unless a newer one is there."""
        data = encode(record)
        with self._advance("write a page") as writing:
            return records.write(writing, record, data)

    def invalidate(
        self, *, stale: t.Collection[str] = (), expired: t.Collection[str] = ()
    ) -> Version:
        """Advance the order of the tags; durable and seen by all when it returns."""
        with self._advance("record the invalidation", durable=True) as writing:
            writing.invalidate(stale=stale, expired=expired)
        return writing.clock

    def clear(self) -> int:
        """Delete all pages, leases and failures, and void the copies of all processes."""
        with self._advance("clear", durable=True) as writing:
            count = writing.db.execute("DELETE FROM records").rowcount
            writing.invalidate(expired=[prefix_tag("/")])
        with self._work("clear") as db:
            for table in ("leases", "failures", "usage", "met"):
                db.execute(f"DELETE FROM {table}")
        return int(count)

    def variants(self, path: str, limit: int) -> list[Record]:
        """The stored records of one path."""
        with self._pages("read a page") as db:
            return records.variants(db, path, limit)

    def overview(self) -> t.Iterator[Overview]:
        """All that is stored, by path; each page is read when it is asked for."""
        with self._pages("list its pages") as db:
            ids = records.ids(db)
        for id in ids:
            overview = self._overview_of(id)
            if overview is not None:
                yield overview

    def _overview_of(self, id: int) -> Overview | None:
        with self._access.guarded("list its pages"):
            folder = self._access.opened()
            with folder.pages.read() as db:
                record = records.find(db, id)
                if record is None:
                    return None
                validity = validity_of(db, record.version, record.tags, clock_of(db))
            with folder.work.read() as work:
                failed = leases.failure(work, id)
        failure = None if failed is None else failed.failure
        size = len(record.body) if isinstance(record, Entry) else 0
        return Overview(record, validity, size, failure)

    def meet_build(self, namespace: str, build: str) -> None:
        """Make *build* the latest of *namespace*, in one transaction."""
        # Most processes of a build find it so, and must not wait for those who write.
        if self.builds(namespace)[-1:] != [build]:
            with self._advance("note a build") as writing:
                builds.meet(writing.db, namespace, build)

    def builds(self, namespace: str) -> list[str]:
        """The builds of *namespace*, the latest last."""
        with self._pages("read its builds") as db:
            return builds.order(db, namespace)

    def meet(self, name: str, id: str, note: str) -> list[tuple[str, str]]:
        """Remember *note* of *id*; who was met under *name* before."""
        with self._work("note what it met") as db:
            before = encounters.find(db, name)
            encounters.add(db, name, id, note)
        return before

    def met(self, name: str) -> list[tuple[str, str]]:
        """Id and note of those that were met under *name*."""
        with (
            self._access.guarded("tell whom it met"),
            self._access.opened().work.read() as db,
        ):
            return encounters.find(db, name)

    # -- closed lists -----------------------------------------------------------------

    def closed_list(self, name: str) -> Listed | None:
        """The closed list called *name*."""
        with self._pages("read a list") as db:
            return lists.find(db, name)

    def list_version(self, name: str) -> Version | None:
        """The order in which the list called *name* was written."""
        with self._pages("read a list") as db:
            return lists.version(db, name)

    def put_list(self, name: str, paths: t.Collection[str], version: Version) -> bool:
        """Replace the list called *name*; pages that it lacks now expire in the same
        transaction."""
        with self._advance("write a list") as writing:
            return lists.replace(writing, name, paths, version, self.now())

    # -- leases and failures ----------------------------------------------------------

    def acquire(
        self, key: PageKey, tags: t.Collection[str], lifetime: float
    ) -> Lease | LeaseHeld | BackingOff | LeaseExpired:
        """The lease of *key* for *lifetime* seconds, or why not."""
        with self._access.guarded("give a lease"):
            folder = self._access.opened(check=True)
            with folder.pages.read() as db:
                version = clock_of(db)
                expired = last(db, tags, "expired")
                renewed = last(db, key.own_tags, "max(stale, expired)")
            return leases.acquire(
                folder.work,
                folder.liveness,
                leases.Wanted(key, version, expired, renewed, self.now(), lifetime),
            )

    def busy(self, key: PageKey, tags: t.Collection[str]) -> bool:
        """Whether a lease of *key* stands."""
        with self._access.guarded("look at a lease"):
            folder = self._access.opened()
            with folder.pages.read() as db:
                expired = last(db, tags, "expired")
            with folder.work.read() as db:
                held = leases.held(db, folder.liveness, key.id, expired)
        return held is not None and self.now() < held.deadline

    def release(self, lease: Lease) -> None:
        """Give the lease back after a success."""
        with self._work("take a lease back", bypass_breaker=True) as db:
            leases.give_back(db, lease)
            db.execute("DELETE FROM failures WHERE id = ?", (lease.key.id,))

    def abandon(self, lease: Lease) -> None:
        """Give the lease back without a word about the page."""
        with self._work("take a lease back", bypass_breaker=True) as db:
            leases.give_back(db, lease)

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Give the lease back and record the failure."""
        with self._work("record a failure", bypass_breaker=True) as db:
            if leases.give_back(db, lease):
                leases.record_failure(db, lease, failure)

    def forget_failure(self, key: PageKey) -> None:
        """Have the next attempt at *key* made at once."""
        with self._work("forget a failure") as db:
            db.execute("DELETE FROM failures WHERE id = ?", (key.id,))

    def failure(self, key: PageKey) -> Failure | None:
        """The failure recorded last for *key*, if neither a success nor an invalidation of
        the page itself followed."""
        with self._access.guarded("read a failure"):
            folder = self._access.opened()
            with folder.work.read() as db:
                failed = leases.failure(db, key.id)
            if failed is None:
                return None
            with folder.pages.read() as db:
                renewed = last(db, key.own_tags, "max(stale, expired)")
        return failed.failure if failed.version >= renewed else None

    # -- maintenance ------------------------------------------------------------------

    def used(self, keys: t.Collection[PageKey]) -> None:
        """Remember that *keys* were served."""
        now = self.now()
        with self._work("note usage") as db:
            db.executemany(
                "INSERT OR REPLACE INTO usage VALUES (?, ?)",
                [(key.id, now) for key in keys],
            )

    def maintain(self) -> None:
        """Evict what exceeds the limits, forget old rows, checkpoint the logs."""
        with self._access.guarded("tidy up"):
            folder = self._access.opened(check=True)
            eviction.evict(folder, self._limit)
            eviction.forget(folder, self.now())
            eviction.checkpoint(folder)
