"""``Cache-Group-Invalidation``: the groups that an answer names (RFC 9875)."""

from __future__ import annotations

import re

from ..errors import ConfigurationError

# Groups that one answer may name; RFC 9875, section 2.1, asks for at least 32.
_GROUPS = 128

# One string of a list, with its parameters, up to the next string (RFC 8941).
_GROUP = re.compile(
    r'[ \t]*"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"[ \t]*(?:;[^",]*)?(?:,|\Z)'
)


def groups(field: str) -> list[str]:
    """The groups that a ``Cache-Group-Invalidation`` field names.

    :raises ConfigurationError: if it is no list of strings (RFC 8941, section 3.1), or has
        too many: the whole field is ignored then.
    """
    found: list[str] = []
    end = 0
    open_ended = False
    while end < len(field) or open_ended:
        item = _GROUP.match(field, end)
        if item is None or len(found) >= _GROUPS:
            raise ConfigurationError(
                f"{field[:80]!r} is no list of at most {_GROUPS} quoted strings, such as"
                ' \'"products", "product:1"\'.'
            )
        found.append(re.sub(r"\\(.)", r"\1", item[1]))
        end = item.end()
        open_ended = item[0].endswith(",")
    return found
