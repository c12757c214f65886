"""The WSGI middleware: answers from memory without entering Flask."""

from __future__ import annotations

import functools
import itertools
import logging
import typing as t
from dataclasses import dataclass

from werkzeug.wsgi import ClosingIterator

from ..core.decision import CacheState
from ..core.decision import Decision
from ..core.decision import PageRequest
from ..core.decision import RunView
from ..core.decision import SendError
from ..core.decision import ServeEntry
from ..core.engine import Engine
from ..core.entry import Entry
from ..core.freshness import Freshness
from ..core.inputs import Inputs
from ..core.key import variants_key_of
from ..core.local_cache import CachedEntry
from ..core.local_cache import LocalCache
from ..core.local_cache import Variants
from ..core.outcome import SealedError
from ..core.store import Store
from ..errors import StoreUnavailable
from ..http import response
from ..http.cache_status import ERROR_STATUS
from ..http.conditions import is_conditional
from ..http.encodings import negotiate
from ..http.host import host_and_port
from ..http.host import host_of
from ..http.methods import is_unsafe
from ..http.query import declared_query
from ..pages.application import Application
from ..pages.closed_lists import ClosedLists
from ..pages.hosts import matches_hosts
from ..pages.levels import is_flask_alone
from .bypass import bypass_of
from .draft import DraftCookies
from .prepared_response import PreparedResponse
from .request_state import REQUEST_STATE
from .request_state import RequestState
from .request_state import inside

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

    _Follow: t.TypeAlias = t.Callable[
        [RequestState, WSGIEnvironment, str, list[tuple[str, str]]], None
    ]

logger = logging.getLogger("flask_isr")

# Seconds between two checks whether the store is still the same one.
_CHECK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class ServingParts:
    """The parts that answer the requests for one application.

    :ivar follow_unsafe: called with each answer to a request that may write something.
    """

    application: Application
    engine: Engine
    store: Store
    memory: LocalCache
    lists: ClosedLists
    drafts: DraftCookies
    follow_unsafe: _Follow


