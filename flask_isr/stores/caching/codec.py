"""What a store of values keeps beside pages: leases, failures and lists, as JSON."""

from __future__ import annotations

import base64
import json
import typing as t
from dataclasses import dataclass

from ...core.entry import DAMAGE
from ...core.entry import Record
from ...core.entry import Unreadable
from ...core.entry import Version
from ...core.entry import decode
from ...core.entry import encode
from ...core.key import PageKey
from ...core.outcome import SealedError
from ...core.store import Failure
from ...core.store import Lease
from ...core.store import Listed
from .stamps import StampSnapshot
from .stamps import TagStamps

_MAGIC = b"FISV1"
_LENGTH = 4

# An error page above this is not shared: the value would be too heavy for its use.
_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A page as it is kept.

    :param late: stamps of tags that were not known when its render began.
    :param overtaken: something was invalidated during the render, and of its late tags
        nobody knows whether it was one of them.
    """

    record: Record
    point: StampSnapshot
    late: t.Mapping[str, TagStamps]
    overtaken: bool

    @property
    def seen(self) -> dict[str, TagStamps]:
        """The stamps of all its tags."""
        return {**self.late, **self.point.seen}


def write_page(found: Found) -> bytes:
    """*found* as bytes."""
    late = {tag: list(pair) for tag, pair in found.late.items()}
    head = _dump([found.overtaken, late])
    length = len(head).to_bytes(_LENGTH, "big")
    return b"".join((_MAGIC, length, head, encode(found.record)))


def read_page(data: bytes, key: PageKey) -> Found:
    """What :func:`write_page` wrote.

    :raises Unreadable: for anything else, a page of another key included.
    """
    start = len(_MAGIC) + _LENGTH
    end = start + int.from_bytes(data[len(_MAGIC) : start], "big")
    if data[: len(_MAGIC)] != _MAGIC:
        raise Unreadable("not a page of this version")
    try:
        overtaken, late = json.loads(data[start:end])
        pairs = {str(tag): (str(one), str(two)) for tag, (one, two) in late.items()}
    except DAMAGE as error:
        raise Unreadable(f"malformed head: {type(error).__name__}") from error
    record = decode(data[end:], key)
    return Found(record, StampSnapshot.of(record.version), pairs, bool(overtaken))


def write_lease(lease: Lease) -> bytes:
    """*lease* as bytes."""
    return _dump([lease.token, lease.version, lease.began, lease.deadline])


def read_lease(data: bytes | None, key: PageKey) -> Lease | None:
    """What :func:`write_lease` wrote; nothing for anything else."""
    if data is None:
        return None
    try:
        token, version, began, deadline = json.loads(data)
        return Lease(key, str(token), str(version), float(began), float(deadline))
    except DAMAGE:
        return None


def write_failure(failure: Failure, version: Version) -> bytes:
    """*failure* of a render that began at *version*, as bytes."""
    error = None
    if failure.error is not None and len(failure.error.body) <= _ERROR_BYTES:
        body = base64.b64encode(failure.error.body).decode()
        error = [failure.error.head(), body]
    return _dump(
        [
            version,
            failure.kind,
            failure.cause,
            failure.count,
            failure.at,
            failure.retry_at,
            error,
        ]
    )


def read_failure(data: bytes | None) -> tuple[Failure, StampSnapshot] | None:
    """What :func:`write_failure` wrote; nothing for anything else."""
    if data is None:
        return None
    try:
        version, kind, cause, count, at, retry_at, error = json.loads(data)
        if kind not in ("failed", "declined"):
            return None
        sealed = None
        if error is not None:
            head, body = error
            sealed = SealedError.of(head, base64.b64decode(body))
        times = float(at), float(retry_at)
        failure = Failure(kind, str(cause), int(count), *times, sealed)
        return failure, StampSnapshot.of(version)
    except DAMAGE:
        return None


def write_list(listed: Listed, version: Version) -> bytes:
    """A closed list whose question was asked at *version*, as bytes."""
    return _dump([version, listed.asked_at, sorted(listed.paths)])


def read_list(data: bytes | None) -> tuple[Listed, StampSnapshot] | None:
    """What :func:`write_list` wrote; nothing for anything else."""
    if data is None:
        return None
    try:
        version, asked_at, paths = json.loads(data)
        return Listed(frozenset(map(str, paths)), float(asked_at)), StampSnapshot.of(
            version
        )
    except DAMAGE:
        return None


def write_met(met: t.Sequence[tuple[str, str]]) -> bytes:
    """Id and note of what was met, as bytes."""
    return _dump(met)


def read_met(data: bytes | None) -> list[tuple[str, str]]:
    """What :func:`write_met` wrote; nothing for anything else."""
    if data is None:
        return []
    try:
        return [(str(id), str(note)) for id, note in json.loads(data)]
    except DAMAGE:
        return []


def write_builds(builds: t.Sequence[str]) -> bytes:
    """The builds of an application, the latest last, as bytes."""
    return _dump(builds)


def read_builds(data: bytes | None) -> list[str]:
    """What :func:`write_builds` wrote; none for anything else."""
    try:
        builds = [] if data is None else json.loads(data)
    except DAMAGE:
        return []
    known = isinstance(builds, list) and all(type(build) is str for build in builds)
    return builds if known else []


def _dump(value: t.Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
