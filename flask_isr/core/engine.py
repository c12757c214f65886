"""The rules: judge a stored page, wait for its render or serve what there is."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from ..background.runner import Runner
from ..errors import StoreUnavailable
from .batch import Renewals
from .coordinator import Launcher
from .decision import Answer
from .decision import Limits
from .decision import Observer
from .decision import RunView
from .decision import Serve
from .decision import ShareError
from .decision import Target
from .deployment import Build
from .deployment import Builds
from .entry import Entry
from .entry import Mark
from .entry import NotStatic
from .entry import Record
from .freshness import Freshness
from .key import PageKey
from .leased_render import Rendering
from .local_cache import Memory
from .maintenance import Upkeep
from .outcome import Outcome
from .outcome import Personal
from .singleflight import Broken
from .singleflight import Elsewhere
from .singleflight import Flight
from .singleflight import Grounded
from .singleflight import Landed
from .singleflight import Landing
from .store import Failure
from .store import Store

# A visitor joins one flight, which may have begun too early for them, then one that began
# after their arrival; the third look finds what that one stored.
_ROUNDS = 3

# Visitors of one page who wait at a time in one process; the view answers any more.
_WAITING = 256


_FAILS = Personal("its render fails, and its view answers its visitors")


@dataclass(frozen=True, slots=True)
class _Found:
    entry: Entry
    freshness: Freshness
    validity: Freshness


class Engine:
    """Answers visitors from memory and store, and has pages rendered when need be.

    Safe to call from any number of threads. Whatever goes wrong with the store in
    :meth:`visit`, the answer is :class:`RunView`; it never raises for it.
    """

    def __init__(
        self,
        store: Store,
        memory: Memory,
        runner: Runner,
        render: t.Callable[[PageKey], Outcome],
        limits: Limits,
        random: t.Callable[[], float],
        observer: Observer,
        build: Build | None = None,
    ) -> None:
        self.store = store
        self.memory = memory
        self.runner = runner
        self.upkeep = Upkeep(store, memory, runner)
        self.builds = Builds(store, build or Build())
        self._limits = limits
        self._observer = observer
        self._rendering = Rendering(
            store, memory, render, observer, self.builds, limits.render, random
        )
        self._launcher = Launcher(
            store, runner, self._rendering, self.upkeep, self._needed
        )
        #: Renders that nobody's visit asked for.
        self.renewals = Renewals(store, self._launcher, self._needed, limits.wait)

    # -- visitors ---------------------------------------------------------------------

    def visit(self, target: Target, *, own_stack: bool) -> Answer:
        """The answer for a visitor who arrives now.

        :param own_stack: whether a page of which nothing is stored may be rendered on the
            caller's stack: only where no request is live on it.
        """
        try:
            return self._visit(target, own_stack)
        except StoreUnavailable as error:
            self.upkeep.warn(error)
            return RunView("store-unavailable")

    def peek(self, target: Target) -> Record | None:
        """What is stored of *target*, for whoever decides by it what to do.

        Nothing, where the memory that a page is not static does not count any more.

        :raises StoreUnavailable: where the store does not say.
        """
        record, validity = self._read(target, None)
        if isinstance(record, NotStatic) and not self.counts(record, validity):
            return None
        return record

    def recall(self, target: Target, known: NotStatic) -> RunView:
        """The answer where it is *known* that a page is not static: this process says so
        too, and tries it again behind the visitor when that is due."""
        verdict = Personal(known.reason, known.where, known.cure)
        self._observer.not_static(target.key, verdict)
        if self.store.now() >= known.probe_at:
            self.refresh(target)
        return RunView(known.reason)

    def glance(self, target: Target) -> Entry | None:
        """The stored page of *target*, if it may be served; waits for nothing."""
        try:
            found = self._find(target, None)
        except StoreUnavailable as error:
            self.upkeep.warn(error)
            return None
        if isinstance(found, _Found) and found.freshness is not Freshness.EXPIRED:
            return found.entry
        return None

    def _visit(self, target: Target, own_stack: bool) -> Answer:
        # Read once; and only by a visitor who has to wait, since that costs a query.
        arrival: Mark | None = None
        last_good: Entry | None = None
        for _ in range(_ROUNDS):
            found = self._find(target, arrival)
            if isinstance(found, NotStatic):
                return self.recall(target, found)
            if found is not None:
                self.upkeep.report_usage(self.store.now())
                if found.freshness is Freshness.FRESH:
                    # After their arrival: another process rendered it while they waited.
                    return (
                        Serve(found.entry, "HIT")
                        if arrival is None
                        else _missed(found.entry, last_good, "collapsed")
                    )
                if found.freshness is Freshness.STALE:
                    return self.serve_old(target, found.entry)
                last_good = found.entry
                target = dataclasses.replace(target, tags=target.tags | last_good.tags)
            if arrival is None:
                arrival = self.store.arrival()
            answer = self._await_render(target, arrival, last_good, own_stack)
            if answer is not None:
                return answer
        return RunView("contended")

    def _read(
        self, target: Target, arrival: Mark | None
    ) -> tuple[Record, Freshness] | tuple[None, None]:
        self.builds.meet(target.key.site)
        item = self.memory.get(target.key)
        if item is not None:
            return item.record, item.validity
        stored = self.store.load(target.key, arrival)
        if stored is None:
            return None, None
        self.memory.add(stored, target.declared)
        return stored.record, stored.validity

    def _find(self, target: Target, arrival: Mark | None) -> _Found | NotStatic | None:
        record, validity = self._read(target, arrival)
        if record is None or validity is None:
            return None
        if isinstance(record, NotStatic):
            return record if self.counts(record, validity) else None
        if target.level not in (None, record.level) or self.builds.refuses(record):
            return None
        return _Found(record, self.judge(record, validity), validity)

    def counts(self, known: NotStatic, validity: Freshness | None) -> bool:
        """Whether a page is still held for not static: an invalidation forgets that, and
        so does a deployment, which may have mended it.

        :raises StoreUnavailable: where the store does not say.
        """
        fresh = Freshness.FRESH
        return validity is fresh and self.builds.judge(known, validity) is fresh

    def judge(self, entry: Entry, validity: Freshness) -> Freshness:
        """How good *entry* is, by what invalidations say, its age, and its build.

        :raises StoreUnavailable: where the store does not say.
        """
        age = self.store.now() - entry.began
        return max(
            validity, entry.lifetime.judge(age), self.builds.judge(entry, validity)
        )

    def _needed(self, target: Target, arrival: Mark, accept: Freshness | None) -> bool:
        """Whether a render is still wanted: another process may have been faster."""
        if accept is None:
            return True
        found = self._find(target, arrival)
        if found is None:
            return True
        # What a render behind the visitors' backs would give could not be stored.
        behind = accept is Freshness.FRESH
        if isinstance(found, NotStatic):
            due = self.store.now() >= found.probe_at
            return behind and due and not self.builds.spares(found, Freshness.FRESH)
        spared = behind and self.builds.spares(found.entry, found.validity)
        return found.freshness > accept and not spared

    def _await_render(
        self, target: Target, arrival: Mark, last_good: Entry | None, own_stack: bool
    ) -> Answer | None:
        if last_good is not None and self._failing(target, last_good):
            self.refresh(target)
            return self._serve_stale(last_good, "error")
        flight, leads = self._launcher.board(target, arrival)
        if leads:
            alone = own_stack and last_good is None
            self._launcher.take_off(flight, target, arrival, own_stack=alone)
        elif flight.waiting >= _WAITING:
            return self._unable("crowded", last_good)
        landing = self._wait(flight, last_good)
        if landing is not None:
            return self._answer(target, arrival, landing, last_good, leads)
        if last_good is not None and self._good_enough(last_good):
            return self._serve_stale(last_good, "timeout")
        return None

    def _failing(self, target: Target, last_good: Entry) -> bool:
        """Whether the last attempt failed: nobody waits for the next one then."""
        failure = self.store.failure(target.key)
        if failure is None or failure.kind == "declined":
            return False
        return self._good_enough(last_good)

    def _wait(self, flight: Flight, last_good: Entry | None) -> Landing | None:
        if flight.landing is not None:
            return flight.landing
        if last_good is not None:
            # One waits; the others learn from them.
            if flight.waited_out:
                return None
            landing = flight.wait(self._limits.wait)
            flight.waited_out = landing is None
            return landing
        return flight.wait_out(self.store.now)

    def _answer(
        self,
        target: Target,
        arrival: Mark,
        landing: Landing,
        last_good: Entry | None,
        leads: bool,
    ) -> Answer | None:
        match landing:
            case Landed(entry, stored, _):
                # Its age is not asked: it was rendered a moment ago, however short-lived.
                validity = self.store.judge(entry.mark, entry.tags, arrival)
                if validity is Freshness.EXPIRED or target.level not in (
                    None,
                    entry.level,
                ):
                    return None
                if validity is Freshness.STALE:
                    # It began before its data changed, and the visitor came after that.
                    return self.serve_old(target, entry)
                detail = None if leads else "collapsed"
                return _missed(entry, last_good, detail, stored=stored)
            case Grounded("no-thread" as reason):
                return self._unable(reason, last_good)
            case Personal(reason) | Grounded(reason):
                return RunView(reason)
            case Broken(failure, attempted):
                return self._cope(last_good, failure, attempted and leads)
            case Elsewhere():
                return None

    def _unable(self, reason: str, last_good: Entry | None) -> Answer:
        """The answer where nobody more may wait or render: upstream may hang, and would
        take the threads of the server as well."""
        if last_good is not None and self._good_enough(last_good):
            return self._serve_stale(last_good, "timeout")
        return RunView(reason)

    def _cope(
        self, last_good: Entry | None, failure: Failure, attempted: bool
    ) -> Answer:
        if failure.kind == "declined":
            return RunView(failure.cause)
        if last_good is not None and self._good_enough(last_good):
            return self._serve_stale(last_good, "error")
        if attempted or failure.error is None:
            return RunView("error", strangers_fail=attempted and last_good is None)
        return ShareError(failure.error)

    def _good_enough(self, entry: Entry) -> bool:
        """Whether a page may be served in the place of a render that does not come."""
        expire, allowed = entry.lifetime.expire, self._limits.stale_if_error
        if expire is None or allowed is None:
            return True
        return self.store.now() - entry.began <= expire + allowed

    def serve_old(self, target: Target, entry: Entry) -> Serve:
        """The answer that *entry* got old, while *target* is rendered in the background;
        it tells where that failed, as far as this process knows. Asks no store."""
        failing = self._launcher.failing(target.key)
        self.refresh(target)
        return self._serve_stale(entry, "error" if failing else None)

    def _serve_stale(self, entry: Entry, detail: str | None = None) -> Serve:
        """The answer that *entry* is not fresh, and a word to the observer."""
        self._observer.stale_served(entry)
        return Serve(entry, "STALE", detail)

    # -- renders behind the visitors' backs -------------------------------------------

    def refresh(self, target: Target) -> None:
        """Have *target* rendered in the background if it is not fresh."""
        self._launcher.refresh(target)

    def forget_flights(self) -> None:
        """After a fork: what other threads of the parent process do is not done here."""
        self.memory.renew_lock()
        self._launcher.forget_flights()

    def fails_for_strangers(self, target: Target) -> None:
        """Remember that the view answers its visitors, while a stranger gets an error."""
        try:
            self._rendering.remember_not_static(target, _FAILS)
            # Or others would share the error that a stranger got.
            self.store.forget_failure(target.key)
        except StoreUnavailable as error:
            self.upkeep.warn(error)


def _missed(
    entry: Entry, last_good: Entry | None, detail: str | None, *, stored: bool = True
) -> Serve:
    forward: t.Literal["uri-miss", "stale"] = "stale" if last_good else "uri-miss"
    return Serve(entry, "MISS", detail, stored, forward)
