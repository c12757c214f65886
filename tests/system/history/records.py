"""What readers saw and publishers did, as lines of a file."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

#: How a page is renewed: by time; by its tag, expired or made stale; by its path, where it
#: comes and goes (on a closed list, or as a 404 of its view); by its tag, while its source
#: fails now and then.
Kind: t.TypeAlias = t.Literal["time", "expire", "stale", "listed", "missing", "failing"]

KINDS: t.Final[tuple[Kind, ...]] = t.get_args(Kind)


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer.

    :param version: of the data that the page shows; ``None`` where it shows none.
    :param asked: when the request was sent, seconds of the machine's monotonic clock.
    :param answered: when all of the answer was there.
    """

    page: str
    status: int
    state: str | None
    version: int | None
    asked: float
    answered: float


@dataclass(frozen=True, slots=True)
class Publication:
    """One change of the data of a page.

    :param began: before the change was committed.
    :param committed: after it was.
    :param recorded: when its invalidation had returned; ``None`` where it did not.
    """

    page: str
    version: int
    began: float
    committed: float
    recorded: float | None


Record: t.TypeAlias = Reading | Publication


def kind_of(page: str) -> Kind:
    """The kind of a page, by its path ``/kind/name``."""
    return t.cast(Kind, page.split("/")[1])


def write(file: t.TextIO, record: Record) -> None:
    """Append *record*."""
    fields = dataclasses.asdict(record)
    file.write(json.dumps([type(record).__name__, fields]) + "\n")


def read(path: Path) -> t.Iterator[Record]:
    """The records in a file; a last line that a killed process left unfinished is none."""
    for line in path.read_text().splitlines():
        try:
            name, fields = json.loads(line)
        except ValueError:
            continue
        yield Reading(**fields) if name == "Reading" else Publication(**fields)
