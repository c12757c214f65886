"""What can come of one render."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from dataclasses import field

from .entry import EncodedBody
from .entry import Headers
from .entry import Level
from .freshness import Lifetime
from .inputs import NONE
from .inputs import Inputs

# Characters of an exception's text that are kept.
_CAUSE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page that may be stored; see :class:`.Entry` for its parts."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    etag: str
    level: Level
    lifetime: Lifetime
    tags: frozenset[str]
    anonymous: bool = False
    inputs: Inputs = NONE
    coded: tuple[EncodedBody, ...] = ()


@dataclass(frozen=True, slots=True)
class PerVisitor:
    """The page is not the same for everybody: it must not be stored, nor an old copy kept.

    :param reason: what showed it, for all to see.
    :param where: the place in the application's code, for its authors.
    :param cure: a sentence that says what to do, for its authors.
    """

    reason: str
    where: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class SealedError:
    """The error answer of a sealed render, to be shared by those who waited for it.

    :param inputs: what its render looked at: whoever brings it gets an answer of their own.
    """

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    inputs: Inputs = NONE

    def head(self) -> list[t.Any]:
        """All but the body, as JSON."""
        return [self.status, self.headers, self.inputs.to_json()]

    @classmethod
    def of(cls, head: t.Any, body: bytes) -> SealedError:
        """The answer with what :meth:`head` wrote.

        :raises ValueError, TypeError: for anything else.
        """
        status, headers, inputs = head
        pairs = tuple([(str(name), str(value)) for name, value in headers])
        return cls(int(status), pairs, body, Inputs.from_json(inputs))


@dataclass(frozen=True, slots=True)
class Failed:
    """The render broke: the last good page stays, the next attempt is put off.

    :param cause: what happened, for people.
    :param error: the error answer, where there was one.
    """

    cause: str
    error: SealedError | None = None


@dataclass(frozen=True, slots=True)
class NotStorable:
    """An answer that is neither a page nor a failure: the view answers for itself."""

    reason: str


Outcome: t.TypeAlias = Rendered | PerVisitor | Failed | NotStorable


def cause_of(error: BaseException) -> str:
    """What *error* says, for people: of bounded length, and text that any store takes."""
    text = str(error)
    if len(text) > _CAUSE_LENGTH:
        text = f"{text[:_CAUSE_LENGTH]}…"
    cause = f"{type(error).__name__}: {text}"
    # Names of files that are not in UTF-8 come as surrogates, which no database takes.
    return cause.encode(errors="backslashreplace").decode()
