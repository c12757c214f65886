"""Telling the pages of one deployment from those of another."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .entry import Entry
from .freshness import Freshness

if t.TYPE_CHECKING:
    from ..stores.base import Store


@dataclass(frozen=True, slots=True)
class Build:
    """The deployment that this process belongs to.

    :param id: what tells it from others; ``None``: deployments share their pages.
    :param strict: pages of another build are not served; else those of an earlier one are
        stale: served once more while they are renewed.
    """

    id: str | None = None
    strict: bool = False


class Builds:
    """Judges pages by the build that made them.

    Builds are numbered in the order in which the store met them, so that a process of an
    earlier build neither renews nor replaces what a later one made while both run.
    """

    def __init__(self, store: Store, build: Build) -> None:
        self._store = store
        self._number: int | None = None
        #: The build of this process.
        self.build = build

    def number(self) -> int:
        """The number of this process's build.

        :raises StoreUnavailable: where the store does not say.
        """
        if self._number is None:
            id = self.build.id
            self._number = 0 if id is None else self._store.build_number(id)
        return self._number

    def forget(self) -> None:
        """The store is another one than before: ask it again."""
        self._number = None

    def refuses(self, entry: Entry) -> bool:
        """Whether *entry* must not be served at all."""
        build = self.build
        return build.strict and build.id is not None and entry.build != build.id

    def judge(self, entry: Entry) -> Freshness:
        """What the build says of *entry*.

        :raises StoreUnavailable: where the store does not say.
        """
        build = self.build
        if build.id is None or entry.build == build.id:
            return Freshness.FRESH
        if self.refuses(entry):
            return Freshness.EXPIRED
        return (
            Freshness.STALE if entry.build_number < self.number() else Freshness.FRESH
        )
