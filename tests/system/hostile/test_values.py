"""What a store gives back, and may not be what was put there: a miss, or a page that can be
served, and never anything else."""

from __future__ import annotations

import dataclasses
import json
import struct
import tracemalloc
import typing as t
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ

from flask_isr.core.decision import ServeEntry
from flask_isr.core.entry import EncodedBody
from flask_isr.core.entry import Entry
from flask_isr.core.entry import PerVisitorRecord
from flask_isr.core.entry import Record
from flask_isr.core.entry import Unreadable
from flask_isr.core.entry import decode
from flask_isr.core.entry import encode
from flask_isr.core.freshness import Lifetime
from flask_isr.core.local_cache import CachedEntry
from flask_isr.core.outcome import SealedError
from flask_isr.core.store import Failure
from flask_isr.core.store import Lease
from flask_isr.core.store import Listed
from flask_isr.core.store import Stored
from flask_isr.http import response
from flask_isr.http.cache_status import bypass_status
from flask_isr.stores.caching import codec
from flask_isr.stores.caching.signature import Signature
from flask_isr.stores.caching.stamps import StampSnapshot
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry
from flask_isr.testing.store_kit.records import not_static

from .fuzz import json_values
from .fuzz import mutated
from .fuzz import quick

_HEAD = struct.Struct(">4sBcI")

POINT = StampSnapshot("stamp", "process", 1, 1.0, {"tag": ("one", "two")})

PAGE = dataclasses.replace(
    entry(FOX, POINT.to_version(), b"a page", tags=["products"]),
    lifetime=Lifetime(60.0, 600.0),
    coded=(EncodedBody("gzip", b"zip"),),
    build="1",
)
RECORDS: t.Final[t.Sequence[Record]] = [PAGE, not_static(FOX, POINT.to_version())]


def parts(data: bytes) -> tuple[bytes, t.Any, bytes]:
    """Kind, metadata and bodies of an encoded record."""
    _, _, kind, length = _HEAD.unpack_from(data)
    start = _HEAD.size + length
    return kind, json.loads(data[_HEAD.size : start]), data[start:-4]


def forged(kind: bytes, meta: t.Any, bodies: bytes) -> bytes:
    """A record with any metadata, and a checksum that is right."""
    text = json.dumps(meta).encode()
    data = _HEAD.pack(b"FISR", encode(PAGE)[4], kind, len(text)) + text + bodies
    return data + struct.pack(">I", zlib.crc32(data))


def use(record: Record) -> None:
    """Do with a record what is done with it to answer a visitor."""
    assert record.key == FOX
    CachedEntry(Stored(record, FRESH, FRESH, 1, 1))
    StampSnapshot.of(record.version)
    if isinstance(record, PerVisitorRecord):
        bypass_status(record.reason)
        assert isinstance(record.probe_at + record.strikes, float | int)
        return
    age = 1_000_000.0 - record.began
    record.lifetime.freshness_at(age)
    for state in t.get_args(t.Literal["HIT", "STALE", "MISS"]):
        for condition in ({}, {"If-None-Match": '"a"'}, {"Accept-Encoding": "gzip"}):
            environ = create_environ("/", headers=condition)
            _, headers, body = response.respond(ServeEntry(record, state), environ, age)
            assert all(type(text) is str for pair in headers for text in pair)
            assert all(type(chunk) is bytes for chunk in body)


@st.composite
def _forgeries(draw: st.DrawFn) -> bytes:
    kind, meta, bodies = parts(encode(draw(st.sampled_from(RECORDS))))
    for _ in range(draw(st.integers(1, 3))):
        meta = mutated(meta, draw)
    if draw(st.booleans()):
        bodies = draw(st.binary(max_size=20))
    return forged(draw(st.sampled_from([kind, kind, b"E", b"N", b"?"])), meta, bodies)


@quick
@given(_forgeries())
def test_a_forged_record_is_a_miss_or_can_be_served(data: bytes) -> None:
    """Also with a right checksum; where signing is off, the backend is trusted with what
    pages say, and with no more."""
    try:
        record = decode(data, FOX)
    except Unreadable:
        return
    use(record)


