"""What a store keeps of a page, and how it is written down."""

from __future__ import annotations

import json
import math
import struct
import typing as t
import zlib
from dataclasses import dataclass
from dataclasses import field

from .freshness import Lifetime
from .inputs import NONE
from .inputs import Inputs
from .key import PageKey

#: A point in the order that a store keeps. Only the store that gave it can compare it;
#: a JSON scalar, since entries carry it.
Version: t.TypeAlias = int | str

#: Who runs on a hit: nobody (``"wsgi"``) or the application's hooks (``"view"``).
Level: t.TypeAlias = t.Literal["wsgi", "view"]

Headers: t.TypeAlias = tuple[tuple[str, str], ...]

_MAGIC = b"FISR"
_VERSION = 3
_HEAD = struct.Struct(">4sBcI")
_CHECKSUM = struct.Struct(">I")

#: What reading foreign or damaged JSON may raise.
DAMAGE: t.Final = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """The body of a page in a content coding.

    :param coding: as ``Content-Encoding`` names it.
    """

    coding: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page as it was rendered.

    :param etag: a strong validator over body and content type, with its quotes.
    :param version: the store's order when the render began; it decides validity.
    :param began: the store's time when the render began, in seconds; it decides age.
    :param tags: implicit and application's own, with their prefixes.
    :param took: how long the render took, in seconds.
    :param anonymous: whether it is the page of those only who have no session, since the
        render looked at that.
    :param inputs: what else the render looked at: whoever brings it gets no such page.
    :param given: a digest of what the factory of the application gave its view; ``""``:
        nothing that tells it from others.
    :param build: the deployment that made it; ``None``: any may have.
    :param coded: the body in other codings, best first.
    """

    key: PageKey
    status: int
    headers: Headers
    body: bytes = field(repr=False)
    etag: str
    level: Level
    version: Version
    began: float
    lifetime: Lifetime
    tags: frozenset[str]
    took: float = 0.0
    anonymous: bool = False
    inputs: Inputs = NONE
    given: str = ""
    build: str | None = None
    coded: tuple[EncodedBody, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the body, in all its codings."""
        return len(self.body) + sum(len(form.body) for form in self.coded)


@dataclass(frozen=True, slots=True)
class PerVisitorRecord:
    """The memory that a page is not the same for everybody, in place of the page.

    :param reason: what showed it, for all to see.
    :param where: the place in the application's code, for its authors.
    :param cure: a sentence that says what to do, for its authors.
    :param probe_at: the store's time from which on it is tried again, in seconds.
    :param strikes: how many renders in a row came to this.
    :param build: the deployment that found it; ``None``: it counts for any.
    """

    key: PageKey
    reason: str
    version: Version
    began: float
    probe_at: float
    strikes: int
    tags: frozenset[str]
    build: str | None = None
    where: str = ""
    cure: str = ""


Record: t.TypeAlias = Entry | PerVisitorRecord


class Unreadable(ValueError):
    """What was read is no record of this version: treat it as a miss."""


def encode(record: Record) -> bytes:
    """*record* as bytes: magic, version, kind, length-prefixed metadata, the body plain and
    coded, checksum."""
    meta: dict[str, t.Any] = {
        "key": record.key.to_json(),
        "mark": record.version,
        "began": record.began,
        "tags": sorted(record.tags),
        "build": record.build,
    }
    if isinstance(record, Entry):
        kind = b"E"
        bodies = [record.body, *(form.body for form in record.coded)]
        meta |= {
            "status": record.status,
            "headers": record.headers,
            "etag": record.etag,
            "level": record.level,
            "revalidate": record.lifetime.revalidate,
            "expire": record.lifetime.expire,
            "took": record.took,
            "anonymous": record.anonymous,
            "inputs": record.inputs.to_json(),
            "given": record.given,
            "coded": [[form.coding, len(form.body)] for form in record.coded],
            "size": record.size,
        }
    else:
        kind, bodies = b"N", []
        meta |= {
            "reason": record.reason,
            "where": record.where,
            "cure": record.cure,
            "probe_at": record.probe_at,
            "strikes": record.strikes,
            "size": 0,
        }
    text = json.dumps(meta, separators=(",", ":")).encode()
    data = b"".join((_HEAD.pack(_MAGIC, _VERSION, kind, len(text)), text, *bodies))
    return data + _CHECKSUM.pack(zlib.crc32(data))


