"""The work of a decorated view when Flask calls it."""

from __future__ import annotations

import dataclasses
import logging
import typing as t

from flask import Response
from flask import abort
from flask import after_this_request
from flask import current_app
from flask import request

from ..core.decision import Decision
from ..core.decision import PageRequest
from ..core.decision import RunView
from ..core.decision import SendError
from ..core.decision import ServeEntry
from ..core.engine import Engine
from ..core.entry import Entry
from ..core.entry import PerVisitorRecord
from ..core.inputs import Inputs
from ..errors import StoreUnavailable
from ..http import response
from ..http.cache_status import ERROR_STATUS
from ..http.cache_status import bypass_status
from ..http.headers import forbid_storing
from ..observe.reporter import Reporter
from ..pages.application import Application
from ..pages.closed_lists import ClosedLists
from ..pages.decorator import StaticPage
from ..pages.routes import Match
from ..pages.routes import key_of
from ..pages.routes import page_request_of
from ..pages.sessions import has_session
from ..render.additions import join
from ..render.capture import Capture
from ..render.capture import active_capture
from ..render.context import CAPTURE
from ..render.context import current_render
from .bypass import PERSONAL
from .bypass import bypass_of
from .draft import DraftCookies
from .pass_through import PassThrough
from .request_state import REQUEST_STATE
from .request_state import RequestState

logger = logging.getLogger("flask_isr")

# Headers of a sealed render's error that all visitors get who share it.
_SHARED = {"content-language", "content-type", "retry-after"}

Arguments: t.TypeAlias = tuple[tuple[t.Any, ...], dict[str, t.Any]]


