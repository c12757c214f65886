"""The store over any backend of Flask-Caching."""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import time
import typing as t

from ...core.deployment import is_later
from ...core.deployment import is_protected
from ...core.entry import Record
from ...core.entry import Unreadable
from ...core.entry import Version
from ...core.freshness import Freshness
from ...core.key import PageKey
from ...core.key import path_tag
from ...core.key import prefix_tag
from ...core.store import MET
from ...core.store import BackingOff
from ...core.store import Capabilities
from ...core.store import Changes
from ...core.store import Examination
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import LeaseExpired
from ...core.store import LeaseHeld
from ...core.store import Listed
from ...core.store import Overview
from ...core.store import Stored
from ...errors import StoreUnavailable
from .backend import Backend
from .backend import BackendSession
from .backend import CacheBackend
from .backend import probe
from .codec import Found
from .codec import read_builds
from .codec import read_list
from .codec import read_met
from .codec import read_page
from .codec import write_builds
from .codec import write_list
from .codec import write_met
from .codec import write_page
from .leases import Leases
from .limits import LIMITS
from .signature import Signature
from .stamps import EPOCH
from .stamps import GlobalStamp
from .stamps import Stamps
from .stamps import StampSnapshot

logger = logging.getLogger("flask_isr.store")

# Builds remembered of an application; the earliest are forgotten.
_BUILDS = 16