def decode(data: bytes, wanted: PageKey | None = None) -> Record:
    """The record that :func:`encode` wrote.

    :param wanted: the key that the record must have, where it is known.
    :raises Unreadable: for anything else: cut short, altered, of another version, of
        another page.
    """
    try:
        magic, version, kind, length = _HEAD.unpack_from(data)
        end = len(data) - _CHECKSUM.size
        start = _HEAD.size + length
        if magic != _MAGIC or version != _VERSION or start > end:
            raise Unreadable("not an entry of this version")
        if zlib.crc32(memoryview(data)[:end]) != _CHECKSUM.unpack_from(data, end)[0]:
            raise Unreadable("the checksum does not match")
        meta = json.loads(data[_HEAD.size : start])
        if meta["size"] != end - start:
            raise Unreadable("the body is not as long as it says")
        key = _key(meta["key"], wanted)
        return (
            _entry(key, meta, data[start:end])
            if kind == b"E"
            else _not_static(key, meta)
        )
    except Unreadable:
        raise
    except (struct.error, *DAMAGE) as error:
        raise Unreadable(f"malformed entry: {type(error).__name__}") from error


def _key(value: t.Any, wanted: PageKey | None) -> PageKey:
    if wanted is None:
        return PageKey.from_json(value)
    if value != wanted.to_json():
        raise Unreadable("it is of another page")
    return wanted


def _entry(key: PageKey, meta: dict[str, t.Any], data: bytes) -> Entry:
    body, coded = _bodies(data, meta["coded"])
    if meta["level"] not in ("wsgi", "view"):
        raise Unreadable("of a level that is not known")
    return Entry(
        key=key,
        status=_whole(meta["status"]),
        headers=tuple([(_text(name), _text(value)) for name, value in meta["headers"]]),
        body=body,
        etag=_text(meta["etag"]),
        level=meta["level"],
        version=_mark(meta["mark"]),
        began=_number(meta["began"]),
        lifetime=Lifetime(_limit(meta["revalidate"]), _limit(meta["expire"])),
        tags=_tags(meta["tags"]),
        took=_number(meta["took"]),
        anonymous=bool(meta["anonymous"]),
        inputs=Inputs.from_json(meta["inputs"]),
        given=_text(meta["given"]),
        build=_build(meta["build"]),
        coded=coded,
    )


# What a store gave away must not break the request of each visitor who asks for it.


def _text(value: t.Any) -> str:
    if type(value) is not str:
        raise Unreadable("something is no text")
    return value


def _whole(value: t.Any) -> int:
    if type(value) is not int:
        raise Unreadable("something is no whole number")
    return value


def _number(value: t.Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise Unreadable("something is no number")
    return t.cast(float, value)


def _limit(value: t.Any) -> float | None:
    return None if value is None else _number(value)


def _build(value: t.Any) -> str | None:
    return None if value is None else _text(value)


def _mark(value: t.Any) -> Version:
    return value if type(value) is str else _whole(value)


def _tags(values: t.Any) -> frozenset[str]:
    return frozenset([_text(value) for value in values])


def _bodies(
    data: bytes, lengths: t.Sequence[tuple[str, int]]
) -> tuple[bytes, tuple[EncodedBody, ...]]:
    start = len(data) - sum(length for _, length in lengths)
    if start < 0 or any(length < 0 for _, length in lengths):
        raise Unreadable("its coded bodies are longer than all of it")
    body, coded = data[:start], []
    for coding, length in lengths:
        coded.append(EncodedBody(_text(coding), data[start : start + length]))
        start += length
    return body, tuple(coded)


def _not_static(key: PageKey, meta: dict[str, t.Any]) -> PerVisitorRecord:
    return PerVisitorRecord(
        key=key,
        reason=_text(meta["reason"]),
        where=_text(meta["where"]),
        cure=_text(meta["cure"]),
        version=_mark(meta["mark"]),
        began=_number(meta["began"]),
        probe_at=_number(meta["probe_at"]),
        strikes=_whole(meta["strikes"]),
        tags=_tags(meta["tags"]),
        build=_build(meta["build"]),
    )
