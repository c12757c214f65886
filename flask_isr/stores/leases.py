"""Leases and failures: the rows of the embedded store that say who may render."""

from __future__ import annotations

import json
import secrets
import sqlite3
import typing as t
from dataclasses import dataclass

from ..core.key import PageKey
from ..core.outcome import SealedError
from .base import Busy
from .base import Failure
from .base import Lease
from .base import Overdue
from .base import Resting
from .database import Database
from .liveness import Liveness

# An error page above this is not shared: the row would be too heavy for its use.
_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish for a lease.

    :param mark: the order now.
    :param expired: the order in which a tag of the page expired last; voids older leases.
    :param renewed: the order in which the page itself was invalidated last; voids older
        failures.
    """

    key: PageKey
    mark: int
    expired: int
    renewed: int
    now: float
    lifetime: float


def acquire(
    work: Database, liveness: Liveness, wanted: Wanted
) -> Lease | Busy | Resting | Overdue:
    """The lease, or why not; see :meth:`.base.Store.acquire`."""
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
            wanted.mark,
            wanted.now,
            wanted.now + wanted.lifetime,
        )
        db.execute(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)",
            (
                wanted.key.id,
                liveness.name,
                lease.token,
                lease.mark,
                lease.began,
                lease.deadline,
            ),
        )
    return lease


def _refusal(
    db: sqlite3.Connection, liveness: Liveness, wanted: Wanted
) -> Busy | Resting | Overdue | None:
    id = wanted.key.id
    row = db.execute(
        "SELECT holder, token, mark, began, deadline FROM leases WHERE id = ?", (id,)
    ).fetchone()
    if row is not None:
        holder, token, mark, began, deadline = row
        if mark >= wanted.expired and liveness.lives(holder):
            if wanted.now < deadline:
                return Busy(deadline)
            return Overdue(Lease(wanted.key, token, mark, began, deadline))
    row = db.execute("SELECT mark FROM failures WHERE id = ?", (id,)).fetchone()
    if row is not None and row[0] >= wanted.renewed:
        standing = failure(db, id)
        if standing is not None and standing.at <= wanted.now < standing.retry_at:
            return Resting(standing)
    return None


def stands(db: sqlite3.Connection, liveness: Liveness, id: int, now: float) -> bool:
    """Whether a lease of the page stands."""
    row = db.execute(
        "SELECT holder, deadline FROM leases WHERE id = ?", (id,)
    ).fetchone()
    return row is not None and now < row[1] and liveness.lives(row[0])


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
        head = json.dumps([failed.error.status, failed.error.headers])
        error = head.encode() + b"\n" + failed.error.body
    db.execute(
        "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            lease.key.id,
            lease.mark,
            failed.at,
            failed.retry_at,
            failed.count,
            failed.kind,
            failed.cause,
            error,
        ),
    )


def failure(db: sqlite3.Connection, id: int) -> Failure | None:
    """The failure recorded for the page."""
    row = db.execute(
        "SELECT kind, cause, count, at, retry_at, error FROM failures WHERE id = ?",
        (id,),
    ).fetchone()
    if row is None:
        return None
    kind, cause, count, at, retry_at, error = row
    return Failure(kind, cause, count, at, retry_at, _error(error))


def _error(data: bytes | None) -> SealedError | None:
    if data is None:
        return None
    head, _, body = data.partition(b"\n")
    status, headers = t.cast(tuple[int, list[list[str]]], json.loads(head))
    return SealedError(status, tuple((name, value) for name, value in headers), body)
