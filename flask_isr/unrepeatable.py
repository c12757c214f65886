"""What belongs to one answer alone: a page that shows it is not the same for everybody."""

from __future__ import annotations

import re
import typing as t
from html import escape
from urllib.parse import quote

from werkzeug.http import parse_cookie

from .capture import Capture

# Characters from which on a value stands in a page by no accident.
_TELLING = 8

NONCE: t.Final = "it has a Content-Security-Policy nonce"


def unrepeatable(
    capture: Capture, headers: t.Iterable[tuple[str, str]]
) -> t.Iterator[tuple[str, str]]:
    """What no two answers may have in common, and what an answer is that shows it.

    :param headers: of the answer as it left the application.
    """
    token = capture.csrf_token
    if token:
        yield token, "it has a CSRF token"
    for value in (capture.session or {}).values():
        if isinstance(value, str) and _tells(value, capture):
            yield value, "it shows what the session holds"
    for name, value in headers:
        if name.lower().startswith("content-security-policy"):
            for nonce in re.findall("'nonce-([^']+)'", value):
                yield nonce, NONCE
        elif name.lower() == "set-cookie":
            yield from _of_cookie(value, capture)


def _of_cookie(field: str, capture: Capture) -> t.Iterator[tuple[str, str]]:
    for name, held in parse_cookie(field.partition(";")[0]).items():
        for text in _forms(held):
            if _tells(text, capture):
                yield text, f"it shows what the cookie {name!r} is set to"


def _forms(held: str) -> set[str]:
    """The value of a cookie as a page may show it: a token that a form sends back, which
    may be signed in the cookie, or a number in a link."""
    return {held, held.partition(".")[0], quote(held, safe=""), escape(held)}


def _tells(text: str, capture: Capture) -> bool:
    """Whether *text* is no mere word, such as the name of a theme, nor the page's path."""
    if len(text) < _TELLING or text in capture.key.path:
        return False
    parts = [part for part in re.split("[ /_.-]", text) if part]
    return not all(
        part.isalpha() and part in (part.lower(), part.title()) for part in parts
    )


def mentions(text: str, headers: t.Iterable[tuple[str, str]], body: bytes) -> bool:
    """Whether an answer shows *text*."""
    return text.encode("utf-8", "replace") in body or any(
        text in value for _, value in headers
    )
