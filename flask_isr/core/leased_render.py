"""One render under a lease, and what is written of it."""

from __future__ import annotations

import dataclasses
import logging
import time
import typing as t

from ..errors import StoreUnavailable
from .decision import Observer
from .decision import PageRequest
from .deployment import Builds
from .entry import Entry
from .entry import PerVisitorRecord
from .freshness import Backoff
from .key import PageKey
from .local_cache import LocalCache
from .outcome import Failed
from .outcome import NotStorable
from .outcome import Outcome
from .outcome import PerVisitor
from .outcome import Rendered
from .outcome import SealedError
from .outcome import cause_of
from .singleflight import CheckStore
from .singleflight import FailedAttempt
from .singleflight import FlightResult
from .singleflight import Succeeded
from .store import BackingOff
from .store import Failure
from .store import Lease
from .store import LeaseExpired
from .store import LeaseHeld
from .store import Store

logger = logging.getLogger("flask_isr")

# Seconds until a page that failed is tried again, and one that was not static: the first
# pause, and the longest.
_RETRY = 1.0, 60.0
_PROBE = 60.0, 3600.0

# Leases remembered that could not be given back.
_KEPT = 1000


class LeasedRender:
    """Renders pages and writes what comes of it.

    :param render: renders one page; what it raises counts as a failure.
    :param timeout: seconds that a render may take before its lease is void.
    """

    def __init__(
        self,
        store: Store,
        memory: LocalCache,
        render: t.Callable[[PageKey], Outcome],
        observer: Observer,
        builds: Builds,
        timeout: float,
        random: t.Callable[[], float],
    ) -> None:
        self._store = store
        self._memory = memory
        self._render = render
        self._observer = observer
        self._builds = builds
        self._timeout = timeout
        self._kept: dict[int, Lease] = {}
        self._retry = Backoff(*_RETRY, random)
        self._probe = Backoff(*_PROBE, random)

    def acquire(self, request: PageRequest) -> Lease | LeaseHeld | BackingOff:
        """The lease of *request*. A lease that is overdue is a failure of its holder."""
        kept = self._kept.pop(request.key.id, None)
        if kept is not None:
            self.give_back(kept)
        grant = self._store.acquire(request.key, request.tags, self._timeout)
        if isinstance(grant, LeaseExpired):
            cause = f"no result after {self._timeout:g} seconds"
            self._observer.failed(request.key, cause)
            return BackingOff(self._fail(grant.lease, "failed", cause))
        return grant

    def render(self, request: PageRequest, lease: Lease) -> FlightResult:
        """Render *request*, write the result, and give *lease* back."""
        started = time.perf_counter()
        try:
            outcome = self._render(request.key)
        except Exception as error:
            logger.exception("the render of %s raised", request.key)
            outcome = Failed(cause_of(error))
        except SystemExit as error:
            # By the view, or by a server that ends its worker: that must go on.
            self._fail(lease, "failed", cause_of(error))
            raise
        took = time.perf_counter() - started
        match outcome:
            case Rendered():
                return self._write(request, lease, outcome, took)
            case PerVisitor():
                return self._note_personal(request, lease, outcome)
            case NotStorable(reason):
                self._observer.declined(request.key, reason)
                failure = self._fail(lease, "declined", reason)
            case Failed(cause, error_answer):
                self._observer.failed(request.key, cause)
                failure = self._fail(lease, "failed", cause, error_answer)
        return FailedAttempt(failure, attempted=True)

    def _write(
        self, request: PageRequest, lease: Lease, page: Rendered, took: float
    ) -> FlightResult:
        entry = Entry(
            key=request.key,
            status=page.status,
            headers=page.headers,
            body=page.body,
            etag=page.etag,
            level=page.level,
            version=lease.version,
            began=lease.began,
            lifetime=page.lifetime,
            tags=page.tags,
            took=took,
            anonymous=page.anonymous,
            inputs=page.inputs,
            given=self._builds.given(request.key),
            build=self._builds.build.id,
            coded=page.coded,
        )
        try:
            stored = self._store.put(entry)
            refused = stored is None and self._is_spared(request.key)
        except StoreUnavailable as error:
            logger.warning("%s was rendered, but not stored: %s", request.key, error)
            self.give_back(lease)
            return Succeeded(entry, stored=False)
        self.give_back(lease, succeeded=True)
        if refused:
            # What stands there may be none that this build serves.
            return Succeeded(entry, stored=False, refused=True)
        if stored is None:
            return CheckStore()
        self._memory.add(stored, request.declared)
        self._observer.rendered(entry)
        return Succeeded(entry, stored=True)

    def _is_spared(self, key: PageKey) -> bool:
        there = self._store.load(key)
        return there is not None and self._builds.keeps_newer(
            there.record, there.current
        )

    def _note_personal(
        self, request: PageRequest, lease: Lease, verdict: PerVisitor
    ) -> FlightResult:
        try:
            self.remember_per_visitor(request, verdict, lease)
        except StoreUnavailable as error:
            logger.warning(
                "%s is not the same for everybody, but that was not recorded: %s",
                request.key,
                error,
            )
        self.give_back(lease, succeeded=True)
        return verdict

    def remember_per_visitor(
        self, request: PageRequest, verdict: PerVisitor, lease: Lease | None = None
    ) -> None:
        """Put the memory that *request* is not static in the place of its page.

        :raises StoreUnavailable: where it was not written.
        """
        version = self._store.current_version() if lease is None else lease.version
        now = self._store.now()
        before = self._store.load(request.key, version)
        build = self._builds.build.id
        strikes = 1
        if before is not None and isinstance(before.record, PerVisitorRecord):
            strikes += before.record.strikes if before.record.build == build else 0
        stored = self._store.put(
            PerVisitorRecord(
                key=request.key,
                reason=verdict.reason,
                where=verdict.where,
                cure=verdict.cure,
                version=version,
                began=now,
                probe_at=now + self._probe.pause(strikes),
                strikes=strikes,
                tags=request.key.implicit_tags,
                build=build,
            )
        )
        if stored is not None:
            self._memory.add(stored, request.declared)
        self._observer.not_static(request.key, verdict)

    def _fail(
        self,
        lease: Lease,
        kind: t.Literal["failed", "declined"],
        cause: str,
        error: SealedError | None = None,
    ) -> Failure:
        now = self._store.now()
        failure = Failure(kind, cause, count=1, at=now, retry_at=now, error=error)
        try:
            before = self._store.failure(lease.key)
            count = 1 if before is None else before.count + 1
            # With nothing to serve meanwhile, the page must be back soon after its source.
            spare = self._store.load(lease.key, lease.version) is not None
            pause = self._retry.pause(count if spare or kind == "declined" else 1)
            failure = dataclasses.replace(failure, count=count, retry_at=now + pause)
            self._store.fail(lease, failure)
        except StoreUnavailable as reason:
            logger.warning(
                "the failed render of %s was not recorded: %s", lease.key, reason
            )
            self.give_back(lease)
        return failure

    def give_back(self, lease: Lease, *, succeeded: bool = False) -> None:
        """Give *lease* back; where the store is not there, as soon as it is wanted again:
        it would stand in the way until its deadline."""
        try:
            if succeeded:
                self._store.release(lease)
            else:
                self._store.abandon(lease)
        except StoreUnavailable as error:
            logger.warning(
                "the end of the render of %s was not recorded: %s", lease.key, error
            )
            if len(self._kept) < _KEPT:
                self._kept[lease.key.id] = lease