# One leaf of the metadata each, with what it must not be.
WRONG: t.Final[t.Sequence[tuple[str, t.Any]]] = [
    ("status", "200"),
    ("status", None),
    ("status", 200.5),
    ("headers", [["Content-Type", 5]]),
    ("headers", [[None, "x"]]),
    ("etag", 7),
    ("level", "root"),
    ("level", ["wsgi"]),
    ("began", float("nan")),
    ("began", float("inf")),
    ("began", int("9" * 400)),
    ("began", "now"),
    ("took", [1]),
    ("revalidate", "60"),
    ("revalidate", float("-inf")),
    ("expire", {}),
    ("tags", [5]),
    ("tags", [["tag"]]),
    ("mark", None),
    ("mark", 1.5),
    ("build", 1),
    ("build", ["1"]),
    ("build", []),
    ("coded", [[7, 3]]),
    ("coded", [["gzip", -1]]),
    ("coded", [["gzip", 10**9]]),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_of_another_kind_is_a_miss(name: str, value: t.Any) -> None:
    """What would break the request of each visitor later is refused here."""
    kind, meta, bodies = parts(encode(PAGE))
    assert decode(forged(kind, meta, bodies), FOX) == PAGE
    with pytest.raises(Unreadable):
        decode(forged(kind, {**meta, name: value}, bodies), FOX)


NESTED = b"[" * 100_000


def test_no_length_that_a_record_claims_is_believed() -> None:
    """Four gigabytes, or nesting without end: a miss, and next to no memory."""
    head = _HEAD.pack(b"FISR", encode(PAGE)[4], b"E", 0xFFFFFFFF)
    nested = _HEAD.pack(b"FISR", encode(PAGE)[4], b"E", len(NESTED)) + NESTED
    nested += struct.pack(">I", zlib.crc32(nested))
    tracemalloc.start()
    try:
        for data in (head, head + bytes(1000), nested, b"FISV1\xff\xff\xff\xff"):
            with pytest.raises(Unreadable):
                decode(data, FOX)
            with pytest.raises(Unreadable):
                codec.read_page(data, FOX)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(NESTED)
    finally:
        tracemalloc.stop()


LEASE = Lease(FOX, "token", POINT.to_version(), 1.0, 2.0)
FAILURE = Failure(
    "failed", "cause", 1, 1.0, 2.0, SealedError(503, (("Retry-After", "1"),), b"down")
)

#: Each note that is JSON as a whole, and what reads it.
NOTES: t.Final[t.Sequence[tuple[bytes, t.Callable[[bytes], t.Any]]]] = [
    (codec.write_lease(LEASE), lambda data: codec.read_lease(data, FOX)),
    (codec.write_failure(FAILURE, POINT.to_version()), codec.read_failure),
    (
        codec.write_list(Listed(frozenset({"/a"}), 1.0), POINT.to_version()),
        codec.read_list,
    ),
    (codec.write_builds(["one", "two"]), codec.read_builds),
    (str(POINT.to_version()).encode(), lambda data: StampSnapshot.of(data.decode())),
]


@st.composite
def _notes(draw: st.DrawFn) -> tuple[bytes, t.Callable[[bytes], t.Any]]:
    data, read = draw(st.sampled_from(NOTES))
    value = json.loads(data)
    for _ in range(draw(st.integers(1, 3))):
        value = mutated(value, draw)
    return json.dumps(value).encode(), read


@quick
@given(_notes())
def test_a_forged_note_is_read_or_is_none(
    forgery: tuple[bytes, t.Callable[[bytes], t.Any]],
) -> None:
    """Leases, failures, lists, builds, stamps: no exception, whatever they hold; and of
    what is read, times are numbers and texts are texts."""
    data, read = forgery
    match read(data):
        case Lease() as lease:
            assert isinstance(lease.deadline - lease.began, float)
        case Failure() as failure, StampSnapshot():
            assert isinstance(failure.retry_at - failure.at, float)
            assert failure.kind in ("failed", "declined")
            if failure.error is not None:
                response.status_line(failure.error.status)
        case Listed() as listed, StampSnapshot():
            assert isinstance(listed.asked_at, float)


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (1, None),
        (1, "other"),
        (3, "x"),
        (4, None),
        (5, []),
        (6, [503, "x", ""]),
        (6, 1),
    ],
)
def test_a_failure_of_another_kind_is_none(position: int, value: t.Any) -> None:
    """It would decide whether anybody renders the page, and what visitors share."""
    failure = json.loads(codec.write_failure(FAILURE, POINT.to_version()))
    assert codec.read_failure(json.dumps(failure).encode()) == (FAILURE, POINT)
    failure[position] = value
    assert codec.read_failure(json.dumps(failure).encode()) is None


@quick
@given(st.one_of(st.binary(max_size=200), st.sampled_from([NESTED, b"", b"null"])))
def test_random_bytes_are_no_note(data: bytes) -> None:
    """Nothing that nobody wrote is taken for a note, or raises."""
    for _, read in NOTES[:-1]:
        assert read(data) in (None, [])
    assert StampSnapshot.of(data.decode("latin-1")) == StampSnapshot("", "", 0, 0.0, {})
    with pytest.raises(Unreadable):
        codec.read_page(data, FOX)


@quick
@given(st.data())
def test_a_mutated_page_of_a_backend_is_a_miss_or_can_be_served(
    data: st.DataObject,
) -> None:
    """With a head before the record, of stamps that came late."""
    found = codec.Found(PAGE, POINT, {"late": ("one", "two")}, overtaken=False)
    whole = codec.write_page(found)
    start = 9 + int.from_bytes(whole[5:9], "big")
    draw = data.draw(st.composite(lambda draw: draw)())
    head = json.dumps(mutated(json.loads(whole[9:start]), draw)).encode()
    record = data.draw(st.sampled_from([whole[start:], data.draw(_forgeries())]))
    forgery = whole[:5] + len(head).to_bytes(4, "big") + head + record
    try:
        read = codec.read_page(forgery, FOX)
    except Unreadable:
        return
    use(read.record)
    assert all(type(text) is str for pair in read.seen.values() for text in pair)


@quick
@given(st.binary(max_size=120), st.text(max_size=20), json_values)
def test_nobody_signs_by_chance(data: bytes, address: str, value: t.Any) -> None:
    """Random bytes, and a good signature for another address or value, are no value."""
    signature = Signature(lambda: [b"key"])
    assert signature.verified(address, data) is None
    text = json.dumps(value).encode()
    signed = signature.sign(address, text)
    assert signature.verified(address, signed) == text
    assert signature.verified(f"{address}x", signed) is None
    assert signature.verified(address, signed + b"x") is None
    assert signature.verified(address, signed[:-1]) is None


def test_the_page_of_these_tests_is_a_page() -> None:
    """They would prove nothing about a record that cannot be read at all."""
    record = decode(encode(PAGE), FOX)
    assert isinstance(record, Entry)
    use(record)
