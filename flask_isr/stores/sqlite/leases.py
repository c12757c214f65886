"""Leases and failures: the rows of the embedded store that say who may render."""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass

from ...core.entry import DAMAGE
from ...core.key import PageKey
from ...core.outcome import SealedError
from ...core.store import BackingOff
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import LeaseExpired
from ...core.store import LeaseHeld
from .database import Database
from .liveness import Liveness

# An error page above this is not shared: the row would be too heavy for its use.
_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish for a lease.

    :param version: the order now.
    :param expired: the order in which a tag of the page expired last; voids older leases.
    :param renewed: the order in which the page itself was invalidated last; voids older
        failures.
    """

    key: PageKey
    version: int
    expired: int
    renewed: int
    now: float
    lifetime: float


def acquire(
    work: Database, liveness: Liveness, wanted: Wanted
) -> Lease | LeaseHeld | BackingOff | LeaseExpired:
    """The lease, or why not; see :meth:`.Store.acquire`."""
    # Most who ask may not: they are told by a read, which waits for nobody.
    with work.read() as db:
        refusal = _refusal(db, liveness, wanted)
    if refusal is not None:
        return refusal
    with work.write() as db:
        refusal = _refusal(db, liveness, wanted)
        if refusal is not None:
            return refusal
        lease = Lease(
            wanted.key,
            secrets.token_hex(8),
            wanted.version,
            wanted.now,
            wanted.now + wanted.lifetime,
        )
        # What failed before the page was invalidated does not count any more.
        db.execute(
            "DELETE FROM failures WHERE id = ? AND mark < ?",
            (wanted.key.id, wanted.renewed),
        )
        db.execute(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)",
            (
                wanted.key.id,
                liveness.name,
                lease.token,
                lease.version,
                lease.began,
                lease.deadline,
            ),
        )
    return lease


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that stands, unless its deadline has passed."""

    token: str
    version: int
    began: float
    deadline: float


def held(
    db: sqlite3.Connection, liveness: Liveness, id: int, expired: int
) -> Held | None:
    """The lease of a page, unless its holder is gone or the page expired after it.

    :param expired: the order in which a tag of the page expired last.
    """
    row = db.execute(
        "SELECT holder, token, mark, began, deadline FROM leases WHERE id = ?", (id,)
    ).fetchone()
    if row is None or row[2] < expired or not liveness.lives(row[0]):
        return None
    return Held(*row[1:])


def _refusal(
    db: sqlite3.Connection, liveness: Liveness, wanted: Wanted
) -> LeaseHeld | BackingOff | LeaseExpired | None:
    id = wanted.key.id
    lease = held(db, liveness, id, wanted.expired)
    if lease is not None:
        if wanted.now < lease.deadline:
            return LeaseHeld(lease.deadline)
        return LeaseExpired(
            Lease(wanted.key, lease.token, lease.version, lease.began, lease.deadline)
        )
    failed = failure(db, id)
    if failed is not None and failed.version >= wanted.renewed:
        standing = failed.failure
        if standing.at <= wanted.now < standing.retry_at:
            return BackingOff(standing)
    return None


def give_back(db: sqlite3.Connection, lease: Lease) -> bool:
    """Remove the lease; false when it is not there, or somebody else's by now."""
    count = db.execute(
        "DELETE FROM leases WHERE id = ? AND token = ?", (lease.key.id, lease.token)
    ).rowcount
    return bool(count)


def record_failure(db: sqlite3.Connection, lease: Lease, failed: Failure) -> None:
    """Write down that the render under *lease* did not give a page."""
    error = None
    if failed.error is not None and len(failed.error.body) <= _ERROR_BYTES:
        head = json.dumps(failed.error.head())
        error = head.encode() + b"\n" + failed.error.body
    db.execute(
        "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            lease.key.id,
            lease.version,
            failed.at,
            failed.retry_at,
            failed.count,
            failed.kind,
            failed.cause,
            error,
        ),
    )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A failure, and the order when its render began."""

    version: int
    failure: Failure


def failure(db: sqlite3.Connection, id: int) -> Recorded | None:
    """The failure recorded for the page."""
    row = db.execute(
        "SELECT mark, kind, cause, count, at, retry_at, error FROM failures WHERE id = ?",
        (id,),
    ).fetchone()
    if row is None:
        return None
    version, kind, cause, count, at, retry_at, error = row
    return Recorded(version, Failure(kind, cause, count, at, retry_at, _error(error)))


def _error(data: bytes | None) -> SealedError | None:
    if data is None:
        return None
    head, _, body = data.partition(b"\n")
    try:
        return SealedError.of(json.loads(head), body)
    except DAMAGE:
        return None
