"""Which methods may write something."""

from __future__ import annotations

# Methods that change nothing; all others may, those of unknown meaning included
# (RFC 9111, section 4.4).
_SAFE = frozenset(
    {"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"}
)


def is_unsafe(method: str) -> bool:
    """Whether a request with *method* may write something."""
    # In capitals, as Flask reads it: `get` gets a page, and writes nothing.
    return method.upper() not in _SAFE
