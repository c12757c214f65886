"""Which coding a request gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_isr.http.encodings import CODINGS
from flask_isr.http.encodings import negotiate


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        pytest.param(None, None, id="no-field"),
        pytest.param("", None, id="empty"),
        pytest.param("gzip", "gzip", id="one"),
        pytest.param("gzip, deflate, br, zstd", "br", id="a-browser"),
        pytest.param("zstd, gzip", "zstd", id="without-the-best"),
        pytest.param("GZip", "gzip", id="case"),
        pytest.param("x-gzip", "gzip", id="old-name"),
        pytest.param("br;q=0.5, gzip;q=0.9", "gzip", id="weights"),
        pytest.param("br;q=0.5,gzip;q=0.5", "br", id="equal-weights"),
        pytest.param("gzip;q=0", None, id="refused"),
        pytest.param("br;q=0, *", "zstd", id="any-but-one"),
        pytest.param("*", "br", id="any"),
        pytest.param("*;q=0", None, id="none"),
        pytest.param("gzip;q=0.000", None, id="refused-with-digits"),
        pytest.param("gzip ; Q=1", "gzip", id="spaces-and-case"),
        pytest.param("identity", None, id="identity"),
        pytest.param("identity, gzip;q=0.5", None, id="identity-preferred"),
        pytest.param("identity;q=0.5, gzip;q=1", "gzip", id="identity-less-preferred"),
        pytest.param("identity;q=0, gzip", "gzip", id="identity-refused"),
        pytest.param("identity;q=0, deflate", None, id="nothing-possible"),
        pytest.param("gzip;q=abc", None, id="junk-weight"),
        pytest.param("gzip;q=nan", None, id="nan"),
        pytest.param("gzip;q=-1, br;q=7", None, id="weights-out-of-range"),
        pytest.param("gzip;level=9", None, id="unknown-parameter"),
        pytest.param(",,;;=,gzip", "gzip", id="junk-beside-it"),
        pytest.param("gzipped, brr", None, id="no-such-coding"),
        pytest.param("gzip," * 1000, None, id="endless"),
    ],
)
def test_the_best_that_is_accepted(accepted: str | None, expected: str | None) -> None:
    """Weights decide, then our own order; junk asks for nothing."""
    assert negotiate(accepted, CODINGS) == expected


def test_only_what_is_there() -> None:
    """A page gets no coding that it is not stored in."""
    assert negotiate("br, gzip;q=0.1", ("gzip",)) == "gzip"
    assert negotiate("br", ("gzip",)) is None
    assert negotiate("gzip", ()) is None


@given(st.text(st.characters(max_codepoint=255)))
def test_any_field_gets_an_answer(accepted: str) -> None:
    """Whatever a client sends, it gets a form that exists."""
    assert negotiate(accepted, CODINGS) in (None, *CODINGS)
