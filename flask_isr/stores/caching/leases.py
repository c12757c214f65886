"""Who may render, by values in a backend of Flask-Caching: leases and failures."""

from __future__ import annotations

import contextlib
import secrets
import time
import typing as t

from ...core.freshness import Freshness
from ...core.key import PageKey
from ...core.store import Busy
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import Overdue
from ...core.store import Resting
from .backend import Reach
from .codec import read_failure
from .codec import read_lease
from .codec import write_failure
from .codec import write_lease
from .stamps import EPOCH
from .stamps import Point
from .stamps import Stamps

# Attempts at a lease, between others that take it and give it back.
_TRIES = 3

# Attempts at a turn, and seconds between two.
_LOOKS, _LOOK = 50, 0.005


class Claims:
    """Who may render a page: at most one holds its lease, where `add` is atomic.

    :param stamps: tell what expired since a lease was given or a failure recorded.
    :param now: the store's time in seconds.
    """

    def __init__(self, stamps: Stamps, now: t.Callable[[], float]) -> None:
        self._stamps = stamps
        self._now = now

    def acquire(
        self, reach: Reach, key: PageKey, tags: t.Collection[str], lifetime: float
    ) -> Lease | Busy | Resting | Overdue:
        """The lease, or why not; see :meth:`.base.Store.acquire`."""
        now, name, tags = self._now(), str(key.id), {*tags, *key.own_tags, EPOCH}
        point = self._stamps.point(reach, tags)
        for attempt in range(_TRIES):
            data = reach.get("l", name)
            held = read_lease(data, key)
            if held is not None and not self._is_void(reach, held, tags, point.stamp):
                return Busy(held.deadline) if now < held.deadline else Overdue(held)
            failure = self.failure(reach, key)
            if failure is not None and failure.at <= now < failure.retry_at:
                return Resting(failure)
            if data is not None or attempt:
                # Void, or an expired file, which bars every `add` of FileSystemCache.
                reach.delete("l", name)
            lease = Lease(
                key, secrets.token_hex(8), point.to_mark(), now, now + lifetime
            )
            if reach.add("l", name, write_lease(lease)):
                there = read_lease(reach.get("l", name), key)
                if there is None or there.token == lease.token:
                    # Another process may have written the page since it was read here.
                    self._stamps.sightings.wrote(key.id)
                    return lease
        raise reach.refused("its leases can be neither taken nor read")

    def _is_void(
        self, reach: Reach, lease: Lease, tags: t.Iterable[str], stamp: str
    ) -> bool:
        """Whether one of *tags* expired after the lease was given."""
        point = Point.of(lease.mark)
        if point.stamp == stamp:
            return False
        found = self._stamps.compare(reach, point.seen, {*tags, EPOCH})
        return found is Freshness.EXPIRED

    def busy(self, reach: Reach, key: PageKey, tags: t.Collection[str]) -> bool:
        """Whether a lease of *key* stands."""
        lease = read_lease(reach.get("l", str(key.id)), key)
        if lease is not None and self._now() < lease.deadline:
            stamp = self._stamps.see(reach).stamp
            if not self._is_void(reach, lease, tags, stamp):
                return True
        # Whoever had it may have written the page.
        self._stamps.sightings.wrote(key.id)
        return False

    def give_back(self, reach: Reach, lease: Lease) -> None:
        """Remove the lease, unless it is somebody else's by now."""
        if self._holds(reach, lease):
            reach.delete("l", str(lease.key.id))

    def fail(self, reach: Reach, lease: Lease, failure: Failure) -> None:
        """Remove the lease and record the failure, unless it is somebody else's by now."""
        if self._holds(reach, lease):
            reach.set("f", str(lease.key.id), write_failure(failure, lease.mark))
            reach.delete("l", str(lease.key.id))

    def _holds(self, reach: Reach, lease: Lease) -> bool:
        held = read_lease(reach.get("l", str(lease.key.id)), lease.key)
        return held is not None and held.token == lease.token

    @contextlib.contextmanager
    def turn(self, reach: Reach, name: str) -> t.Iterator[None]:
        """Be the only one to change what is called *name*, where `add` is atomic. Who
        has not given it back for a quarter of a second is taken for dead."""
        token = secrets.token_hex(8).encode()
        for _ in range(_LOOKS):
            if reach.add("t", name, token):
                break
            time.sleep(_LOOK)
        else:
            reach.replace("t", name, token)
        try:
            yield
        finally:
            if reach.get("t", name) == token:
                reach.delete("t", name)

    def failure(self, reach: Reach, key: PageKey) -> Failure | None:
        """The last failure of *key*, unless the page itself was invalidated after it."""
        found = read_failure(reach.get("f", str(key.id)))
        if found is None:
            return None
        failure, point = found
        if point.stamp != self._stamps.see(reach).stamp:
            own = [*key.own_tags, EPOCH]
            if self._stamps.compare(reach, point.seen, own) is not Freshness.FRESH:
                return None
        return failure

    def forget_failure(self, reach: Reach, key: PageKey) -> None:
        """Have the next attempt at *key* made at once."""
        reach.delete("f", str(key.id))
