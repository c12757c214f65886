"""What a check of ``flask isr doctor`` found."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Level: t.TypeAlias = t.Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for people: how it is, and what to do about it.

    :param check: what was looked at, in a word.
    """

    check: str
    level: Level
    text: str


Findings: t.TypeAlias = t.Iterator[Finding]
