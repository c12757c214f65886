"""Query strings: which parameters they have, and which of these belong to a page."""

from __future__ import annotations

import typing as t
from operator import itemgetter
from urllib.parse import parse_qsl

# The most declared parameters of one request, and the most characters in all of them. The
# view answers a request with more.
_PARAMETERS = 50
_LENGTH = 1024

#: Declares all parameters, except trackers.
ANY: t.Final = "*"

# Parameters that mail and advertisements add to links: no page depends on them.
_TRACKERS = {
    "_ga",
    "_gl",
    "dclid",
    "fbclid",
    "gad_source",
    "gbraid",
    "gclid",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "msclkid",
    "srsltid",
    "ttclid",
    "twclid",
    "wbraid",
    "yclid",
}


def is_tracker(name: str) -> bool:
    """Whether the parameter *name* tells where a visitor comes from, and nothing else."""
    return name in _TRACKERS or name.startswith("utm_")


def parameters(query_string: str) -> list[tuple[str, str]]:
    """Names and values, as Werkzeug reads them, so that the view would see the same.

    :param query_string: as WSGI has it, bytes decoded as latin-1.
    """
    return parse_qsl(
        query_string.encode("latin-1").decode(errors="replace"),
        keep_blank_values=True,
        errors="werkzeug.url_quote",
    )


def declared_query(
    query_string: str, declared: tuple[str, ...]
) -> tuple[tuple[str, str], ...] | None:
    """The declared parameters in *query_string*, sorted by name; repeated values keep
    their order. ``None`` if there are too many.

    :param declared: their names; :data:`ANY` among them is every name.
    """
    if not declared or not query_string:
        return ()
    pairs = parameters(query_string)
    if ANY in declared:
        known = [pair for pair in pairs if not is_tracker(pair[0])]
    else:
        known = [pair for pair in pairs if pair[0] in declared]
    length = sum(len(name) + len(value) for name, value in known)
    if len(known) > _PARAMETERS or length > _LENGTH:
        return None
    return tuple(sorted(known, key=itemgetter(0)))
