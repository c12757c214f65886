"""Telling the pages of one deployment from those of another."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass
from dataclasses import field

from ..errors import StoreUnavailable
from .entry import Entry
from .entry import Record
from .freshness import Freshness
from .key import PageKey

if t.TYPE_CHECKING:
    from .store import Store

logger = logging.getLogger("flask_isr")

#: Seconds for which a page of a later build is neither renewed nor replaced by an earlier
#: one that runs beside it. Not for ever: the build whose process started last is the
#: latest, though the others may outlive it.
NEWER_BUILD_GRACE = 600.0

# Seconds after which a store that did not note a build is asked again.
_AGAIN = 1.0


def is_later(one: str | None, other: str | None, order: t.Sequence[str]) -> bool:
    """Whether build *one* is later than *other*. Those of one name are one build.

    :param order: the builds that are known, the latest last. Of others, nobody knows.
    """
    if one is None or other is None or not {one, other}.issubset(order):
        return False
    return order.index(one) > order.index(other)


def is_protected(record: Record, validity: Freshness, now: float) -> bool:
    """Whether *record* stays where an earlier build rendered its page after it.

    What was invalidated does not, nor what is too old to be served: no more renders of
    the later build may come.

    :param validity: what invalidations say of it now.
    :param now: the store's time, in seconds.
    """
    age = now - record.began
    lasts = not isinstance(record, Entry) or (
        record.lifetime.freshness_at(age) is not Freshness.EXPIRED
    )
    return validity is Freshness.FRESH and lasts and 0 <= age < NEWER_BUILD_GRACE


@dataclass(slots=True)
class Build:
    """The deployment that this process belongs to.

    :param id: what tells it from others, known when the application is complete; ``None``:
        deployments share their pages.
    :param strict: pages of another build are not served; else those of an earlier one are
        stale: served once more while they are renewed.
    :param given: the view that a page is of, as its key names it, to a digest of what the
        factory of the application gave it.
    """

    id: str | None = None
    strict: bool = False
    given: t.Mapping[str, str] = field(default_factory=dict)


class Builds:
    """Judges pages by the build that made them.

    The store keeps the builds of each application in the order in which processes of them
    started last, so that a process of an earlier build neither renews nor replaces what a
    later one made while both run. All processes are told the same order.
    """

    def __init__(self, store: Store, build: Build) -> None:
        self._store = store
        self._met = False
        self._ask_at = float("-inf")
        #: The build of this process.
        self.build = build
        #: What else is to be done at the first look; may raise StoreUnavailable.
        self.on_meet: t.Callable[[], None] = lambda: None

    def meet(self, namespace: str) -> None:
        """Make this process's build the latest, if this is its first look at the store.

        :param namespace: the application; see :attr:`.PageKey.namespace`.
        """
        if self._met or self._store.now() < self._ask_at:
            return
        try:
            if self.build.id is not None:
                self._store.meet_build(namespace, self.build.id)
            self.on_meet()
        except StoreUnavailable as error:
            # A store that is full can still be read.
            self._ask_at = self._store.now() + _AGAIN
            logger.debug("%s", error)
        else:
            self._met = True

    def forget(self) -> None:
        """Forget that the store knows this build: it began afresh."""
        self._met = False

    def is_foreign(self, record: Record) -> bool:
        """Whether *record* is a page that must not be served at all.

        A factory that was given something else makes another site of the same build: its
        pages are not served here either.
        """
        build = self.build
        if build.id is None or not isinstance(record, Entry):
            return False
        if record.build != build.id:
            return build.strict
        return record.given != self.given(record.key)

    def given(self, key: PageKey) -> str:
        """The :attr:`.Entry.given` of pages that this process makes."""
        return self.build.given.get(key.view, "")

    def keeps_newer(self, record: Record, validity: Freshness) -> bool:
        """Whether *record* stays: a later build made it, and not long ago.

        :param validity: what invalidations say of it.
        :raises StoreUnavailable: where the store does not say.
        """
        id = self.build.id
        return (
            id is not None
            and record.build != id
            and is_protected(record, validity, self._store.now())
            and is_later(record.build, id, self._store.builds(record.key.namespace))
        )

    def freshness_of(self, record: Record, validity: Freshness) -> Freshness:
        """What the build says of *record*: it is fresh if this process's own build made it,
        or a later one that is to stay.

        :param validity: what invalidations say of it.
        :raises StoreUnavailable: where the store does not say.
        """
        build = self.build
        if self.is_foreign(record):
            return Freshness.EXPIRED
        if build.id is None or record.build == build.id:
            return Freshness.FRESH
        return (
            Freshness.FRESH if self.keeps_newer(record, validity) else Freshness.STALE
        )
