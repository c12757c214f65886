"""Closed lists: the paths that exist, for pages with ``fallback=False``."""

from __future__ import annotations

import logging
import threading
import typing as t

from ..background.runner import Runner
from ..core.store import Listed
from ..core.store import Store
from ..errors import StoreUnavailable
from .application import Application
from .paths import asked
from .paths import declared_pages

if t.TYPE_CHECKING:
    from ..core.entry import Version
    from .routes import Match

logger = logging.getLogger("flask_isr")

# A list that is older than so many seconds is asked for again if it lacks a path. After a
# question without an answer, visitors do not ask for so many seconds.
_ASK_AGAIN = 60.0


class _Question:
    """A question to the application for one list.

    :ivar done: set when there is an answer, or will be none.
    :ivar taken: whether a list came of it; known when it is done.
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.taken = False


class ClosedLists:
    """The lists that ``fallback=False`` is closed over, one for all processes.

    A list that fails, or is empty after it was not, is not taken: the last one stands. For
    each list, at most one question with somebody waiting runs at a time in this process.

    :param warn: called if the store is not there.
    """

    def __init__(
        self,
        application: Application,
        store: Store,
        runner: Runner,
        warn: t.Callable[[StoreUnavailable], None],
    ) -> None:
        self._application = application
        self._store = store
        self._runner = runner
        self._warn = warn
        self._known: dict[str, tuple[int, Version, Listed]] = {}
        self._not_before: dict[str, float] = {}
        self.forget_questions()

    def forget_questions(self) -> None:
        """Forget, after a fork, the questions that threads of the parent process ask."""
        self._lock = threading.Lock()
        self._running: dict[str, _Question] = {}
        self._next: dict[str, _Question] = {}
        self._behind: set[str] = set()

    def has(self, match: Match) -> bool:
        """Whether the list, if one is known without asking for it, has the page."""
        if match.page.fallback is not False:
            return True
        try:
            listed = self._listed(match.endpoint)
        except StoreUnavailable as error:
            self._warn(error)
            return False
        return listed is not None and match.path in listed.paths

    def allows(self, match: Match) -> bool | None:
        """Whether a visitor may have the page; ``None`` if no list can be had.

        The first visitor waits for the list. If the list lacks the path and is old, it is
        asked for again in the background.
        """
        if match.page.fallback is not False:
            return True
        endpoint = match.endpoint
        try:
            listed = self._listed(endpoint)
            if listed is None and asked.get() != endpoint and self._may_ask(endpoint):
                self._join_or_lead(endpoint, joins=True)
                listed = self._listed(endpoint)
        except StoreUnavailable as error:
            self._warn(error)
            return None
        if listed is None:
            return None
        if match.path not in listed.paths:
            self._ask_if_old(endpoint, listed)
            return False
        return True

    def _ask_if_old(self, endpoint: str, listed: Listed) -> None:
        age = self._store.now() - listed.asked_at
        if 0 <= age < _ASK_AGAIN or not self._may_ask(endpoint):
            return
        # It runs beside a question that somebody waits for, since it may hang.
        if endpoint in self._behind:
            return
        self._behind.add(endpoint)
        if self._runner.submit(lambda: self._ask_behind(endpoint)):
            self._not_before[endpoint] = self._store.now() + _ASK_AGAIN
        else:
            self._behind.discard(endpoint)

    def _ask_behind(self, endpoint: str) -> None:
        try:
            self._ask_and_take(endpoint, _Question())
        finally:
            self._behind.discard(endpoint)

    def _may_ask(self, endpoint: str) -> bool:
        """Whether enough time has passed since a question without an answer."""
        until = self._not_before.get(endpoint)
        now = self._store.now()
        return until is None or not until - _ASK_AGAIN <= now < until

    def _listed(self, endpoint: str) -> Listed | None:
        store = self._store
        order = store.change_counter()
        known = self._known.get(endpoint)
        # A counter below zero means that the store is not open, and says nothing.
        if known is not None and known[0] == order >= 0:
            return known[2]
        version = store.list_version(self._name(endpoint))
        if version is None:
            return None
        if known is not None and known[1] == version:
            listed: Listed | None = known[2]
        else:
            listed = store.closed_list(self._name(endpoint))
        if listed is not None:
            self._known[endpoint] = (order, version, listed)
        return listed

    def ask(self, endpoint: str) -> bool:
        """Ask the application for the list, beginning after this call, on another stack,
        and wait; return whether a list came of it in time."""
        # The code that is being asked may call this: it would wait for itself.
        return asked.get() != endpoint and self._join_or_lead(endpoint, joins=False)

    def _join_or_lead(self, endpoint: str, *, joins: bool) -> bool:
        with self._lock:
            running = self._running.get(endpoint)
            if running is None:
                question = self._running[endpoint] = _Question()
            elif joins:
                question = running
            else:
                question = self._next.setdefault(endpoint, _Question())
        leads = running is None
        if leads and not self._runner.spawn(lambda: self._lead(endpoint, question)):
            self._refuse(endpoint, question)
        question.done.wait(self._application.settings.wait_timeout)
        return question.done.is_set() and question.taken

    def _refuse(self, endpoint: str, question: _Question) -> None:
        """Release those who wait for *question*, which cannot be asked now."""
        with self._lock:
            self._running.pop(endpoint, None)
            waiting = self._next.pop(endpoint, None)
        for refused in (question, waiting):
            if refused is not None:
                refused.done.set()

    def _lead(self, endpoint: str, question: _Question) -> None:
        more: _Question | None = question
        while more is not None:
            try:
                self._ask_and_take(endpoint, more)
            finally:
                with self._lock:
                    question, more = more, self._next.pop(endpoint, None)
                    if more is None:
                        self._running.pop(endpoint, None)
                    else:
                        self._running[endpoint] = more
                question.done.set()

    def _ask_and_take(self, endpoint: str, question: _Question) -> None:
        try:
            # The version is taken before the question, so that an older answer cannot win.
            version = self._store.next_version()
            pages = self._declared(endpoint)
            if pages is not None:
                question.taken = self.take(endpoint, pages, version)
        except StoreUnavailable as error:
            self._warn(error)
        if question.taken:
            self._not_before.pop(endpoint, None)
        else:
            self._not_before[endpoint] = self._store.now() + _ASK_AGAIN

    def _declared(self, endpoint: str) -> t.Collection[str] | None:
        try:
            pages, errors = declared_pages(self._application, endpoint)
        except Exception:
            logger.exception(
                "paths= of the static page %r failed; its last list is kept", endpoint
            )
            return None
        for error in errors:
            logger.warning("%s", error)
        return {page.path for page in pages}

    def take(self, endpoint: str, pages: t.Collection[str], version: Version) -> bool:
        """Make *pages* the list of *endpoint*, unless it is empty and the last was not.

        :param version: what :meth:`.Store.next_version` gave before the application was
            asked.
        :raises StoreUnavailable: if it was not written.
        """
        listed = self._store.closed_list(self._name(endpoint))
        if not pages and listed is not None and listed.paths:
            logger.warning(
                "paths= of the static page %r is empty, and was not before; its last list"
                " is kept",
                endpoint,
            )
            return False
        return self._store.put_list(self._name(endpoint), pages, version)

    def _name(self, endpoint: str) -> str:
        # Applications that share a store may have endpoints, and views, of equal names.
        routes = self._application.routes
        return f"{routes.namespace} {routes.view_of(endpoint)}"
