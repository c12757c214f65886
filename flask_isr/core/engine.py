"""The rules: judge a stored page, wait for its render or serve what there is."""

from __future__ import annotations

import dataclasses
import typing as t

from ..background.runner import Runner
from ..errors import StoreUnavailable
from .blocking_renders import BlockingRenders
from .coordinator import RenderCoordinator
from .decision import Decision
from .decision import Limits
from .decision import Observer
from .decision import PageRequest
from .decision import RunView
from .decision import SendError
from .decision import ServeEntry
from .deployment import Build
from .deployment import Builds
from .entry import Entry
from .entry import PerVisitorRecord
from .entry import Version
from .freshness import Freshness
from .key import PageKey
from .leased_render import LeasedRender
from .local_cache import LocalCache
from .lookup import Found
from .lookup import Lookup
from .maintenance import Maintenance
from .outcome import Outcome
from .outcome import PerVisitor
from .singleflight import CheckStore
from .singleflight import FailedAttempt
from .singleflight import Flight
from .singleflight import FlightResult
from .singleflight import NotStarted
from .singleflight import Succeeded
from .store import Failure
from .store import Store

# A visitor joins one render, which may have begun too early for them, then one that began
# after their arrival; the third look finds what that one stored.
_ROUNDS = 3

_FAILS = PerVisitor("its render fails, and its view answers its visitors")


