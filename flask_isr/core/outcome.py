"""What can come of one render."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from dataclasses import field

from .entry import Coded
from .entry import Headers
from .entry import Level
from .freshness import Lifetime

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
    coded: tuple[Coded, ...] = ()


@dataclass(frozen=True, slots=True)
class Personal:
    """The page is not the same for everybody: it must not be stored, nor an old copy kept.

    :param reason: what showed it, for people.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class SealedError:
    """The error answer that a stranger got, to be shared by those who waited for it."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """The render broke: the last good page stays, the next attempt is put off.

    :param cause: what happened, for people.
    :param error: the error answer, where there was one.
    """

    cause: str
    error: SealedError | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """An answer that is neither a page nor a failure: the view answers for itself."""

    reason: str


Outcome: t.TypeAlias = Rendered | Personal | Failed | Declined


def cause_of(error: BaseException) -> str:
    """What *error* says, for people: of bounded length, and text that any store takes."""
    text = str(error)
    if len(text) > _CAUSE_LENGTH:
        text = f"{text[:_CAUSE_LENGTH]}…"
    cause = f"{type(error).__name__}: {text}"
    # Names of files that are not in UTF-8 come as surrogates, which no database takes.
    return cause.encode(errors="backslashreplace").decode()
