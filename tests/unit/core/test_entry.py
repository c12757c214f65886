"""How a stored page is written down."""

from __future__ import annotations

import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_isr.core.entry import Entry
from flask_isr.core.entry import PerVisitorRecord
from flask_isr.core.entry import Record
from flask_isr.core.entry import Unreadable
from flask_isr.core.entry import decode
from flask_isr.core.entry import encode
from flask_isr.core.freshness import Lifetime
from flask_isr.core.key import PageKey
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry

_marks = st.one_of(st.integers(0, 2**62), st.text(max_size=40))
_times = st.floats(0, 1e12)
_seconds = st.none() | st.floats(0, 1e9)
_tags = st.frozensets(st.text(min_size=1, max_size=30), max_size=5)
_pairs = st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple)
_keys = st.builds(PageKey, st.text(), st.text(st.characters(max_codepoint=127)), _pairs)
_entries = st.builds(
    Entry,
    key=_keys,
    status=st.integers(200, 599),
    headers=_pairs,
    body=st.binary(max_size=300),
    etag=st.text(),
    level=st.sampled_from(["wsgi", "view"]),
    version=_marks,
    began=_times,
    lifetime=st.builds(Lifetime, _seconds, _seconds),
    tags=_tags,
    took=_times,
)
_not_statics = st.builds(
    PerVisitorRecord,
    key=_keys,
    reason=st.text(),
    version=_marks,
    began=_times,
    probe_at=_times,
    strikes=st.integers(1, 1000),
    tags=_tags,
)
_records: st.SearchStrategy[Record] = _entries | _not_statics

DATA = encode(entry(FOX, 7, b"a body of some length", tags=["products"]))


@given(_records)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    """Whatever text, tags and bytes a record holds come back the same."""
    assert decode(encode(record)) == record


def test_a_record_cut_short_is_unreadable() -> None:
    """Wherever a write was cut, the rest counts as a miss."""
    for length in range(len(DATA)):
        with pytest.raises(Unreadable):
            decode(DATA[:length])


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_one_altered_byte_is_noticed(position: int, change: int) -> None:
    """No altered byte, in head, metadata, body or checksum, goes unnoticed."""
    altered = bytearray(DATA)
    altered[position] ^= change
    with pytest.raises(Unreadable):
        decode(bytes(altered))


@given(st.binary(max_size=200))
def test_random_bytes_are_unreadable(data: bytes) -> None:
    """Bytes that nobody encoded never raise anything but Unreadable."""
    with pytest.raises(Unreadable):
        decode(data)


def _with_checksum(data: bytes) -> bytes:
    return data + struct.pack(">I", zlib.crc32(data))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["key", "mark", "tags", "size", "headers", "reason"]), inner
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from([b"E", b"N", b"?"]), _json, st.binary(max_size=20))
def test_strange_metadata_with_a_right_checksum_is_unreadable(
    kind: bytes, meta: object, body: bytes
) -> None:
    """Metadata that is JSON, but not that of a record, is a miss and no other error."""
    text = json.dumps(meta).encode()
    data = struct.pack(">4sBcI", b"FISR", DATA[4], kind, len(text)) + text + body
    with pytest.raises(Unreadable):
        decode(_with_checksum(data))


def test_a_record_of_another_version_is_unreadable() -> None:
    """What a later version wrote is a miss, though its checksum is right."""
    data = bytearray(DATA[:-4])
    data[4] += 1
    with pytest.raises(Unreadable, match="not an entry of this version"):
        decode(_with_checksum(bytes(data)))


def test_a_body_shorter_than_it_says_is_unreadable() -> None:
    """The body's length is kept apart, so that no part of a page passes for the page."""
    with pytest.raises(Unreadable, match="not as long as it says"):
        decode(_with_checksum(DATA[:-5]))
