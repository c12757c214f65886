"""What may be one answer's own: a page that shows it is not the same for everybody."""

from __future__ import annotations

import html
import re
import typing as t
from urllib.parse import quote
from urllib.parse import unquote
from uuid import UUID

import markupsafe
from werkzeug.sansio.http import parse_cookie

from .capture import Capture
from .core.key import PageKey

# Characters from which on a value stands in a page by no accident.
_TELLING = 8

# Letters that a word has at most.
_WORD = 16

# Texts that are looked for: each costs two searches of the body.
_MOST = 64

# Mappings and lists inside of each other that are looked into.
_DEPTH = 8

NONCE: t.Final = "it has a Content-Security-Policy nonce"


def unrepeatable(
    capture: Capture, headers: t.Iterable[tuple[str, str]]
) -> t.Mapping[str, str]:
    """What may belong to one answer alone, and what an answer is that shows it.

    A secret and a constant look alike in one answer: what is long enough, and neither a
    word nor the page's own address, counts as a secret.

    :param headers: of the answer as it left the application.
    """
    texts: dict[str, str] = {}
    for text, reason in _found(capture, headers):
        texts.setdefault(text, reason)
        if len(texts) > _MOST:
            break
    return texts


def reason_shown(
    texts: t.Mapping[str, str], headers: t.Iterable[tuple[str, str]], body: bytes
) -> str | None:
    """Why an answer is its visitor's own that shows one of *texts*, if it does."""
    if len(texts) > _MOST:
        return f"its cookies and its session hold more than {_MOST} values"
    headers = [*headers]
    shown = (reason for text, reason in texts.items() if mentions(text, headers, body))
    return next(shown, None)


def mentions(text: str, headers: t.Iterable[tuple[str, str]], body: bytes) -> bool:
    """Whether an answer shows *text*."""
    encoded = text.encode("utf-8", "replace")
    return encoded in body or any(text in value for _, value in headers)


def _found(
    capture: Capture, headers: t.Iterable[tuple[str, str]]
) -> t.Iterator[tuple[str, str]]:
    token = capture.csrf_token
    if token:
        yield token, "it has a CSRF token"
    for held in _texts(dict(capture.session or {})):
        for text in _forms(held, capture.key):
            yield text, "it shows what the session holds"
    for name, value in headers:
        if name.lower().startswith("content-security-policy"):
            for nonce in re.findall("'nonce-([^']+)'", value):
                yield nonce, NONCE
        elif name.lower() == "set-cookie":
            for cookie, held in parse_cookie(value.partition(";")[0]).items():
                for text in _forms(held, capture.key):
                    yield text, f"it shows what the cookie {cookie!r} is set to"


def _texts(held: object, depth: int = _DEPTH) -> t.Iterator[str]:
    """What a session holds, as a page would show it."""
    if isinstance(held, str | int | UUID):
        yield str(held)
    elif depth and isinstance(held, dict):
        for item in held.values():
            yield from _texts(item, depth - 1)
    elif depth and isinstance(held, list | tuple | set):
        for item in held:
            yield from _texts(item, depth - 1)


def _forms(held: str, key: PageKey) -> t.Iterator[str]:
    """What a page may show of *held*: all of it, escaped or not, or what is signed."""
    if not _tells(held) or _is_address(unquote(held), unquote(key.path)):
        return
    signed = held.partition(".")[0]
    yield held
    # As the standard library does it, and as templates do.
    yield html.escape(held)
    yield str(markupsafe.escape(held))
    yield quote(held, safe="", errors="replace")
    if _tells(signed):
        yield signed


def _tells(text: str) -> bool:
    """Whether *text* is no mere word or two, such as the name of a theme."""
    if len(text) < _TELLING:
        return False
    parts = [part for part in re.split("[ /_.-]", text) if part]
    return not all(
        part.isalpha() and len(part) <= _WORD and part in (part.lower(), part.title())
        for part in parts
    )


def _is_address(text: str, path: str) -> bool:
    """Whether *text* is a part of the page's path, or the page's URL."""
    return text in path or bool(
        re.fullmatch(rf"https?://[\w.:-]+{re.escape(path)}", text)
    )