class ViewHandler:
    """Answers requests for the static pages of one application, inside Flask."""

    def __init__(
        self,
        application: Application,
        engine: Engine,
        lists: ClosedLists,
        reporter: Reporter,
        pass_through: PassThrough,
        drafts: DraftCookies,
    ) -> None:
        self.drafts = drafts
        self.pass_through = pass_through
        self.application = application
        self.engine = engine
        self.lists = lists
        self.reporter = reporter

    def serve(
        self, page: StaticPage, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> Response:
        """Answer the current request for *page*: from the store, by the middleware, or by
        the view."""
        arguments = args, kwargs
        capture = active_capture()
        own = request.environ.get(CAPTURE) is capture
        if capture is not None and own:
            return self._render(capture, page, arguments)
        state: RequestState | None = request.environ.get(REQUEST_STATE)
        if state is None or request.method not in ("GET", "HEAD"):
            return _run_view(page, arguments, "method" if state else "no-front")
        state.reads_page = True
        if capture is None and self.drafts.covers(request.environ):
            state.start_response = forbid_storing(state.start_response)
            return _run_view(page, arguments, "draft")
        found = self._find(page, state)
        if isinstance(found, str):
            if capture is None and self._is_unlisted(page):
                _refuse()
            return _run_view(page, arguments, found)
        match, page_request = found
        if not self.application.enabled:
            return self._render_unstored(page, match, page_request, state, arguments)
        call = _Call(self, state, match, page_request, arguments)
        if capture is not None:
            return call.answer_inside_render()
        if state.decision is not None:
            return call.enact(state.decision)
        return call.answer()

    def _render(
        self, capture: Capture, page: StaticPage, arguments: Arguments
    ) -> Response:
        """Answer a sealed render's own request."""
        if capture.expects(page):
            return capture.run(*arguments)
        # A hook, an error handler or the view shows another page, in place of its own or
        # as a part of it.
        join(capture, page, self.application.routes.values_of(page), *arguments)
        return _call(page, arguments)

    def _render_unstored(
        self,
        page: StaticPage,
        match: Match,
        page_request: PageRequest,
        state: RequestState,
        arguments: Arguments,
    ) -> Response:
        """Answer while the extension is off: by a sealed render, as in production, for
        each request."""
        if current_render.get() is not None:
            return _run_view(page, arguments, "nested")
        serve = self.pass_through.render(match, page_request)
        if isinstance(serve, RunView):
            # Also if the render failed: the error occurs again in the visitor's own
            # request, and so in the debugger.
            return _run_view(page, arguments, serve.reason)
        if serve is None:
            _refuse()
        reason = self.unfit(serve.entry)
        if reason is not None:
            return _run_view(page, arguments, reason)
        state.answered_with(serve)
        return _respond(serve, 0.0)

    def unfit(self, entry: Entry) -> str | None:
        """Why *entry* is not for the visitor of the current request, if it is not: its
        render looked at something that they bring, and an anonymous visitor does not."""
        if entry.anonymous and has_session(self.application.app, request):
            return "session"
        return self.brought(entry.inputs)

    def brought(self, inputs: Inputs) -> str | None:
        """Which of *inputs* the current request brings, as ``Cache-Status`` details it."""
        bypass = bypass_of(inputs)
        reason = None if bypass is None else bypass.reason(request.environ)
        if reason == "origin":
            self.reporter.other_origin(request.host_url, inputs.origin)
        return reason

    def _is_unlisted(self, page: StaticPage) -> bool:
        """Whether a closed list lacks what the current request asks for.

        Nothing can be stored for this request, and yet no spelling gets around the list.
        """
        if page.fallback is not False:
            return False
        routes = self.application.routes
        match = routes.match_request(request.environ)
        if match is None:
            # A list has only paths whose pages can be stored.
            return routes.pages.get(request.endpoint or "") is page
        if match.page is not page:
            return False
        if not self.application.enabled:
            return self.pass_through.lacks(match)
        return self.lists.allows(match) is False

    def _find(
        self, page: StaticPage, state: RequestState
    ) -> tuple[Match, PageRequest] | str:
        """Which page the current request is for, or why it is for none that is stored."""
        if state.unsafe:
            # Middleware inside of ours made a read of the request; or the request's view
            # shows this page, and has an answer of its own.
            return "method"
        path = request.environ.get("PATH_INFO", "")
        if state.entry_path not in (None, path):
            # Middleware inside of ours changed the path: no render would see what else it
            # took from that, such as a language. Or a view makes this page part of its own
            # answer.
            self.reporter.rewritten(page.name)
            return "rewritten"
        mounted_at, prefix = (
            request.environ.get("SCRIPT_NAME", ""),
            self.application.prefix,
        )
        if mounted_at != prefix:
            self.reporter.elsewhere(mounted_at, prefix)
            return "prefix"
        match = self.application.routes.match_request(request.environ)
        if match is None or match.page is not page:
            if page not in self.application.routes.pages.values():
                view = page.view
                name = getattr(view, "__qualname__", page.name)
                self.reporter.unrouted(f"{view.__module__}.{name}")
            return "path"
        try:
            key = key_of(match, request.environ.get("QUERY_STRING", ""))
        except Exception as error:
            # The application's callable raised, or returned something else than names.
            self.reporter.query_failed(match.rule.rule, error)
            return "query"
        if key is None:
            return "query"
        try:
            return match, page_request_of(match, key)
        except Exception as error:
            # A tag filled from a visitor's URL may be too long; a callable may raise.
            self.reporter.tags_failed(key, error)
            return "tags"


def _run_view(page: StaticPage, arguments: Arguments, reason: str) -> Response:
    @after_this_request
    def mark_answer(result: Response) -> Response:
        # In a hook, so that the answer to an exception of the view is marked, too.
        result.headers["X-ISR-Cache"] = "BYPASS"
        result.headers.add("Cache-Status", bypass_status(reason))
        if result.status_code >= 500:
            result.headers.setdefault("Cache-Control", "no-store")
        elif _may_be_kept(reason, result):
            result.headers.setdefault("Cache-Control", response.PRIVATE)
        return result

    state: RequestState | None = request.environ.get(REQUEST_STATE)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    personal = reason in PERSONAL or (reason != "method" and has_session(app, request))
    if state is not None and personal:
        state.start_response = response.keep_private(state.start_response)
    return _call(page, arguments)


def _call(page: StaticPage, arguments: Arguments) -> Response:
    args, kwargs = arguments
    return current_app.make_response(
        current_app.ensure_sync(page.view)(*args, **kwargs)
    )


def _may_be_kept(reason: str, result: Response) -> bool:
    """Whether caches might choose a lifetime for an answer, and must be told not to."""
    # A render that asks for another page decides itself what to do with the answer.
    inside_render = current_render.get() is not None
    return reason != "method" and not inside_render and "Expires" not in result.headers


def _is_page(result: Response) -> bool:
    """Whether an answer would have been a page, if an anonymous visitor had got it."""
    return (
        result.status_code == 200 and not result.is_streamed and bool(result.get_data())
    )


class _Call:
    """One request for one static page, inside Flask."""

    def __init__(
        self,
        view_handler: ViewHandler,
        state: RequestState,
        match: Match,
        page_request: PageRequest,
        arguments: Arguments,
    ) -> None:
        self._view_handler = view_handler
        self._engine = view_handler.engine
        self._state = state
        self._match = match
        self._page_request = page_request
        self._arguments = arguments

    @property
    def _has_session(self) -> bool:
        return has_session(self._view_handler.application.app, request)

    def answer(self) -> Response:
        """Let the middleware answer once Flask has finished, or answer here."""
        allowed = self._view_handler.lists.allows(self._match)
        if allowed is None:
            return self._run("no-list")
        if not allowed:
            _refuse()
        try:
            known = self._engine.lookup.peek(self._page_request)
        except StoreUnavailable as error:
            # Run here, and not by way of the middleware, so that hooks run only once.
            self._engine.maintenance.report_unavailable(error)
            return self._run("store-unavailable")
        if isinstance(known, PerVisitorRecord):
            return self._run(self._engine.recall(self._page_request, known).reason)
        unfit = None if known is None else self._view_handler.unfit(known)
        if unfit is not None:
            return self._run(unfit)
        required = self._view_handler.application.levels.required(
            self._match.endpoint
        ).level
        page_request = dataclasses.replace(self._page_request, level=required)
        # If both levels will do, the stored page tells which one it was made for. The
        # next render may come to another level all the same.
        likely = required or (known.level if known is not None else None)
        # A hook may have read the body: Flask cannot read it a second time.
        if likely != "view" and not _has_body():
            return self._leave_to_middleware(page_request)
        return self.enact(self._engine.visit(page_request, own_stack=False))

    def answer_inside_render(self) -> Response:
        """Answer a request that a sealed render makes: it must not wait for a flight,
        which might wait for this very render."""
        entry = self._engine.glance(self._page_request)
        if entry is None or self._view_handler.unfit(entry) is not None:
            return self._run("nested")
        return self._respond(ServeEntry(entry, "HIT"))

    def enact(self, answer: Decision) -> Response:
        """Do what the Engine decided."""
        match answer:
            case ServeEntry(entry) if unfit := self._view_handler.unfit(entry):
                return self._run(unfit)
            case ServeEntry(entry) if entry.level == "view":
                self._state.answered_with(answer)
                return self._respond(answer)
            case ServeEntry():
                # The new page no longer needs the hooks: they ran in its render.
                return self._leave_to_middleware(self._page_request, answer)
            case RunView(reason, strangers_fail):
                result = self._run(reason)
                if strangers_fail and _is_page(result):
                    self._engine.fails_for_strangers(self._page_request)
                return result
            case SendError(error) if brought := self._view_handler.brought(
                error.inputs
            ):
                return self._run(brought)
            case SendError(error):
                result = current_app.response_class(error.body, status=error.status)
                for name, value in error.headers:
                    # Other headers may come from hooks, which run again.
                    if name.lower() in _SHARED:
                        result.headers[name] = value
                result.headers["Cache-Control"] = "no-store"
                result.headers["X-ISR-Cache"] = "MISS"
                result.headers.add("Cache-Status", ERROR_STATUS)
                return result

    def _leave_to_middleware(
        self, page_request: PageRequest, answer: Decision | None = None
    ) -> Response:
        self._state.answer_with(
            page_request, has_session=self._has_session, decided=answer
        )
        return current_app.response_class()

    def _respond(self, serve: ServeEntry) -> Response:
        return _respond(serve, self._engine.store.now() - serve.entry.began)

    def _run(self, reason: str) -> Response:
        return _run_view(self._match.page, self._arguments, reason)


def _has_body() -> bool:
    """Whether the current request has a body, which can be read only once."""
    return bool(request.content_length) or "HTTP_TRANSFER_ENCODING" in request.environ


def _respond(serve: ServeEntry, age: float) -> Response:
    result = current_app.response_class(serve.entry.body, status=serve.entry.status)
    result.headers.clear()
    result.headers.extend(response.page_headers(serve, age))
    return result


def _refuse() -> t.NoReturn:
    @after_this_request
    def mark_answer(result: Response) -> Response:
        result.headers["Cache-Control"] = "no-store"
        result.headers["X-ISR-Cache"] = "BYPASS"
        result.headers.add("Cache-Status", bypass_status("not-listed"))
        return result

    abort(404)
