"""What is stored of a page, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass

from .decision import PageRequest
from .deployment import Builds
from .entry import Entry
from .entry import PerVisitorRecord
from .entry import Record
from .entry import Version
from .freshness import Freshness
from .local_cache import LocalCache
from .store import Store


@dataclass(frozen=True, slots=True)
class Found:
    """A stored page.

    :param freshness: how good it is, by its age, invalidations and its build.
    :param validity: what invalidations alone say.
    """

    entry: Entry
    freshness: Freshness
    validity: Freshness


class Lookup:
    """Looks for pages in the memory of this process, and then in the store.

    Every method may raise :exc:`~flask_isr.errors.StoreUnavailable`.
    """

    def __init__(self, store: Store, memory: LocalCache, builds: Builds) -> None:
        self._store = store
        self._memory = memory
        self._builds = builds

    def peek(self, request: PageRequest) -> Record | None:
        """What is stored of *request*, for whoever decides by it what to do.

        Nothing, if the memory that a page is not static does not count any more.
        """
        record, validity = self._read(request, None)
        if isinstance(record, PerVisitorRecord) and not self.counts(record, validity):
            return None
        return record

    def find(
        self, request: PageRequest, arrival: Version | None
    ) -> Found | PerVisitorRecord | None:
        """What *request* may be answered by, for a visitor who arrived at *arrival*; with
        ``None``, for one who arrives now."""
        record, validity = self._read(request, arrival)
        if record is None or validity is None:
            return None
        if isinstance(record, PerVisitorRecord):
            return record if self.counts(record, validity) else None
        if request.level not in (None, record.level):
            return None
        if self._builds.is_foreign(record):
            return None
        return Found(record, self.freshness_of(record, validity), validity)

    def _read(
        self, request: PageRequest, arrival: Version | None
    ) -> tuple[Record, Freshness] | tuple[None, None]:
        self._builds.meet(request.key.namespace)
        item = self._memory.get(request.key)
        if item is not None:
            return item.record, item.validity
        stored = self._store.load(request.key, arrival)
        if stored is None:
            return None, None
        self._memory.add(stored, request.declared)
        return stored.record, stored.validity

    def counts(self, known: PerVisitorRecord, validity: Freshness | None) -> bool:
        """Whether a page is still held for not static: an invalidation forgets that, and
        so does a deployment, which may have mended it."""
        fresh = Freshness.FRESH
        if validity is not fresh:
            return False
        return self._builds.freshness_of(known, validity) is fresh

    def freshness_of(self, entry: Entry, validity: Freshness) -> Freshness:
        """How good *entry* is, by what invalidations say, its age, and its build."""
        age = self._store.now() - entry.began
        return max(
            validity,
            entry.lifetime.freshness_at(age),
            self._builds.freshness_of(entry, validity),
        )

    def is_needed(
        self, request: PageRequest, arrival: Version, accept: Freshness | None
    ) -> bool:
        """Whether a render of *request* is still wanted: another process may have been
        faster.

        :param arrival: when whoever wants it came.
        :param accept: a page as good as this will do; ``None``: no page will.
        """
        if accept is None:
            return True
        found = self.find(request, arrival)
        if found is None:
            return True
        # What a render behind the visitors' backs would give could not be stored.
        behind = accept is Freshness.FRESH
        if isinstance(found, PerVisitorRecord):
            due = self._store.now() >= found.probe_at
            if not behind or not due:
                return False
            return not self._builds.keeps_newer(found, Freshness.FRESH)
        spared = behind and self._builds.keeps_newer(found.entry, found.validity)
        return found.freshness > accept and not spared
