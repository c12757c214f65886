"""Who may render, by values in a backend of Flask-Caching: leases and failures."""

from __future__ import annotations

import contextlib
import secrets
import time
import typing as t

from ...core.freshness import Freshness
from ...core.key import PageKey
from ...core.store import BackingOff
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import LeaseExpired
from ...core.store import LeaseHeld
from .backend import BackendSession
from .codec import read_failure
from .codec import read_lease
from .codec import write_failure
from .codec import write_lease
from .stamps import EPOCH
from .stamps import Stamps
from .stamps import StampSnapshot

# Attempts at a lease, between others that take it and give it back.
_TRIES = 3

# Attempts at a turn, and seconds between two.
_LOOKS, _LOOK = 50, 0.005


class Leases:
    """Who may render a page: at most one holds its lease, where `add` is atomic.

    :param stamps: tell what expired since a lease was given or a failure recorded.
    :param now: the store's time in seconds.
    """

    def __init__(self, stamps: Stamps, now: t.Callable[[], float]) -> None:
        self._stamps = stamps
        self._now = now

    def acquire(
        self,
        session: BackendSession,
        key: PageKey,
        tags: t.Collection[str],
        lifetime: float,
    ) -> Lease | LeaseHeld | BackingOff | LeaseExpired:
        """The lease, or why not; see :meth:`.Store.acquire`."""
        now, name, tags = self._now(), str(key.id), {*tags, *key.own_tags, EPOCH}
        point = self._stamps.point(session, tags)
        for attempt in range(_TRIES):
            data = session.get("l", name)
            held = read_lease(data, key)
            if held is not None and not self._is_void(session, held, tags, point.stamp):
                return (
                    LeaseHeld(held.deadline)
                    if now < held.deadline
                    else LeaseExpired(held)
                )
            failure = self.failure(session, key)
            if failure is not None and failure.at <= now < failure.retry_at:
                return BackingOff(failure)
            if data is not None or attempt:
                # Void, or an expired file, which bars every `add` of FileSystemCache.
                session.delete("l", name)
            lease = Lease(
                key, secrets.token_hex(8), point.to_version(), now, now + lifetime
            )
            if session.add("l", name, write_lease(lease)):
                there = read_lease(session.get("l", name), key)
                if there is None or there.token == lease.token:
                    # Another process may have written the page since it was read here.
                    self._stamps.sequence.wrote(key.id)
                    return lease
        raise session.refused("its leases can be neither taken nor read")

    def _is_void(
        self, session: BackendSession, lease: Lease, tags: t.Iterable[str], stamp: str
    ) -> bool:
        """Whether one of *tags* expired after the lease was given."""
        point = StampSnapshot.of(lease.version)
        if point.stamp == stamp:
            return False
        found = self._stamps.compare(session, point.seen, {*tags, EPOCH})
        return found is Freshness.EXPIRED

    def busy(
        self, session: BackendSession, key: PageKey, tags: t.Collection[str]
    ) -> bool:
        """Whether a lease of *key* stands."""
        lease = read_lease(session.get("l", str(key.id)), key)
        if lease is not None and self._now() < lease.deadline:
            stamp = self._stamps.see(session).stamp
            if not self._is_void(session, lease, tags, stamp):
                return True
        # Whoever had it may have written the page.
        self._stamps.sequence.wrote(key.id)
        return False

    def give_back(self, session: BackendSession, lease: Lease) -> None:
        """Remove the lease, unless it is somebody else's by now."""
        if self._holds(session, lease):
            session.delete("l", str(lease.key.id))

    def fail(self, session: BackendSession, lease: Lease, failure: Failure) -> None:
        """Remove the lease and record the failure, unless it is somebody else's by now."""
        if self._holds(session, lease):
            session.set("f", str(lease.key.id), write_failure(failure, lease.version))
            session.delete("l", str(lease.key.id))

    def _holds(self, session: BackendSession, lease: Lease) -> bool:
        held = read_lease(session.get("l", str(lease.key.id)), lease.key)
        return held is not None and held.token == lease.token

    @contextlib.contextmanager
    def turn(self, session: BackendSession, name: str) -> t.Iterator[None]:
        """Be the only one to change what is called *name*, where `add` is atomic. Who
        has not given it back for a quarter of a second is taken for dead."""
        token = secrets.token_hex(8).encode()
        for _ in range(_LOOKS):
            if session.add("t", name, token):
                break
            time.sleep(_LOOK)
        else:
            session.replace("t", name, token)
        try:
            yield
        finally:
            if session.get("t", name) == token:
                session.delete("t", name)

    def failure(self, session: BackendSession, key: PageKey) -> Failure | None:
        """The last failure of *key*, unless the page itself was invalidated after it."""
        found = read_failure(session.get("f", str(key.id)))
        if found is None:
            return None
        failure, point = found
        if point.stamp != self._stamps.see(session).stamp:
            own = [*key.own_tags, EPOCH]
            if self._stamps.compare(session, point.seen, own) is not Freshness.FRESH:
                return None
        return failure

    def forget_failure(self, session: BackendSession, key: PageKey) -> None:
        """Have the next attempt at *key* made at once."""
        session.delete("f", str(key.id))
