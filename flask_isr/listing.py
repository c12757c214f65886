"""The paths that a static page declares: what is built ahead, and closed lists."""

from __future__ import annotations

import contextvars
import logging
import threading
import typing as t
from collections.abc import Iterable
from collections.abc import Mapping

from flask import url_for

from .application import Application
from .core.runner import Runner
from .errors import ISRError
from .errors import StoreUnavailable
from .page import StaticPage
from .stores.base import Listed
from .stores.base import Store

if t.TYPE_CHECKING:
    from .core.entry import Mark
    from .routes import Match

logger = logging.getLogger("flask_isr")

# Seconds after which a path that the list lacks has the list asked again, and for which
# visitors do not ask when there was no answer.
_ASK_AGAIN = 60.0


# The list that is being asked for in this context: the application may request its own
# pages to make it, and they must not wait for it.
_asked: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "flask_isr.asked", default=None
)


class PathError(ISRError, ValueError):
    """One item of ``paths`` is no page of its view.

    :param endpoint: whose item it is.
    :param item: the item.
    """

    def __init__(self, endpoint: str, item: t.Any, reason: str) -> None:
        #: Whose item it is.
        self.endpoint = endpoint
        #: The item.
        self.item = item
        super().__init__(f"paths of the static page {endpoint!r}: {item!r}: {reason}")


def declared_paths(
    application: Application, endpoint: str
) -> tuple[dict[str, Match], list[PathError]]:
    """Ask the application which pages of *endpoint* exist.

    Must not be called on the stack of a live request: the callable may work with a
    database session that the request has open.

    :return: canonical path to page, and the items that are none.
    :raises Exception: what the callable raises.
    """
    page = application.routes.pages[endpoint]
    pages: dict[str, Match] = {}
    errors: list[PathError] = []

    def ask() -> None:
        _asked.set(endpoint)
        with application.app.test_request_context(
            base_url=f"{application.site.origin}/"
        ):
            for item in _items(page, endpoint, errors):
                try:
                    match = _resolve(application, endpoint, item)
                except PathError as error:
                    errors.append(error)
                else:
                    pages.setdefault(match.path, match)

    contextvars.Context().run(ask)
    return pages, errors


def _items(
    page: StaticPage, endpoint: str, errors: list[PathError]
) -> t.Iterator[t.Any]:
    paths: t.Any = page.paths() if callable(page.paths) else page.paths
    if isinstance(paths, str | bytes | Mapping) or not isinstance(paths, Iterable):
        reason = "paths must give an iterable of URL values or paths"
        errors.append(PathError(endpoint, paths, reason))
        return
    yield from paths


def _resolve(application: Application, endpoint: str, item: t.Any) -> Match:
    if isinstance(item, Mapping):
        item_path = _build(application, endpoint, item)
    elif isinstance(item, str):
        item_path = item
    else:
        raise PathError(endpoint, item, "neither URL values nor a path")
    try:
        match, query = application.routes.match_url(item_path)
    except LookupError as error:
        raise PathError(endpoint, item, str(error)) from None
    if match.endpoint != endpoint:
        raise PathError(endpoint, item, f"that path belongs to {match.endpoint!r}")
    if query:
        raise PathError(endpoint, item, "a query string cannot be built ahead")
    return match


def _build(application: Application, endpoint: str, values: Mapping[str, t.Any]) -> str:
    known = set().union(
        *(rule.arguments for rule in application.routes.rules_of(endpoint))
    )
    unknown = set(values) - known
    if unknown:
        names = ", ".join(sorted(map(str, unknown)))
        raise PathError(endpoint, values, f"the rule has no {names}")
    try:
        return url_for(endpoint, **values)
    except Exception as error:
        # BuildError for a missing value, ValueError and others out of converters.
        raise PathError(endpoint, values, f"no URL can be built ({error})") from None


