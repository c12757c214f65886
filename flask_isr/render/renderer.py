"""The sealed render: the whole application, run for an anonymous visitor who brings
nothing."""

from __future__ import annotations

import contextvars
import io
import sys
import typing as t
from datetime import UTC
from datetime import datetime
from urllib.parse import unquote_to_bytes
from urllib.parse import urlencode

from werkzeug.test import run_wsgi_app

from ..config import Origin
from ..core.entry import Level
from ..core.key import PageKey
from ..core.outcome import NotStorable
from ..core.outcome import Outcome
from ..core.outcome import PerVisitor
from ..core.outcome import Rendered
from ..errors import ConfigurationError
from ..http.host import host_name
from ..observe.reporter import Reporter
from ..pages.application import Application
from ..pages.invalidation import Invalidation
from ..pages.routes import Match
from ..pages.sessions import nobodys
from .capture import Capture
from .classify import Final
from .classify import Rules
from .classify import classify
from .context import CAPTURE
from .context import current_render
from .inputs.advice import warnings
from .inputs.reads import Reads
from .inputs.watch import WatchedEnviron

# An address that is reserved for documentation (RFC 5737) and belongs to nobody.
_NOBODY = "192.0.2.1"

# What browsers send, so that a page or its 404 comes as HTML if the view has a choice.
_ACCEPT = "text/html,*/*;q=0.8"

_PORTS = {"http": "80", "https": "443"}


class Renderer:
    """Renders pages of one application; see :meth:`__call__`.

    :param clock: seconds since 1970, by the wall clock.
    :ivar invalidate: carries out the invalidations that renders ask for; must not raise.
    """

    invalidate: t.Callable[[list[Invalidation]], None]

    def __init__(
        self,
        application: Application,
        reporter: Reporter,
        clock: t.Callable[[], float],
    ) -> None:
        self._application = application
        self._reporter = reporter
        self._clock = clock

    def __call__(self, key: PageKey, level: Level | None = None) -> Outcome:
        """Render *key* on the calling thread, sealed off from whatever runs there.

        :param level: the level to render for; ``None``: the one that the page needs.

        Nothing of any visitor reaches the render: the request is synthetic, and the
        context variables are empty. What the application raises, this raises.
        """
        match = self._application.routes.match_key(key)
        if match is None:
            return NotStorable("the application has no such static page any more")
        render_origin = self._application.render_origin.at(key.host)
        environ = make_environ(render_origin.origin, key)
        try:
            tags = match.page.tags_for(match.values)
        except ConfigurationError as error:
            self._reporter.tags_failed(key, error)
            return PerVisitor("tags")
        app, settings = self._application.app, self._application.settings
        declared = match.page.declared()
        ignored = match.page.ignore.union(settings.ignore)
        sessions = self._application.session_cookies
        reads = Reads(app, match.page, declared, ignored, sessions)
        started = datetime.fromtimestamp(self._clock(), UTC)
        capture = Capture(
            key,
            match.page,
            environ,
            settings.page_bytes,
            set(tags),
            reads,
            nobodys(app),
            started,
        )
        environ[CAPTURE] = capture
        rules = Rules(
            level=level or self._application.levels.required(match.endpoint).level,
            lifetime=match.page.lifetime,
            render_origin=render_origin,
            compressors=self._application.compressors,
        )
        outcome: Outcome | None = None
        try:
            final = contextvars.Context().run(self._run, capture)
            outcome = classify(capture, final, rules)
        finally:
            try:
                self._report(capture, match, declared, outcome)
            finally:
                self._invalidate(capture)
        return outcome

    def _invalidate(self, capture: Capture) -> None:
        """Carry out the invalidations of a render, now that it has ended and what it wrote
        is there. The page must not invalidate itself, or it would be rendered for ever."""
        asked, capture.invalidations = capture.invalidations or [], None
        own = capture.key.implicit_tags | capture.tags
        others = [item for item, _ in asked if item.tag not in own]
        if others:
            self.invalidate(others)
        for item, place in asked:
            if item.tag in own:
                where = str(place or "by a library")
                self._reporter.invalidates_itself(capture.key, item.label, where)

    def _report(
        self,
        capture: Capture,
        match: Match,
        declared: t.Sequence[str],
        outcome: Outcome | None,
    ) -> None:
        """Report what was refused, and what the page reads without declaring it;
        *outcome* is ``None`` if the render raised."""
        if capture.refused is not None:
            self._reporter.refused(capture.key, *capture.refused)
        reads = capture.reads.undeclared(
            stored=isinstance(outcome, Rendered),
            hooks_run_once=(
                isinstance(outcome, Rendered)
                and outcome.level == "wsgi"
                # An author who sets ISR_SERVE or serve to "wsgi" wants just that.
                and self._application.levels.required(match.endpoint).level is None
            ),
        )
        rule = capture.key.rule
        new = [
            read
            for read in reads
            if self._reporter.first(rule, f"reads {read.kind} {read.name}")
        ]
        stored = isinstance(outcome, Rendered)
        for text in warnings(new, declared, stored=stored):
            self._reporter.undeclared(capture.key, text)

    def _run(self, capture: Capture) -> Final:
        current_render.set(capture)
        chunks, status, headers = run_wsgi_app(self._application.inner, capture.environ)
        try:
            body, whole = _read(chunks, capture.limit)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return Final(int(status[:3]), list(headers.items()), body, whole)


def make_environ(origin: Origin, key: PageKey) -> dict[str, t.Any]:
    """Make the WSGI environ of a GET for *key* that no visitor sent."""
    name = host_name(origin.host)
    port = origin.host[len(name) + 1 :]
    path = unquote_to_bytes(key.path[len(origin.prefix) :]).decode("latin-1")
    return WatchedEnviron(
        {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": origin.prefix,
            "PATH_INFO": path,
            "QUERY_STRING": urlencode(key.query),
            "SERVER_NAME": name,
            "SERVER_PORT": port or _PORTS[origin.scheme],
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": origin.host,
            "HTTP_ACCEPT": _ACCEPT,
            "REMOTE_ADDR": _NOBODY,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": origin.scheme,
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
    )


def _read(chunks: t.Iterable[bytes], limit: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            return b"", False
        parts.append(chunk)
    return b"".join(parts), True
