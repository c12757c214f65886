"""Pages while the extension is off: rendered as in production, and never stored."""

from __future__ import annotations

import logging
import threading
import typing as t

from ..background.runner import Runner
from ..core.decision import PageRequest
from ..core.decision import RunView
from ..core.decision import ServeEntry
from ..core.entry import Entry
from ..core.outcome import Failed
from ..core.outcome import NotStorable
from ..core.outcome import PerVisitor
from ..core.outcome import Rendered
from ..observe.reporter import Reporter
from ..pages.application import Application
from ..pages.paths import declared_pages
from ..pages.routes import Match
from ..render.renderer import Renderer

logger = logging.getLogger("flask_isr")

T = t.TypeVar("T")


class PassThrough:
    """Renders pages for one visitor, on a stack where no request is live."""

    def __init__(
        self,
        application: Application,
        renderer: Renderer,
        runner: Runner,
        reporter: Reporter,
    ) -> None:
        self._application = application
        self._renderer = renderer
        self._runner = runner
        self._reporter = reporter

    def render(
        self, match: Match, page_request: PageRequest
    ) -> ServeEntry | RunView | None:
        """The page for an anonymous visitor; ``None`` if its closed list lacks it."""
        answers = self._on_a_thread(lambda: self._render(match, page_request))
        return answers[0] if answers else RunView("no-thread")

    def lacks(self, match: Match) -> bool:
        """Whether the closed list of the page could be asked, and lacks *match*."""

        def ask() -> bool:
            try:
                return not self._is_listed(match)
            except Exception:
                logger.exception("paths= of the static page %r failed", match.endpoint)
                return False

        return self._on_a_thread(ask) == [True]

    def _on_a_thread(self, ask: t.Callable[[], T]) -> list[T]:
        """What *ask* returns on a thread without the visitor's request, as a list; empty
        if no thread is left."""
        answers: list[T] = []
        done = threading.Event()

        def job() -> None:
            try:
                answers.append(ask())
            finally:
                done.set()

        if self._runner.spawn(job):
            done.wait()
        return answers

    def _is_listed(self, route: Match) -> bool:
        pages, errors = declared_pages(self._application, route.endpoint)
        for error in errors:
            logger.warning("%s", error)
        return route.path in {page.path for page in pages}

    def _render(
        self, route: Match, page_request: PageRequest
    ) -> ServeEntry | RunView | None:
        try:
            if route.page.fallback is False and not self._is_listed(route):
                return None
            outcome = self._renderer(page_request.key, "view")
        except Exception:
            # The view raises it again, in the visitor's own request.
            return RunView("error")
        match outcome:
            case PerVisitor(reason):
                self._reporter.not_static(page_request.key, outcome)
                return RunView(reason)
            case NotStorable(reason):
                self._reporter.declined(page_request.key, reason)
                return RunView(reason)
            case Failed():
                return RunView("error")
            case Rendered():
                return ServeEntry(
                    _entry(page_request, outcome), "MISS", detail="off", stored=False
                )


def _entry(page_request: PageRequest, page: Rendered) -> Entry:
    return Entry(
        key=page_request.key,
        status=page.status,
        headers=page.headers,
        body=page.body,
        etag=page.etag,
        level="view",
        version=0,
        began=0.0,
        lifetime=page.lifetime,
        tags=page.tags,
        anonymous=page.anonymous,
        inputs=page.inputs,
    )