class _Question:
    """The application is being asked for one list.

    :ivar taken: whether a list came of it; known when it is done.
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.taken = False


class ClosedLists:
    """The lists that ``fallback=False`` is closed over, one for all processes.

    A list that fails, or is empty after it was not, is not taken: the last one stands. Of
    each list one question runs at a time in this process.

    :param warn: told when the store is not there.
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
        self._known: dict[str, tuple[int, Mark, Listed]] = {}
        self._not_before: dict[str, float] = {}
        self.forget_questions()

    def forget_questions(self) -> None:
        """After a fork: what other threads of the parent process ask is not asked here."""
        self._lock = threading.Lock()
        self._running: dict[str, _Question] = {}
        self._next: dict[str, _Question] = {}

    def has(self, match: Match) -> bool:
        """Whether the list has the page, as far as that is known without asking."""
        if match.page.fallback is not False:
            return True
        try:
            listed = self._listed(match.endpoint)
        except StoreUnavailable as error:
            self._warn(error)
            return False
        return listed is not None and match.path in listed.paths

    def allows(self, match: Match) -> bool | None:
        """Whether a visitor may have the page; ``None`` where there is no list to be had.

        The first visitor waits for the list. A path that it lacks has it asked again in
        the background, when it is old.
        """
        if match.page.fallback is not False:
            return True
        endpoint = match.endpoint
        try:
            listed = self._listed(endpoint)
            if listed is None and _asked.get() != endpoint and self._may_ask(endpoint):
                self._ask(endpoint, joins=True)
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
        if self._runner.submit(lambda: self._question(endpoint, _Question())):
            self._not_before[endpoint] = self._store.now() + _ASK_AGAIN

    def _may_ask(self, endpoint: str) -> bool:
        """Whether enough time has passed since a question without an answer."""
        until = self._not_before.get(endpoint)
        now = self._store.now()
        return until is None or not until - _ASK_AGAIN <= now < until

    def _listed(self, endpoint: str) -> Listed | None:
        store = self._store
        order = store.announced()
        known = self._known.get(endpoint)
        if known is not None and known[0] == order:
            return known[2]
        version = store.list_version(endpoint)
        if version is None:
            return None
        if known is not None and known[1] == version:
            listed: Listed | None = known[2]
        else:
            listed = store.closed_list(endpoint)
        if listed is not None:
            self._known[endpoint] = (order, version, listed)
        return listed

    def ask(self, endpoint: str) -> bool:
        """Have the application asked for the list, beginning after this call, on another
        stack, and wait for the answer; whether a list came of it in time."""
        # Called by the very code that is being asked: it would wait for itself.
        return _asked.get() != endpoint and self._ask(endpoint, joins=False)

    def _ask(self, endpoint: str, *, joins: bool) -> bool:
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
            with self._lock:
                self._running.pop(endpoint, None)
                waiting = self._next.pop(endpoint, None)
            for refused in (question, waiting):
                if refused is not None:
                    refused.done.set()
        question.done.wait(self._application.settings.wait_timeout)
        return question.done.is_set() and question.taken

    def _lead(self, endpoint: str, question: _Question) -> None:
        more: _Question | None = question
        while more is not None:
            try:
                self._question(endpoint, more)
            finally:
                with self._lock:
                    question, more = more, self._next.pop(endpoint, None)
                    if more is None:
                        self._running.pop(endpoint, None)
                    else:
                        self._running[endpoint] = more
                question.done.set()

    def _question(self, endpoint: str, question: _Question) -> None:
        try:
            # Before the question: an answer that is older than another's must not win.
            mark = self._store.tick()
            pages = self._answer(endpoint)
            if pages is not None:
                question.taken = self.take(endpoint, pages, mark)
        except StoreUnavailable as error:
            self._warn(error)
        if question.taken:
            self._not_before.pop(endpoint, None)
        else:
            self._not_before[endpoint] = self._store.now() + _ASK_AGAIN

    def _answer(self, endpoint: str) -> t.Collection[str] | None:
        try:
            pages, errors = declared_paths(self._application, endpoint)
        except Exception:
            logger.exception(
                "the paths of %r could not be asked; the last list stands", endpoint
            )
            return None
        for error in errors:
            logger.warning("%s", error)
        return pages.keys()

    def take(self, endpoint: str, pages: t.Collection[str], mark: Mark) -> bool:
        """Make *pages* the list of *endpoint*, unless it is empty and the last was not.

        :param mark: what :meth:`.Store.tick` gave before the application was asked.
        :raises StoreUnavailable: where it was not written.
        """
        listed = self._store.closed_list(endpoint)
        if not pages and listed is not None and listed.paths:
            logger.warning(
                "the paths of %r are empty now; the last list stands", endpoint
            )
            return False
        self._store.put_list(endpoint, pages, mark)
        return True
