"""The headers of a rendered answer: which of them belong to the page, and what they say."""

from __future__ import annotations

import hashlib
import typing as t

from ..core.entry import Headers
from ..http.headers import forbids_sharing
from .leaks import NONCE
from .leaks import nonces

HeaderList: t.TypeAlias = t.Iterable[tuple[str, str]]

# Fields of RFC 9110 section 7.6.1, and those of one transmission or of the server.
_NOT_STORED = {
    "accept-ranges",
    "age",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-isr-cache",
}


def storable_headers(
    headers: t.Iterable[tuple[str, str]],
) -> tuple[Headers, str | None]:
    """The headers that belong to the page, and the ETag that the view gave itself."""
    headers = [*headers]
    dropped = _NOT_STORED | _named_by_connection(headers)
    etag = None
    kept = []
    for name, value in headers:
        lower = name.lower()
        if lower == "etag":
            etag = value
        elif lower not in dropped:
            kept.append((name, value))
    return tuple(kept), etag


def _named_by_connection(headers: t.Iterable[tuple[str, str]]) -> set[str]:
    """The fields that ``Connection`` names as those of one connection."""
    return {
        item.strip().lower()
        for name, value in headers
        if name.lower() == "connection"
        for item in value.split(",")
    }


def make_etag(headers: Headers, body: bytes) -> str:
    """Make a strong validator: equal bytes of equal type have equal ETags."""
    digest = hashlib.blake2b(body, digest_size=12)
    for name, value in headers:
        if name.lower() in ("content-type", "content-language", "content-encoding"):
            digest.update(f"\0{name.lower()}\0{value}".encode())
    return f'"{digest.hexdigest()}"'


def personal_reason(
    headers: HeaderList, *, attended: t.Collection[str] = ()
) -> str | None:
    """Why an answer with these headers is not for everybody, if it is not.

    :param attended: names of fields, in lower case, on which an answer may vary: a visitor
        who brings one of these does not get it from the store.
    """
    for name, value in headers:
        lower = name.lower()
        if lower == "set-cookie":
            return "it sets a cookie"
        if lower == "cache-control":
            forbidden = forbids_sharing(value)
            if forbidden:
                return f"Cache-Control: {forbidden}"
        if lower == "vary":
            # `*`, and all else that is not the name of a field, is a reason as well.
            others = {item.strip().lower() for item in value.split(",")}
            if others - {"", "accept-encoding", *attended}:
                return f"Vary: {value}"
        if nonces(name, value):
            return NONCE
    return None


def media_type(headers: HeaderList) -> str:
    """The type of the body, in lower case and without parameters; ``""``: none is given."""
    values = (value for name, value in headers if name.lower() == "content-type")
    return next(values, "").partition(";")[0].strip().lower()


def comparable(headers: HeaderList) -> list[tuple[str, str]]:
    """*headers* in a fixed order, without ``Vary: Cookie``: Flask adds that by itself
    whenever code looks at the session."""
    pairs = [(name.lower(), value) for name, value in headers]
    vary = ",".join(value.lower() for name, value in pairs if name == "vary")
    names = sorted({name.strip() for name in vary.split(",")} - {"", "cookie"})
    others = sorted(pair for pair in pairs if pair[0] != "vary")
    return [*others, ("vary", ",".join(names))]


def is_truncated(headers: HeaderList, body: bytes) -> bool:
    """Whether *body* is not as long as its headers say."""
    for name, value in headers:
        if name.lower() == "content-length":
            return not value.isdigit() or int(value) != len(body)
    return False