class CachingStore:
    """Pages in a backend that can get, set, add and delete, and nothing else.

    The order is made of random stamps (see :mod:`.stamps`). What is not fresh for lack of
    knowledge is stale where nothing says that it expired: a render during which anything
    was invalidated, if it found tags of its own while it ran; a page whose stamps were
    lost. Every look at the order reads the backend, each hit included.

    It cannot promise one render across processes where `add` is not atomic, and it cannot
    list: :meth:`variants` and :meth:`overview` tell of nothing, :meth:`clear` counts
    nothing, :meth:`maintain` has nothing to tidy up. Of pages that other processes wrote
    it learns within a second; of invalidations, and of lists that changed, at once.

    :param resolve: gives the backend; called at first use, and again after a fork.
    :param namespace: tells applications apart that share the backend.
    :param clock: replaces the time, in seconds.
    :param signature: signs all that is kept.
    """

    def __init__(
        self,
        resolve: t.Callable[[], CacheBackend],
        *,
        namespace: str,
        clock: t.Callable[[], float] | None = None,
        signature: Signature | None = None,
    ) -> None:
        self._clock = clock or time.time
        self._signature = signature
        self._backend = Backend(resolve, namespace, signature)
        self._stamps = Stamps(self._clock)
        self._leases = Leases(self._stamps, self._clock)
        self._unknown = itertools.count(1)
        # No backend tells that it began afresh: what it lost is stale or missing.
        self.on_restart: t.Callable[[], None] = lambda: None

    @property
    def capabilities(self) -> Capabilities:
        """It cannot list."""
        return Capabilities("the cache of Flask-Caching", lists=False, backend=True)

    def check(self) -> None:
        """Look for the backend, without asking it anything.

        :raises ConfigurationError: where there is none that can keep pages.
        """
        self._backend.values()

    def prepare(self) -> None:
        """Look for the backend, which may have been made after the extension, and for the
        key that signs the values."""
        self.check()
        if self._signature is not None:
            self._signature.check()

    def examine(self, largest: int | None) -> Examination:
        """Try the backend with a small value and a large one."""
        values = self._backend.values()
        name = type(values).__name__
        faults = [] if largest is None else probe(values, 1)
        takes_largest = largest is None or bool(faults) or not probe(values, largest)
        return Examination(name, faults, takes_largest, LIMITS.get(name))

    def close(self) -> None:
        """Nothing to let go of: the backend has its own connections."""

    # -- time and order ---------------------------------------------------------------

    def now(self) -> float:
        """The time of this machine, in seconds since 1970."""
        return self._clock()

    def change_counter(self) -> int:
        """The number of the global stamp, which is read for it; one that equals no other
        where it cannot be read, or numbered."""
        try:
            stamp = self._stamps.see(self._backend.session("tell its order"))
        except StoreUnavailable:
            return -next(self._unknown)
        return stamp.order if stamp.certain else -next(self._unknown)

    def changes(self, since: int | None) -> Changes:
        """Complete as long as nothing was invalidated and less than a second passed; tells
        what this process wrote."""
        stamp = self._stamps.see(self._backend.session("tell what changed"))
        return self._stamps.sequence.changes(stamp, since)

    def current_version(self) -> Version:
        """The global stamp now."""
        return self._stamps.point(self._backend.session("tell its order")).to_version()

    def next_version(self) -> Version:
        """The same: each look at it is a point of its own."""
        return self.current_version()

    # -- records ----------------------------------------------------------------------

    def load(self, key: PageKey, arrival: Version | None = None) -> Stored | None:
        """The record of *key*, judged for a visitor who arrived at *arrival*, or now."""
        session = self._backend.session("read a page")
        # The order first: what is invalidated after this look, the next one shows.
        stamp = self._stamps.see(session)
        found = self._find(session, key)
        if found is None:
            return None
        current = self._validity_of(session, found, stamp)
        if current is None:
            return None
        early = arrival is not None and found.point.saw(StampSnapshot.of(arrival))
        validity = Freshness.FRESH if early else current
        return Stored(found.record, validity, current, stamp.order, stamp.order)

    def _find(self, session: BackendSession, key: PageKey) -> Found | None:
        data = session.get("p", str(key.id))
        if data is None:
            return None
        try:
            return read_page(data, key)
        except Unreadable as error:
            logger.warning(
                "a stored page is not readable, and is rendered anew: %s", error
            )
            return None

    def _validity_of(
        self, session: BackendSession, found: Found, stamp: GlobalStamp
    ) -> Freshness | None:
        """How good *found* is now; ``None`` where it was cleared away."""
        least = Freshness.STALE if found.overtaken else Freshness.FRESH
        if found.point.stamp == stamp.stamp:
            return least
        seen = found.seen
        if self._stamps.compare(session, seen, [EPOCH]) is Freshness.EXPIRED:
            return None
        return max(least, self._stamps.compare(session, seen, found.record.tags))

    def validity_of(
        self, version: Version, tags: t.Collection[str], arrival: Version
    ) -> Freshness:
        """What invalidations say of a render that began at *version*; expired if that
        does not know one of *tags*, and anything was invalidated since."""
        point = StampSnapshot.of(version)
        if point.saw(StampSnapshot.of(arrival)):
            return Freshness.FRESH
        session = self._backend.session("judge a page")
        if point.stamp == self._stamps.see(session).stamp:
            return Freshness.FRESH
        return self._stamps.compare(session, point.seen, tags)

    def put(self, record: Record) -> Stored | None:
        """Store *record*, unless one that is known to be newer is there.

        :raises StoreUnavailable: also where the backend takes no page of this size.
        """
        session = self._backend.session("write a page")
        point = StampSnapshot.of(record.version)
        unknown = {*record.tags, EPOCH} - point.seen.keys()
        # The tags first, then the order, as an invalidation does it the other way round:
        # where the order is still that of the version, these stamps are too.
        late = self._stamps.pairs(session, unknown)
        stamp = self._stamps.see(session)
        found = Found(record, point, late, bool(late) and stamp.stamp != point.stamp)
        there = self._find(session, record.key)
        if there is not None and (
            there.point.after(point, stamp.stamp)
            or self._is_protected(session, there, record, stamp)
        ):
            return None
        current = self._validity_of(session, found, stamp)
        if current is None:
            # Cleared away while it was rendered.
            return None
        session.set("p", str(record.key.id), write_page(found))
        written = self._stamps.sequence.wrote(record.key.id)
        return Stored(record, current, current, stamp.order, written)

    def _is_protected(
        self, session: BackendSession, there: Found, new: Record, stamp: GlobalStamp
    ) -> bool:
        old, namespace = there.record, new.key.namespace
        if new.build is None or old.build in (None, new.build):
            return False
        if new.build not in self.builds(namespace):
            # The backend lost it: two builds that nobody can tell apart would renew each
            # other's pages for ever.
            self.meet_build(namespace, new.build)
        if not is_later(old.build, new.build, self.builds(namespace)):
            return False
        validity = self._validity_of(session, there, stamp)
        return validity is not None and is_protected(old, validity, new.began)

    def meet_build(self, namespace: str, build: str) -> None:
        """Make *build* the latest of *namespace*: one at a time, if `add` is atomic. If it
        is not, some of those that start at the same moment may be missing until they
        write."""
        session = self._backend.session("note a build")
        if self.builds(namespace)[-1:] == [build]:
            return
        with self._leases.turn(session, namespace):
            others = [other for other in self.builds(namespace) if other != build]
            session.replace("b", namespace, write_builds([*others, build][-_BUILDS:]))

    def builds(self, namespace: str) -> list[str]:
        """The builds of *namespace*, the latest last; none where the backend lost them."""
        return read_builds(self._backend.session("read its builds").get("b", namespace))

    def invalidate(
        self, *, stale: t.Collection[str] = (), expired: t.Collection[str] = ()
    ) -> Version:
        """Replace the stamps. Where it raises, some may be replaced, and not all."""
        session = self._backend.session("record the invalidation", bypass_breaker=True)
        self._stamps.invalidate(session, stale, expired)
        return self._stamps.point(session).to_version()

    def clear(self) -> int:
        """Void all pages, leases and failures; how many they were is not known."""
        session = self._backend.session("clear", bypass_breaker=True)
        self._stamps.invalidate(session, (), (EPOCH, prefix_tag("/")))
        return 0

    def variants(self, path: str, limit: int) -> list[Record]:
        """Nothing: the backend cannot list."""
        return []

    def overview(self) -> t.Iterator[Overview]:
        """Nothing: the backend cannot list."""
        return iter(())

    def meet(self, name: str, id: str, note: str) -> list[tuple[str, str]]:
        """Remember *note* of *id*; who was met under *name* before. Of several who are
        first at once, all but one meet another; later ones may miss each other."""
        session = self._backend.session("note what it met")
        name = self._since_clear(session, name)
        if session.add("m", name, write_met([(id, note)])):
            return []
        before = read_met(session.get("m", name))
        others = [(other, text) for other, text in before if other != id]
        session.replace("m", name, write_met([*others, (id, note)][-MET:]))
        return before

    def met(self, name: str) -> list[tuple[str, str]]:
        """Id and note of those that were met under *name*."""
        session = self._backend.session("tell whom it met")
        return read_met(session.get("m", self._since_clear(session, name)))

    def _since_clear(self, session: BackendSession, name: str) -> str:
        """*name*, which :meth:`clear` makes another one."""
        return json.dumps([self._stamps.pairs(session, [EPOCH])[EPOCH], name])

    # -- closed lists -----------------------------------------------------------------

    def closed_list(self, name: str) -> Listed | None:
        """The closed list called *name*."""
        found = read_list(self._backend.session("read a list").get("n", name))
        return None if found is None else found[0]

    def list_version(self, name: str) -> Version | None:
        """A random stamp that every write of the list called *name* replaces."""
        version = self._backend.session("read a list").get("v", name)
        return None if version is None else version.decode("latin-1")

    def put_list(self, name: str, paths: t.Collection[str], version: Version) -> bool:
        """Replace the list called *name*, unless one that is known to be newer is there;
        always true: one as new as this one is there then."""
        session = self._backend.session("write a list")
        found = read_list(session.get("n", name))
        before: frozenset[str] | None = None
        if found is not None:
            before = found[0].paths
            if found[1].after(
                StampSnapshot.of(version), self._stamps.see(session).stamp
            ):
                return True
        listed = Listed(frozenset(paths), self.now())
        gone = [path_tag(path) for path in (before or frozenset()) - listed.paths]
        if gone:
            # If this ends half way, the next list finds the same paths gone.
            self._stamps.invalidate(session, (), gone)
        session.replace("n", name, write_list(listed, version))
        session.replace("v", name, secrets.token_hex(8).encode())
        if gone:
            # What was rendered since, by the list as it was.
            self._stamps.invalidate(session, (), gone)
        elif listed.paths != before:
            self._stamps.announce(session)
        return True

    # -- leases and failures ----------------------------------------------------------

    def acquire(
        self, key: PageKey, tags: t.Collection[str], lifetime: float
    ) -> Lease | LeaseHeld | BackingOff | LeaseExpired:
        """The lease of *key* for *lifetime* seconds, or why not."""
        session = self._backend.session("give a lease")
        return self._leases.acquire(session, key, tags, lifetime)

    def busy(self, key: PageKey, tags: t.Collection[str]) -> bool:
        """Whether a lease of *key* stands."""
        return self._leases.busy(self._backend.session("look at a lease"), key, tags)

    def release(self, lease: Lease) -> None:
        """Give the lease back after a success."""
        session = self._backend.session("take a lease back")
        self._leases.give_back(session, lease)
        self._leases.forget_failure(session, lease.key)

    def abandon(self, lease: Lease) -> None:
        """Give the lease back without a word about the page."""
        self._leases.give_back(self._backend.session("take a lease back"), lease)

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Give the lease back and record the failure, unless it is another's now."""
        self._leases.fail(self._backend.session("record a failure"), lease, failure)

    def failure(self, key: PageKey) -> Failure | None:
        """The last failure of *key*, unless the page itself was invalidated after it."""
        return self._leases.failure(self._backend.session("read a failure"), key)

    def forget_failure(self, key: PageKey) -> None:
        """Have the next attempt at *key* made at once."""
        self._leases.forget_failure(self._backend.session("forget a failure"), key)

    # -- maintenance ------------------------------------------------------------------

    def used(self, keys: t.Collection[PageKey]) -> None:
        """Nothing to note: what goes first is the backend's choice."""

    def maintain(self) -> None:
        """Nothing to tidy up: the backend has limits of its own."""
