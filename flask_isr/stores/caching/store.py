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
from ...core.entry import Mark
from ...core.entry import Record
from ...core.entry import Unreadable
from ...core.freshness import Freshness
from ...core.key import PageKey
from ...core.key import path_tag
from ...core.key import prefix_tag
from ...core.store import MET
from ...core.store import Busy
from ...core.store import Changes
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import Listed
from ...core.store import Overdue
from ...core.store import Overview
from ...core.store import Resting
from ...core.store import Stored
from ...errors import StoreUnavailable
from .backend import Backend
from .backend import Reach
from .backend import Values
from .codec import Found
from .codec import read_builds
from .codec import read_list
from .codec import read_met
from .codec import read_page
from .codec import write_builds
from .codec import write_list
from .codec import write_met
from .codec import write_page
from .leases import Claims
from .signature import Signature
from .stamps import EPOCH
from .stamps import Point
from .stamps import Sight
from .stamps import Stamps

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
        resolve: t.Callable[[], Values],
        *,
        namespace: str,
        clock: t.Callable[[], float] | None = None,
        signature: Signature | None = None,
    ) -> None:
        self._clock = clock or time.time
        self._signature = signature
        self._backend = Backend(resolve, namespace, signature)
        self._stamps = Stamps(self._clock)
        self._claims = Claims(self._stamps, self._clock)
        self._unknown = itertools.count(1)

    def check(self) -> None:
        """Look for the backend, without asking it anything.

        :raises ConfigurationError: where there is none that can keep pages.
        """
        self._backend.values()

    def check_key(self) -> None:
        """Look for what signs the values.

        :raises ConfigurationError: where there should be a key, and is none.
        """
        if self._signature is not None:
            self._signature.check()

    @property
    def values(self) -> Values:
        """The backend itself."""
        return self._backend.values()

    def close(self) -> None:
        """Nothing to let go of: the backend has its own connections."""

    # -- time and order ---------------------------------------------------------------

    def now(self) -> float:
        """The time of this machine, in seconds since 1970."""
        return self._clock()

    def announced(self) -> int:
        """The number of the global stamp, which is read for it; one that equals no other
        where it cannot be read, or numbered."""
        try:
            sight = self._stamps.see(self._backend.reach("tell its order"))
        except StoreUnavailable:
            return -next(self._unknown)
        return sight.order if sight.certain else -next(self._unknown)

    def changes(self, since: int | None) -> Changes:
        """Complete as long as nothing was invalidated and less than a second passed; tells
        what this process wrote."""
        sight = self._stamps.see(self._backend.reach("tell what changed"))
        return self._stamps.sightings.changes(sight, since)

    def arrival(self) -> Mark:
        """The global stamp now."""
        return self._stamps.point(self._backend.reach("tell its order")).to_mark()

    def tick(self) -> Mark:
        """The same: each look at it is a point of its own."""
        return self.arrival()

    # -- records ----------------------------------------------------------------------

    def load(self, key: PageKey, arrival: Mark | None = None) -> Stored | None:
        """The record of *key*, judged for a visitor who arrived at *arrival*, or now."""
        reach = self._backend.reach("read a page")
        # The order first: what is invalidated after this look, the next one shows.
        sight = self._stamps.see(reach)
        found = self._find(reach, key)
        if found is None:
            return None
        current = self._judge(reach, found, sight)
        if current is None:
            return None
        early = arrival is not None and found.point.saw(Point.of(arrival))
        validity = Freshness.FRESH if early else current
        return Stored(found.record, validity, current, sight.order, sight.order)

    def _find(self, reach: Reach, key: PageKey) -> Found | None:
        data = reach.get("p", str(key.id))
        if data is None:
            return None
        try:
            return read_page(data, key)
        except Unreadable as error:
            logger.warning(
                "a stored page is not readable, and is rendered anew: %s", error
            )
            return None

    def _judge(self, reach: Reach, found: Found, sight: Sight) -> Freshness | None:
        """How good *found* is now; ``None`` where it was cleared away."""
        least = Freshness.STALE if found.overtaken else Freshness.FRESH
        if found.point.stamp == sight.stamp:
            return least
        seen = found.seen
        if self._stamps.compare(reach, seen, [EPOCH]) is Freshness.EXPIRED:
            return None
        return max(least, self._stamps.compare(reach, seen, found.record.tags))

    def judge(self, mark: Mark, tags: t.Collection[str], arrival: Mark) -> Freshness:
        """What invalidations say of a render that began at *mark*; expired where the mark
        does not know one of *tags* and anything was invalidated since."""
        point = Point.of(mark)
        if point.saw(Point.of(arrival)):
            return Freshness.FRESH
        reach = self._backend.reach("judge a page")
        if point.stamp == self._stamps.see(reach).stamp:
            return Freshness.FRESH
        return self._stamps.compare(reach, point.seen, tags)

    def put(self, record: Record) -> Stored | None:
        """Store *record*, unless one that is known to be newer is there.

        :raises StoreUnavailable: also where the backend takes no page of this size.
        """
        reach = self._backend.reach("write a page")
        point = Point.of(record.mark)
        unknown = {*record.tags, EPOCH} - point.seen.keys()
        # The tags first, then the order, as an invalidation does it the other way round:
        # where the order is still that of the mark, these stamps are too.
        late = self._stamps.pairs(reach, unknown)
        sight = self._stamps.see(reach)
        found = Found(record, point, late, bool(late) and sight.stamp != point.stamp)
        there = self._find(reach, record.key)
        if there is not None and (
            there.point.after(point, sight.stamp)
            or self._is_protected(reach, there, record, sight)
        ):
            return None
        current = self._judge(reach, found, sight)
        if current is None:
            # Cleared away while it was rendered.
            return None
        reach.set("p", str(record.key.id), write_page(found))
        written = self._stamps.sightings.wrote(record.key.id)
        return Stored(record, current, current, sight.order, written)

    def _is_protected(
        self, reach: Reach, there: Found, new: Record, sight: Sight
    ) -> bool:
        old, site = there.record, new.key.site
        if new.build is None or old.build in (None, new.build):
            return False
        if new.build not in self.builds(site):
            # The backend lost it: two builds that nobody can tell apart would renew each
            # other's pages for ever.
            self.meet_build(site, new.build)
        if not is_later(old.build, new.build, self.builds(site)):
            return False
        validity = self._judge(reach, there, sight)
        return validity is not None and is_protected(old, validity, new.began)

    def meet_build(self, site: str, build: str) -> None:
        """Make *build* the latest of *site*; one at a time, where `add` is atomic. Else,
        of builds that start at the same moment, some may be missing until they write."""
        reach = self._backend.reach("note a build")
        if self.builds(site)[-1:] == [build]:
            return
        with self._claims.turn(reach, site):
            others = [other for other in self.builds(site) if other != build]
            reach.replace("b", site, write_builds([*others, build][-_BUILDS:]))

    def builds(self, site: str) -> list[str]:
        """The builds of *site*, the latest last; none where the backend lost them."""
        return read_builds(self._backend.reach("read its builds").get("b", site))

    def invalidate(
        self, *, stale: t.Collection[str] = (), expired: t.Collection[str] = ()
    ) -> Mark:
        """Replace the stamps. Where it raises, some may be replaced, and not all."""
        reach = self._backend.reach("record the invalidation", insists=True)
        self._stamps.invalidate(reach, stale, expired)
        return self._stamps.point(reach).to_mark()

    def clear(self) -> int:
        """Void all pages, leases and failures; how many they were is not known."""
        reach = self._backend.reach("clear", insists=True)
        self._stamps.invalidate(reach, (), (EPOCH, prefix_tag("/")))
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
        reach = self._backend.reach("note what it met")
        name = self._since_clear(reach, name)
        if reach.add("m", name, write_met([(id, note)])):
            return []
        before = read_met(reach.get("m", name))
        others = [(other, text) for other, text in before if other != id]
        reach.replace("m", name, write_met([*others, (id, note)][-MET:]))
        return before

    def met(self, name: str) -> list[tuple[str, str]]:
        """Id and note of those that were met under *name*."""
        reach = self._backend.reach("tell whom it met")
        return read_met(reach.get("m", self._since_clear(reach, name)))

    def _since_clear(self, reach: Reach, name: str) -> str:
        """*name*, which :meth:`clear` makes another one."""
        return json.dumps([self._stamps.pairs(reach, [EPOCH])[EPOCH], name])

    # -- closed lists -----------------------------------------------------------------

    def closed_list(self, name: str) -> Listed | None:
        """The closed list called *name*."""
        found = read_list(self._backend.reach("read a list").get("n", name))
        return None if found is None else found[0]

    def list_version(self, name: str) -> Mark | None:
        """A random stamp that every write of the list called *name* replaces."""
        version = self._backend.reach("read a list").get("v", name)
        return None if version is None else version.decode("latin-1")

    def put_list(self, name: str, paths: t.Collection[str], mark: Mark) -> bool:
        """Replace the list called *name*, unless one that is known to be newer is there;
        always true: one as new as this one is there then."""
        reach = self._backend.reach("write a list")
        found = read_list(reach.get("n", name))
        before: frozenset[str] | None = None
        if found is not None:
            before = found[0].paths
            if found[1].after(Point.of(mark), self._stamps.see(reach).stamp):
                return True
        listed = Listed(frozenset(paths), self.now())
        gone = [path_tag(path) for path in (before or frozenset()) - listed.paths]
        if gone:
            # If this ends half way, the next list finds the same paths gone.
            self._stamps.invalidate(reach, (), gone)
        reach.replace("n", name, write_list(listed, mark))
        reach.replace("v", name, secrets.token_hex(8).encode())
        if gone:
            # What was rendered since, by the list as it was.
            self._stamps.invalidate(reach, (), gone)
        elif listed.paths != before:
            self._stamps.announce(reach)
        return True

    # -- leases and failures ----------------------------------------------------------

    def acquire(
        self, key: PageKey, tags: t.Collection[str], lifetime: float
    ) -> Lease | Busy | Resting | Overdue:
        """The lease of *key* for *lifetime* seconds, or why not."""
        reach = self._backend.reach("give a lease")
        return self._claims.acquire(reach, key, tags, lifetime)

    def busy(self, key: PageKey, tags: t.Collection[str]) -> bool:
        """Whether a lease of *key* stands."""
        return self._claims.busy(self._backend.reach("look at a lease"), key, tags)

    def release(self, lease: Lease) -> None:
        """Give the lease back after a success."""
        reach = self._backend.reach("take a lease back")
        self._claims.give_back(reach, lease)
        self._claims.forget_failure(reach, lease.key)

    def abandon(self, lease: Lease) -> None:
        """Give the lease back without a word about the page."""
        self._claims.give_back(self._backend.reach("take a lease back"), lease)

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Give the lease back and record the failure, unless it is another's now."""
        self._claims.fail(self._backend.reach("record a failure"), lease, failure)

    def failure(self, key: PageKey) -> Failure | None:
        """The last failure of *key*, unless the page itself was invalidated after it."""
        return self._claims.failure(self._backend.reach("read a failure"), key)

    def forget_failure(self, key: PageKey) -> None:
        """Have the next attempt at *key* made at once."""
        self._claims.forget_failure(self._backend.reach("forget a failure"), key)

    # -- upkeep -----------------------------------------------------------------------

    def used(self, keys: t.Collection[PageKey]) -> None:
        """Nothing to note: what goes first is the backend's choice."""

    def maintain(self) -> None:
        """Nothing to tidy up: the backend has limits of its own."""
