"""Telling the pages of one deployment from those of another."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .entry import Entry
from .entry import Record
from .freshness import Freshness

if t.TYPE_CHECKING:
    from ..stores.base import Store

#: Seconds for which a page of a later build is neither renewed nor replaced by an earlier
#: one that runs beside it. Not for ever: the number of a build that a process came back
#: with in the middle of a deployment is the highest, though the others outlive it.
PROTECTED = 600.0


def is_protected(build: int, began: float, new: Record) -> bool:
    """Whether a page must stay though *new* was rendered after it.

    :param build: the number of the build that made it.
    :param began: the store's time when its render began, in seconds.
    """
    return 0 < new.build_number < build and new.began - began < PROTECTED


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
    earlier build neither renews nor replaces what a later one made while both run. Each
    application that shares the store has an order of its own.
    """

    def __init__(self, store: Store, build: Build) -> None:
        self._store = store
        self._number: int | None = None
        #: The build of this process.
        self.build = build

    def number(self, site: str) -> int:
        """The number of this process's build.

        :param site: the application; see :attr:`.PageKey.site`.
        :raises StoreUnavailable: where the store does not say.
        """
        if self._number is None:
            id = self.build.id
            self._number = 0 if id is None else self._store.build_number(site, id)
        return self._number

    def forget(self) -> None:
        """The store is another one than before: ask it again."""
        self._number = None

    def refuses(self, entry: Entry) -> bool:
        """Whether *entry* must not be served at all."""
        build = self.build
        return build.strict and build.id is not None and entry.build != build.id

    def spares(self, record: Record) -> bool:
        """Whether a later build made *record* not long ago, which is to stay.

        :raises StoreUnavailable: where the store does not say.
        """
        id = self.build.id
        return (
            isinstance(record, Entry)
            and id is not None
            and record.build != id
            and record.build_number > self.number(record.key.site)
            and self._store.now() - record.began < PROTECTED
        )

    def judge(self, entry: Entry) -> Freshness:
        """What the build says of *entry*.

        :raises StoreUnavailable: where the store does not say.
        """
        build = self.build
        if build.id is None or entry.build == build.id:
            return Freshness.FRESH
        if self.refuses(entry):
            return Freshness.EXPIRED
        return Freshness.FRESH if self.spares(entry) else Freshness.STALE
