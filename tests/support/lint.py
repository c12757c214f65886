"""httplint as a judge of every answer that the tests get for a static page."""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

import requests
from werkzeug.test import TestResponse

if t.TYPE_CHECKING:
    from httplint import Note

Fields: t.TypeAlias = t.Sequence[tuple[str, str]]

#: What httplint holds against answers that are as they are meant to be.
EXCEPTIONS: t.Final[t.Mapping[str, str]] = {
    "CHARSET_UNDECODABLE": "views make their bodies, and some tests odd ones",
    "CONTENT_TYPE_MISMATCH": "the same",
    "STATUS_BAD_REQUEST": "each 400, for being one: the request was wrong",
}

# Fields whose values say nothing of how good they are; those of all others count.
_OPAQUE = {"cache-tag", "content-length", "date", "etag", "last-modified"}


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    :param body: as it was sent; ``None`` where nobody read it.
    """

    method: str
    path: str
    asked: Fields
    status: int
    headers: Fields
    body: bytes | None

    @classmethod
    def of(
        cls, request: requests.PreparedRequest, answer: requests.Response
    ) -> Exchange:
        """One that Requests made; its body is not as it was sent any more."""
        path = request.path_url.partition("?")[0]
        asked = [(name, _text(value)) for name, value in request.headers.items()]
        fields = [*answer.headers.items()]
        method = request.method or "GET"
        return cls(method, path, asked, answer.status_code, fields, None)

    @property
    def is_ours(self) -> bool:
        """Whether it is the answer of a static page, or of our routes."""
        names = {name.lower() for name, _ in self.headers}
        return "x-isr-cache" in names or self.path in _ROUTES

    @property
    def shape(self) -> t.Hashable:
        """What exchanges have in common that the judge would say the same of."""
        fields = sorted((name.lower(), value) for name, value in self.headers)
        known = [
            (name, "" if name in _OPAQUE else re.sub(r"\d+", "0", value))
            for name, value in fields
        ]
        asked = frozenset(name.lower() for name, _ in self.asked)
        return self.method, self.status, asked, not self.body, tuple(known)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


_ROUTES = ("/api/revalidate", "/api/token")

_answers: list[TestResponse | Exchange] = []
_passed: set[t.Hashable] = set()


def note(answer: TestResponse | Exchange) -> None:
    """Have *answer* judged at the end of the test."""
    _answers.append(answer)


def take() -> list[TestResponse | Exchange]:
    """The answers noted since the last call."""
    answers, _answers[:] = _answers[:], []
    return answers


def judge(
    answers: t.Iterable[TestResponse | Exchange], allowed: t.Collection[str]
) -> list[str]:
    """What is wrong with *answers*, but for the notes *allowed*; one answer of each shape
    is looked at, since all of them together would take minutes."""
    found = []
    for answer in answers:
        exchange = answer if isinstance(answer, Exchange) else _exchange(answer)
        if not exchange.is_ours or exchange.shape in _passed:
            continue
        notes = lint(exchange)
        if not notes:
            _passed.add(exchange.shape)
        found += [
            f"{exchange.method} {exchange.path}: {note}"
            for note in notes
            if note.partition(" ")[0] not in allowed
        ]
    return found


def _exchange(answer: TestResponse) -> Exchange:
    body = b"".join(answer.iter_encoded()) if answer.is_sequence else None
    request = answer.request
    asked = [*request.headers.items()]
    headers = [*answer.headers.items()]
    status = answer.status_code
    return Exchange(request.method, request.path, asked, status, headers, body)


def lint(exchange: Exchange) -> list[str]:
    """What httplint calls bad or doubtful: the names of its notes, and what they say."""
    return [
        f"{type(note).__name__} ({note.level.name}): {note.summary}"
        for note in _notes(exchange)
        if note.level.name in ("BAD", "WARN") and type(note).__name__ not in EXCEPTIONS
    ]


def _notes(exchange: Exchange) -> t.Iterator[Note]:
    httplint = _import()
    request = httplint.HttpRequestLinter()
    request.process_request_topline(exchange.method.encode(), b"/", b"1.1")
    request.process_headers(_encoded(exchange.asked))
    linter = httplint.HttpResponseLinter(no_content=exchange.body is None)
    linter.request = request
    linter.is_head_response = exchange.method == "HEAD"
    phrase = HTTPStatus(exchange.status).phrase.encode()
    linter.process_response_topline(b"1.1", b"%d" % exchange.status, phrase)
    linter.process_headers(_encoded(_dated(exchange.headers)))
    if exchange.body:
        linter.feed_content(exchange.body)
    linter.finish_content(True)
    for found in linter.notes:
        yield found
        yield from found.subnotes


@functools.cache
def _import() -> t.Any:
    # It takes most of a second, which not every test process needs to spend.
    import httplint

    return httplint


def _dated(headers: Fields) -> Fields:
    """*headers* with the ``Date`` that servers add."""
    if any(name.lower() == "date" for name, _ in headers):
        return headers
    return [*headers, ("Date", formatdate(usegmt=True))]


def _encoded(fields: Fields) -> list[tuple[bytes, bytes]]:
    # What tests send may be what no server would take.
    return [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in fields
    ]