class Middleware:
    """WSGI middleware around the whole application.

    It matches no URLs: a request that memory does not answer costs it one look into a
    dictionary, and goes on into Flask.
    """

    def __init__(self, inner: WSGIApplication, parts: ServingParts) -> None:
        alone = is_flask_alone(parts.application.app, inner)
        self._inner = inner if alone else eager(inner)
        self.serve_from(parts)

    def serve_from(self, parts: ServingParts) -> None:
        """Answer with *parts* from now on, instead of those before."""
        self._application = parts.application
        self._engine = parts.engine
        self._memory = parts.memory
        self._lists = parts.lists
        self._drafts = parts.drafts
        self._follow_unsafe = parts.follow_unsafe
        self._change_counter = parts.store.change_counter
        self._now = parts.store.now
        self._prefix = parts.application.prefix
        self._variants = parts.memory.variants
        self._matches_hosts = matches_hosts(parts.application.app)
        self._host_of = host_of
        self._has_places = self._matches_hosts or bool(self._prefix)
        self._check_at = float("-inf")
        self._prepared = False

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Answer one request."""
        path = name = environ.get("PATH_INFO", "")
        if self._has_places:
            name = self._place(environ, path)
        variants = self._variants.get(name)
        if variants is not None:
            answer = self._answer_from_memory(variants, environ, start_response)
            if answer is not None:
                return answer
        if not self._prepared:
            self._prepare()
        state = environ[REQUEST_STATE] = RequestState()
        state.start_response = start_response
        state.entry_path = path
        # Most requests are a GET, and need no closer look.
        method = environ["REQUEST_METHOD"]
        if method != "GET" and is_unsafe(method):
            state.unsafe = state.has_work = True
            state.follow = functools.partial(self._follow_unsafe, state, environ)
        return self._pass(state, environ)

    def _prepare(self) -> None:
        routes, *_ = self._application.prepare()
        if routes.ported:
            # Pages have no port: a request that names one may be for another rule.
            self._host_of = host_and_port
        self._prepared = True

    def _place(self, environ: WSGIEnvironment, path: str) -> str:
        """The name of a page's variants, if that is not just the path."""
        host = self._host_of(environ) if self._matches_hosts else None
        return variants_key_of(self._prefix + path, host)

    # -- memory -----------------------------------------------------------------------

    def _answer_from_memory(
        self,
        variants: Variants,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> t.Iterable[bytes] | None:
        method = environ["REQUEST_METHOD"]
        if method != "GET" and method != "HEAD":
            return None
        if environ.get("SCRIPT_NAME", "") != self._prefix:
            return None
        try:
            now = self._now()
            if self._change_counter() != self._memory.synced or now >= self._check_at:
                self._memory.sync()
                self._check_at = now + _CHECK_EVERY
                self._engine.maintenance.report_usage(now)
            # Looked up after the sync, which removes what was invalidated.
            query: tuple[tuple[str, str], ...] | None = ()
            if variants.declared:
                query = declared_query(
                    environ.get("QUERY_STRING", ""), variants.declared
                )
            item = variants.items.get(query) if query is not None else None
            if item is None or (
                now >= item.ready_until and not self._ready(item, variants, now)
            ):
                return None
        except StoreUnavailable as error:
            self._engine.maintenance.report_unavailable(error)
            return None
        item.visited = item.used = True
        return self._send(item.ready, environ, start_response, now)

    def _send(
        self,
        ready: PreparedResponse,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        now: float,
    ) -> t.Iterable[bytes] | None:
        if ready.anonymous and self._may_be_somebody(environ):
            return None
        bypass = ready.bypass
        if bypass is not None:
            # Most pages depend on `Authorization` alone, which needs no call.
            for name in bypass.absent:
                if name in environ:
                    return None
            if bypass.more and bypass.reason(environ) is not None:
                return None
        if self._drafts.covers(environ):
            return None
        serve = ready.serve
        if serve.state == "STALE":
            serve = self._engine.serve_old(ready.page_request, serve.entry)
        if serve.state == "STALE" or is_conditional(environ):
            age = now - serve.entry.began
            status, headers, body = response.respond(serve, environ, age)
            start_response(status, headers)
            return body
        coding = None
        if ready.codings:
            coding = negotiate(environ.get("HTTP_ACCEPT_ENCODING"), ready.codings)
        headers, page = ready.forms[coding]
        # A copy for this answer: servers and middleware may change the list.
        start_response(ready.status, headers[:])
        return [page] if environ["REQUEST_METHOD"] == "GET" else []

    def _may_be_somebody(self, environ: WSGIEnvironment) -> bool:
        """Whether the request has a cookie by which the visitor may be signed in."""
        cookie = environ.get("HTTP_COOKIE")
        return cookie is not None and any(
            name in cookie for name in self._application.personal_cookies
        )

    def _ready(self, item: CachedEntry, variants: Variants, now: float) -> bool:
        """Prepare the answer of *item*; false if the middleware may not serve it."""
        entry = item.record
        if not isinstance(entry, Entry) or entry.level != "wsgi":
            return False
        match = self._application.routes.match_key(entry.key)
        if match is None or not self._lists.allows(match):
            return False
        if self._application.levels.required(match.endpoint).level == "view":
            return False
        age = now - entry.began
        freshness = self._engine.lookup.freshness_of(entry, item.validity)
        if freshness is Freshness.EXPIRED:
            return False
        state: CacheState = "STALE" if freshness is Freshness.STALE else "HIT"
        page_request = PageRequest(entry.key, entry.tags, variants.declared)
        item.ready = PreparedResponse(ServeEntry(entry, state), age, page_request)
        item.ready_until = _good_until(entry, age, now)
        if self._engine.builds.keeps_newer(entry, item.validity):
            # The protection of newer builds ends some time, whatever the page's lifetime.
            item.ready_until = min(item.ready_until, now + _CHECK_EVERY)
        return True

    @staticmethod
    def _is_unfit(entry: Entry, state: RequestState, environ: WSGIEnvironment) -> bool:
        """Whether the render of *entry* looked at something that the visitor brings."""
        somebody = entry.anonymous and state.has_session
        return somebody or _brings(entry.inputs, environ)

    # -- Flask ------------------------------------------------------------------------

    def _enter(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        decision: Decision,
    ) -> t.Iterable[bytes]:
        """Send a request through Flask once more, with what the Engine decided."""
        environ.pop("werkzeug.request", None)
        state = environ[REQUEST_STATE] = RequestState()
        state.start_response = start_response
        state.decision = decision
        return self._pass(state, environ)

    def _pass(self, state: RequestState, environ: WSGIEnvironment) -> t.Iterable[bytes]:
        outer = inside.get()
        inside.set(state)
        try:
            body = self._inner(environ, state)
        except BaseException:
            state.finish()
            raise
        finally:
            # `outer` is None, except in a request inside a request, as of a test client.
            inside.set(outer)
        # A list is complete; a file is sent by the server itself, as long as it is not
        # wrapped. For both, nothing of the application runs any more.
        complete = type(body) is list or type(body) is environ.get("wsgi.file_wrapper")
        if state.has_work:
            if state.page_request is not None or state.served is not None:
                return self._answer(state, body, environ)
            state.release(complete=complete)
        if complete:
            state.finish()
            return body
        # The body may be generated while it is sent, and invalidate pages meanwhile.
        state.body = body
        return state

    def _answer(
        self, state: RequestState, body: t.Iterable[bytes], environ: WSGIEnvironment
    ) -> t.Iterable[bytes]:
        start_response = state.start_response
        try:
            data = _drain(body) if state.page_request is None else _close(body)
        finally:
            state.finish()
        if state.page_request is not None:
            return self._ask_engine(state, state.page_request, environ)
        assert state.served is not None
        assert state.started is not None
        status, headers, chunks = response.finish(
            state.served, environ, *state.started, data
        )
        start_response(status, headers)
        return chunks

    def _ask_engine(
        self, state: RequestState, page_request: PageRequest, environ: WSGIEnvironment
    ) -> t.Iterable[bytes]:
        start_response = state.start_response
        answer = state.decided or self._engine.visit(page_request, own_stack=True)
        match answer:
            case ServeEntry(entry) if self._is_unfit(entry, state, environ):
                # The visitor must not get what an anonymous visitor gets.
                return self._enter(environ, start_response, answer)
            case ServeEntry(entry) if entry.level == "wsgi":
                age = self._now() - entry.began
                status, headers, chunks = response.respond(answer, environ, age)
                start_response(status, headers)
                return chunks
            case SendError(error) if not _brings(error.inputs, environ):
                return _send_error(error, environ, start_response)
            case ServeEntry() | RunView() | SendError():
                # The view must see the request after all: it enters Flask a second time.
                return self._enter(environ, start_response, answer)


def eager(inner: WSGIApplication) -> WSGIApplication:
    """*inner*, with ``start_response`` called before it returns, as Flask alone does.

    A middleware that is a generator runs nothing before its first chunk is asked for.
    """

    def started(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        body = inner(environ, start_response)
        if isinstance(body, list | tuple):
            return body
        close = getattr(body, "close", None)
        chunks = iter(body)
        try:
            first = list(itertools.islice(chunks, 1))
        except BaseException:
            if close is not None:
                close()
            raise
        return ClosingIterator(itertools.chain(first, chunks), close)

    return started


def _brings(inputs: Inputs, environ: WSGIEnvironment) -> bool:
    bypass = bypass_of(inputs)
    return bypass is not None and bypass.reason(environ) is not None


def _good_until(entry: Entry, age: float, now: float) -> float:
    """The time of the store until which an answer prepared at *now* may be sent."""
    limits = [
        limit
        for limit in (entry.lifetime.revalidate, entry.lifetime.expire)
        if limit is not None
    ]
    if not limits:
        return float("inf")
    # The `ttl` of Cache-Status counts whole seconds.
    tick = now + 1.0 - age % 1.0
    return min([tick, *(entry.began + limit for limit in limits if limit > age)])


def _drain(body: t.Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        _close(body)


def _close(body: t.Iterable[bytes]) -> bytes:
    close = getattr(body, "close", None)
    if close is not None:
        close()
    return b""


def _send_error(
    error: SealedError, environ: WSGIEnvironment, start_response: StartResponse
) -> t.Iterable[bytes]:
    headers = [
        *error.headers,
        ("Content-Length", str(len(error.body))),
        ("Cache-Control", "no-store"),
        ("X-ISR-Cache", "MISS"),
        ("Cache-Status", ERROR_STATUS),
    ]
    start_response(response.status_line(error.status), headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [error.body]
