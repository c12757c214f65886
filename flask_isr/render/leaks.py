"""Values that may belong to one answer: a page that shows one differs between visitors."""

from __future__ import annotations

import datetime
import html
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import unquote
from urllib.parse import unquote_plus
from uuid import UUID

from werkzeug.sansio.http import parse_cookie

from ..core.key import PageKey
from .capture import Capture

# A value of at least so many characters is not in a page by accident.
_TELLING = 8

# A word has at most so many letters; so many words, or fewer, are not a secret.
_WORD = 16
_WORDS = 4

# At most so many texts are looked for: each costs searches of the whole body.
_MOST = 64

# Mappings and lists within each other are looked into so deep.
_DEPTH = 8

CSRF_TOKEN: t.Final = "it has a CSRF token"
NONCE: t.Final = "it has a Content-Security-Policy nonce"

_NONCE = re.compile("'nonce-([^']+)'", re.IGNORECASE)
_META = re.compile(rb"<meta\b[^<>]{0,4096}>")
_SCRIPT_ESCAPE = re.compile(r'((?:\\u[0-9a-fA-F]{4})+)|\\(["\\/])')


@dataclass(frozen=True, slots=True)
class LeakScan:
    """The texts that may belong to one answer alone.

    A secret and a constant look alike in one answer. A text counts as a secret if it is
    long enough, and neither a few words nor the page's own address.

    :param texts: each text that may not be shown, with the reason given if it is.
    :param complete: whether *texts* are all.
    """

    texts: t.Mapping[str, str]
    complete: bool

    @classmethod
    def of(cls, capture: Capture, headers: t.Iterable[tuple[str, str]]) -> LeakScan:
        """Find the texts of a render.

        :param headers: those of the answer as it left the application.
        """
        texts: dict[str, str] = {}
        for text, reason in _found(capture, headers):
            if text not in texts and len(texts) == _MOST:
                return cls(texts, complete=False)
            texts.setdefault(text, reason)
        return cls(texts, complete=True)

    def reason_in(
        self, headers: t.Iterable[tuple[str, str]], body: bytes
    ) -> str | None:
        """Why an answer is its visitor's own, if it shows one of the texts."""
        if not self.complete:
            return f"its cookies and its session hold more than {_MOST} values"
        if _has_policy(body):
            return NONCE
        if not self.texts:
            return None
        answer = "\n".join([value for _, value in headers])
        bare = _unescaped(f"{answer}\n{body.decode('utf-8', 'replace')}")
        for text, reason in self.texts.items():
            # The latter if the text itself looks escaped, as one with a plus does.
            if text in bare or _unescaped(text) in bare:
                return reason
        return None


def nonces(name: str, value: str) -> list[str]:
    """The nonces in a header, if it is a Content-Security-Policy."""
    is_policy = name.lower().startswith("content-security-policy")
    return _NONCE.findall(value) if is_policy else []


def mentions(text: str, headers: t.Iterable[tuple[str, str]], body: bytes) -> bool:
    """Whether an answer has *text*, given in lower case, in any case."""
    return text.encode() in body.lower() or any(
        text in value.lower() for _, value in headers
    )


def _has_policy(body: bytes) -> bool:
    """Whether the page itself has a policy with a nonce."""
    body = body.lower()
    return b"nonce-" in body and any(
        b"content-security-policy" in tag and b"nonce-" in tag
        for tag in _META.findall(body)
    )


def _unescaped(text: str) -> str:
    """*text* without any escapes of HTML, scripts and URLs."""
    return unquote_plus(_SCRIPT_ESCAPE.sub(_plain, html.unescape(text)))


def _plain(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[2]
    # A character may take two escapes.
    return bytes.fromhex(escape[1].replace("\\u", "")).decode("utf-16-be", "replace")


def _found(
    capture: Capture, headers: t.Iterable[tuple[str, str]]
) -> t.Iterator[tuple[str, str]]:
    token = capture.csrf_token
    if token:
        yield token, CSRF_TOKEN
    for held in _texts(_held(capture)):
        for text in _parts(held, capture.key):
            yield text, "it shows what the session holds"
    for name, value in headers:
        for nonce in nonces(name, value):
            yield nonce, NONCE
        if name.lower() == "set-cookie":
            for cookie, held in parse_cookie(value.partition(";")[0]).items():
                for text in _parts(held, capture.key):
                    yield text, f"it shows what the cookie {cookie!r} is set to"


def _held(capture: Capture) -> dict[str, t.Any]:
    """What the session of the render holds, with the writes that were undone."""
    # A session may be falsy though it holds something.
    held = {} if capture.session is None else dict(capture.session)
    return held if capture.writes is None else {**capture.writes.undone, **held}


def _texts(held: object, depth: int = _DEPTH) -> t.Iterator[str]:
    """What a session holds, as a page would show it."""
    if isinstance(held, bytes):
        yield held.decode("utf-8", "replace")
    elif isinstance(held, str | int | float | UUID | datetime.date):
        yield str(held)
    elif depth and isinstance(held, dict):
        for item in held.values():
            yield from _texts(item, depth - 1)
    elif depth and isinstance(held, list | tuple | set):
        for item in held:
            yield from _texts(item, depth - 1)


def _parts(held: str, key: PageKey) -> t.Iterator[str]:
    """What a page may show of *held*: all of it, or the part that is signed."""
    if not _tells(held) or _is_address(unquote(held), unquote(key.path)):
        return
    yield held
    signed = held.partition(".")[0]
    if _tells(signed):
        yield signed


def _tells(text: str) -> bool:
    """Whether *text* is more than a few words, such as a theme's or a time zone's name."""
    if len(text) < _TELLING:
        return False
    parts = [part for part in re.split("[ /_.-]", text) if part]
    return len(parts) > _WORDS or not all(
        part.isalpha() and len(part) <= _WORD and part in (part.lower(), part.title())
        for part in parts
    )


def _is_address(text: str, path: str) -> bool:
    """Whether *text* is a part of the page's path, or the page's URL."""
    return text in path or bool(
        re.fullmatch(rf"https?://[\w.:-]+{re.escape(path)}", text)
    )
