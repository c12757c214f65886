"""Content codings: which of those that a page is stored in a request gets."""

from __future__ import annotations

import functools
import typing as t

#: The codings that pages can be stored in beside their plain body, best first.
CODINGS: t.Final = ("br", "zstd", "gzip")

# Longer fields are nobody's browser's: they are not read, and get the plain body.
_FIELD_LENGTH = 512

# Different fields remembered with their answer: browsers send a handful.
_REMEMBERED = 512

# RFC 9110, section 8.4.1.3: the old name of a coding.
_ALIASES = {"x-gzip": "gzip"}


@functools.lru_cache(_REMEMBERED)
def _negotiate(accepted: str, available: tuple[str, ...]) -> str | None:
    qualities: dict[str, float] = {}
    for item in accepted.split(","):
        name, _, parameters = item.partition(";")
        name = name.strip().lower()
        qualities[_ALIASES.get(name, name)] = _quality(parameters)
    others = qualities.get("*", 0.0)
    # Whoever forbids the plain body and all that we have gets it all the same: RFC 9110,
    # section 12.5.3, lets a server send it, and an error would help nobody.
    best, highest = None, qualities.get("identity", 0.0)
    for coding in reversed(available):
        quality = qualities.get(coding, others)
        if quality > 0 and quality >= highest:
            best, highest = coding, quality
    return best


def _quality(parameters: str) -> float:
    """The weight of one coding, 0 to 1; an unreadable one is 0: it asks for nothing."""
    if not parameters:
        return 1.0
    name, _, value = parameters.partition("=")
    try:
        quality = float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
    # NaN compares as false.
    return quality if 0 <= quality <= 1 else 0.0


def negotiate(accepted: str | None, available: tuple[str, ...]) -> str | None:
    """Which coding a request gets; ``None`` is the plain body (RFC 9110, section 12.5.3).

    :param accepted: its ``Accept-Encoding``; ``None`` asks for no coding.
    :param available: the codings at hand, best first: of equal weight the first is taken.
    """
    if not available or not accepted or len(accepted) > _FIELD_LENGTH:
        return None
    return _negotiate(accepted, available)
