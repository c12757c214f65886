"""The pages that one call asks to invalidate, and how."""

from __future__ import annotations

from dataclasses import dataclass

from ..modes import Mode
from .routes import Match


@dataclass(frozen=True, slots=True)
class Invalidation:
    """Pages that one call names.

    :param label: the path or the tag as it was given, for people.
    :param tag: the one tag that all these pages carry.
    :param match: the page, if it is a single one.
    :param query: the query of the variant that is meant; ``None``: all variants.
    """

    label: str
    tag: str
    mode: Mode
    is_path: bool
    match: Match | None = None
    query: str | None = None
