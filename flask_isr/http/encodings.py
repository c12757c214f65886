"""Content codings: how one is chosen for a request, of those that a page is stored in."""

from __future__ import annotations

import functools
import typing as t

#: The codings that pages can be stored in beside their plain body, best first.
CODINGS: t.Final = ("br", "zstd", "gzip")

# No browser sends a longer field: it is not read, and gets the plain body.
_FIELD_LENGTH = 512

# Fields whose result is remembered: browsers send a handful of different ones.
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
    # A visitor who forbids the plain body and each available coding gets the plain body:
    # RFC 9110, section 12.5.3, lets a server send it, and an error would help nobody.
    best, highest = None, qualities.get("identity", 0.0)
    for coding in reversed(available):
        quality = qualities.get(coding, others)
        if quality > 0 and quality >= highest:
            best, highest = coding, quality
    return best


def _quality(parameters: str) -> float:
    """The weight of one coding, 0 to 1; 0 if it is unreadable, which asks for nothing."""
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
    """The coding that a request gets; ``None``: the plain body (RFC 9110, section 12.5.3).

    :param accepted: its ``Accept-Encoding``; ``None`` asks for no coding.
    :param available: codings, best first: if weights are equal, the first one is taken.
    """
    if not available or not accepted or len(accepted) > _FIELD_LENGTH:
        return None
    return _negotiate(accepted, available)
