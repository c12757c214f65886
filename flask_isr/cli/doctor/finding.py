"""A finding of a check of ``flask isr doctor``."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Level: t.TypeAlias = t.Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for people: the state of something, and what to do about it.

    :param check: the thing that was checked, in a word.
    """

    check: str
    level: Level
    text: str


Findings: t.TypeAlias = t.Iterator[Finding]