class Engine:
    """Answers visitors from memory and store, and has pages rendered when need be.

    Safe to call from any number of threads. Whatever goes wrong with the store in
    :meth:`visit`, the answer is :class:`RunView`; it never raises for it.
    """

    def __init__(
        self,
        store: Store,
        memory: LocalCache,
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
        self.maintenance = Maintenance(store, memory, runner)
        self.builds = Builds(store, build or Build())
        self._limits = limits
        self._observer = observer
        self.lookup = Lookup(store, memory, self.builds)
        self._leased_render = LeasedRender(
            store, memory, render, observer, self.builds, limits.render, random
        )
        self._coordinator = RenderCoordinator(
            store, runner, self._leased_render, self.maintenance, self.lookup
        )
        #: Renders that nobody's visit asked for.
        self.blocking_renders = BlockingRenders(
            store, self._coordinator, self.lookup, limits.wait
        )

    # -- visitors ---------------------------------------------------------------------

    def visit(self, request: PageRequest, *, own_stack: bool) -> Decision:
        """The answer for a visitor who arrives now.

        :param own_stack: whether a page of which nothing is stored may be rendered on the
            caller's stack: only where no request is live on it.
        """
        try:
            return self._visit(request, own_stack)
        except StoreUnavailable as error:
            self.maintenance.report_unavailable(error)
            return RunView("store-unavailable")

    def recall(self, request: PageRequest, known: PerVisitorRecord) -> RunView:
        """The answer if it is *known* that a page is not static. This process logs it too,
        and renders the page again behind the visitor when that is due."""
        verdict = PerVisitor(known.reason, known.where, known.cure)
        self._observer.not_static(request.key, verdict)
        if self.store.now() >= known.probe_at:
            self.refresh(request)
        return RunView(known.reason)

    def glance(self, request: PageRequest) -> Entry | None:
        """The stored page of *request*, if it may be served; waits for nothing."""
        try:
            found = self.lookup.find(request, None)
        except StoreUnavailable as error:
            self.maintenance.report_unavailable(error)
            return None
        if isinstance(found, Found) and found.freshness is not Freshness.EXPIRED:
            return found.entry
        return None

    def _visit(self, request: PageRequest, own_stack: bool) -> Decision:
        # Read once; and only by a visitor who has to wait, since that costs a query.
        arrival: Version | None = None
        last_good: Entry | None = None
        for _ in range(_ROUNDS):
            found = self.lookup.find(request, arrival)
            if isinstance(found, PerVisitorRecord):
                return self.recall(request, found)
            if found is not None:
                self.maintenance.report_usage(self.store.now())
                if found.freshness is Freshness.FRESH:
                    # After their arrival: another process rendered it while they waited.
                    return (
                        ServeEntry(found.entry, "HIT")
                        if arrival is None
                        else _missed(found.entry, last_good, "collapsed")
                    )
                if found.freshness is Freshness.STALE:
                    return self.serve_old(request, found.entry)
                last_good = found.entry
                request = dataclasses.replace(
                    request, tags=request.tags | last_good.tags
                )
            if arrival is None:
                arrival = self.store.current_version()
            answer = self._await_render(request, arrival, last_good, own_stack)
            if answer is not None:
                return answer
        return RunView("contended")

    def _await_render(
        self,
        request: PageRequest,
        arrival: Version,
        last_good: Entry | None,
        own_stack: bool,
    ) -> Decision | None:
        if last_good is not None and self._failing(request, last_good):
            self.refresh(request)
            return self._serve_stale(last_good, "error")
        flight, leads = self._coordinator.join_or_start(request, arrival)
        if leads:
            alone = own_stack and last_good is None
            self._coordinator.start(flight, request, arrival, own_stack=alone)
        elif flight.is_crowded:
            return self._unable("crowded", last_good)
        result = self._wait(flight, last_good)
        if result is not None:
            return self._answer(request, arrival, result, last_good, leads)
        if last_good is not None and self._good_enough(last_good):
            return self._serve_stale(last_good, "timeout")
        return None

    def _failing(self, request: PageRequest, last_good: Entry) -> bool:
        """Whether the last attempt failed: nobody waits for the next one then."""
        failure = self.store.failure(request.key)
        if failure is None or failure.kind == "declined":
            return False
        return self._good_enough(last_good)

    def _wait(self, flight: Flight, last_good: Entry | None) -> FlightResult | None:
        if flight.result is not None:
            return flight.result
        if last_good is not None:
            # One waits; the others learn from them.
            if flight.waited_out:
                return None
            result = flight.wait(self._limits.wait)
            flight.waited_out = result is None
            return result
        return flight.wait_out(self.store.now)

    def _answer(
        self,
        request: PageRequest,
        arrival: Version,
        result: FlightResult,
        last_good: Entry | None,
        leads: bool,
    ) -> Decision | None:
        match result:
            case Succeeded(entry, stored, _):
                # Its age is not asked: it was rendered a moment ago, however short-lived.
                validity = self.store.validity_of(entry.version, entry.tags, arrival)
                if validity is Freshness.EXPIRED or request.level not in (
                    None,
                    entry.level,
                ):
                    return None
                if validity is Freshness.STALE:
                    # It began before its data changed, and the visitor came after that.
                    return self.serve_old(request, entry)
                detail = None if leads else "collapsed"
                return _missed(entry, last_good, detail, stored=stored)
            case NotStarted("no-thread" as reason):
                return self._unable(reason, last_good)
            case PerVisitor(reason) | NotStarted(reason):
                return RunView(reason)
            case FailedAttempt(failure, attempted):
                return self._cope(last_good, failure, attempted and leads)
            case CheckStore():
                return None

    def _unable(self, reason: str, last_good: Entry | None) -> Decision:
        """The answer if nobody more may wait or render: what the view waits for may hang,
        and would take the threads of the server as well."""
        if last_good is not None and self._good_enough(last_good):
            return self._serve_stale(last_good, "timeout")
        return RunView(reason)

    def _cope(
        self, last_good: Entry | None, failure: Failure, attempted: bool
    ) -> Decision:
        if failure.kind == "declined":
            return RunView(failure.cause)
        if last_good is not None and self._good_enough(last_good):
            return self._serve_stale(last_good, "error")
        if attempted or failure.error is None:
            return RunView("error", strangers_fail=attempted and last_good is None)
        return SendError(failure.error)

    def _good_enough(self, entry: Entry) -> bool:
        """Whether a page may be served in the place of a render that does not come."""
        expire, allowed = entry.lifetime.expire, self._limits.stale_if_error
        if expire is None or allowed is None:
            return True
        return self.store.now() - entry.began <= expire + allowed

    def serve_old(self, request: PageRequest, entry: Entry) -> ServeEntry:
        """The answer that *entry* got old, while *request* is rendered in the background;
        it tells where that failed, as far as this process knows. Asks no store."""
        failing = self._coordinator.failing(request.key)
        self.refresh(request)
        return self._serve_stale(entry, "error" if failing else None)

    def _serve_stale(self, entry: Entry, detail: str | None = None) -> ServeEntry:
        """The answer that *entry* is not fresh, and a word to the observer."""
        self._observer.stale_served(entry)
        return ServeEntry(entry, "STALE", detail)

    # -- renders behind the visitors' backs -------------------------------------------

    def refresh(self, request: PageRequest) -> None:
        """Have *request* rendered in the background if it is not fresh."""
        self._coordinator.refresh(request)

    def forget_flights(self) -> None:
        """After a fork: what other threads of the parent process do is not done here."""
        self.memory.renew_lock()
        self._coordinator.forget_flights()

    def fails_for_strangers(self, request: PageRequest) -> None:
        """Remember that visitors get a page of the view, and the sealed render an error."""
        try:
            self._leased_render.remember_per_visitor(request, _FAILS)
            # Or others would share the error that the sealed render got.
            self.store.forget_failure(request.key)
        except StoreUnavailable as error:
            self.maintenance.report_unavailable(error)


def _missed(
    entry: Entry, last_good: Entry | None, detail: str | None, *, stored: bool = True
) -> ServeEntry:
    forward: t.Literal["uri-miss", "stale"] = "stale" if last_good else "uri-miss"
    return ServeEntry(entry, "MISS", detail, stored, forward)
