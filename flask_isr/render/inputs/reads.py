"""What a sealed render reads of its request, and what follows from that."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from flask import Flask
from flask import has_request_context

from ...compat import peek_session
from ...core.inputs import MOST
from ...core.inputs import OF_BODIES
from ...core.inputs import Inputs
from ...http.query import ANY
from ...http.query import is_tracker
from ...pages.decorator import StaticPage
from .callsite import Caller
from .callsite import CallSite
from .callsite import CallSites

#: ``"host"`` and ``"scheme"`` are those of the request, ``"address"`` is its visitor's.
#: ``"variable"`` is one of the WSGI environ that only some servers or middleware set.
Kind: t.TypeAlias = t.Literal[
    "query", "cookie", "header", "variable", "address", "host", "scheme"
]

#: How far a render is: before its view was called, while it runs, or after its answer.
Stage: t.TypeAlias = t.Literal["before", "view", "after"]

#: What a read means for its page. ``"input"``: visitors who bring it are answered by the
#: view. ``"obstacle"``: every visitor brings it, so that the page is not stored.
#: ``"hint"``: the page's author is told, and nothing else happens.
Effect: t.TypeAlias = t.Literal["input", "obstacle", "hint"]

# At most so many different reads are kept of one render.
_KEPT = 32

# Headers that decide how an answer is sent, not what it shows: the cache attends to them.
_NEUTRAL = {
    "accept-charset",
    "accept-encoding",
    "baggage",
    "cache-control",
    "connection",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "pragma",
    "priority",
    "range",
    "te",
    "traceparent",
    "tracestate",
    "upgrade",
    "upgrade-insecure-requests",
    "x-amzn-trace-id",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-request-id",
}

# Headers that every browser or proxy sends.
_COMMON = {
    "accept-language",
    "client-ip",
    "dnt",
    "forwarded",
    "from",
    "referer",
    "save-data",
    "true-client-ip",
    "user-agent",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
}
_COMMON_PREFIXES = (
    "cdn-",
    "cf-",
    "cloudfront-",
    "fastly-",
    "fly-",
    "sec-",
    "x-amz",
    "x-appengine-",
    "x-azure-",
    "x-forwarded-",
    "x-vercel-",
)

# Libraries that look at requests to watch or to guard them. What they read decides whether
# a request is let in, counted or traced; what a page shows of it is caught elsewhere.
_OBSERVERS = {
    "ddtrace",
    "elasticapm",
    "flask_debugtoolbar",
    "flask_limiter",
    "flask_paranoid",
    "flask_seasurf",
    "flask_talisman",
    "newrelic",
    "opentelemetry",
    "prometheus_flask_exporter",
    "sentry_sdk",
}


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that was read.

    :param name: the name of the parameter, the cookie, the variable, or the header (in
        lower case); ``None``: all of them; ``""`` if there is but one.
    :param late: whether a hook read it after the view had answered.
    """

    kind: Kind
    name: str | None
    effect: Effect
    caller: Caller
    late: bool

    @property
    def place(self) -> CallSite | None:
        """The line of the application that led to it, if one did."""
        return self.caller.place


class Reads:
    """Collects what one render of *page* reads, each thing once.

    :param declared: names of the query parameters that the page declares.
    :param ignored: names of what the page does not depend on, though it is read.
    :param sessions: names of the cookies by which sessions are found.
    :ivar places: finds lines of the application.
    """

    def __init__(
        self,
        app: Flask,
        page: StaticPage,
        declared: tuple[str, ...],
        ignored: t.Collection[str],
        sessions: t.Collection[str] = (),
    ) -> None:
        self._sessions = sessions
        self._declared = declared
        self._ignored = ignored
        self.places = CallSites(app, page.view)
        self._found: dict[tuple[Kind, str | None, bool], Read] = {}

    def note(self, kind: Kind, name: t.Any, stage: Stage) -> None:
        """Note that something was read just now."""
        late = stage == "after"
        known = self._found.get((kind, name, late))
        # A read by the application tells more than one by a library, and a read by the
        # view decides more than one by a hook.
        final = known is not None and (late or known.effect != "hint")
        if known is not None and final and known.caller.direct:
            return
        if self._is_expected(kind, name):
            return
        caller = self.places.caller()
        effect = None if caller is None else _effect(kind, name, caller, stage)
        if (
            caller is None
            or effect is None
            or self._is_session(kind, name, caller, stage)
        ):
            return
        if known is None and self._are_enough(kind, effect):
            return
        if known is None or _rank(effect) >= _rank(known.effect):
            self._found[kind, name, late] = Read(kind, name, effect, caller, late)

    def _is_expected(self, kind: Kind, name: t.Any) -> bool:
        if ANY in self._ignored:
            return True
        if kind == "query" and self._declared:
            # A page that declares some and looks at all means those.
            if name is None or ANY not in self._declared:
                return name is None or name in self._declared
            return not is_tracker(name)
        return isinstance(name, str) and is_ignored(kind, name, self._ignored)

    def _is_session(
        self, kind: Kind, name: str | None, caller: Caller, stage: Stage
    ) -> bool:
        """Whether a cookie is read to find a session: visitors are asked for that anyway.

        Code that reads it for another reason knows visitors by it in its own way.
        """
        if kind != "cookie" or name not in self._sessions:
            return False
        opening = has_request_context() and peek_session() is None
        return opening or stage == "after" or caller.library == "flask_login"

    def _are_enough(self, kind: Kind, effect: Effect) -> bool:
        """Whether another read changes nothing: there are too many already to be told, or
        to be remembered one by one."""
        reads = self._found.values()
        same = sum(read.kind == kind and read.effect == effect for read in reads)
        return same > (_KEPT if effect == "hint" else MOST)

    @property
    def obstacle(self) -> Read | None:
        """A read that keeps the page from being stored, since every visitor brings it."""
        found = [read for read in self._found.values() if read.effect == "obstacle"]
        return found[0] if found else None

    @property
    def too_many(self) -> bool:
        """Whether more inputs were read than an entry remembers."""
        return len(self.inputs(media_type="any", origin="any")) > MOST

    @property
    def origin(self) -> Read | None:
        """A read of the request's host or scheme, if it counts."""
        found = [
            read
            for read in self._found.values()
            if read.kind in ("host", "scheme") and read.effect == "input"
        ]
        return found[0] if found else None

    def inputs(self, *, media_type: str, origin: str) -> Inputs:
        """The inputs that the page depends on.

        :param media_type: the media type of the answer.
        :param origin: scheme and host at which it was rendered.
        """
        read = [
            (read.kind, read.name)
            for read in self._found.values()
            if read.effect == "input"
        ]
        headers, cookies, query, variables = (
            sorted(name for of, name in read if of == kind and name is not None)
            for kind in ("header", "cookie", "query", "variable")
        )
        whole = ("query", None) in read or len(query) > MOST
        return Inputs(
            headers=tuple(name for name in headers if name != "accept"),
            cookies=tuple(cookies),
            query=() if len(query) > MOST else tuple(query),
            variables=tuple(variables),
            whole_query=whole,
            declared=self._declared if whole else (),
            accept=media_type if "accept" in headers else "",
            origin=origin if self.origin is not None else "",
        )

    def undeclared(self, *, stored: bool, hooks_run_once: bool) -> list[Read]:
        """What the author of the page should know.

        :param stored: whether the page is stored. If not, each visitor's own request is
            answered, and only a query parameter is of interest: the render did not have
            it, which may be why the page is not stored.
        :param hooks_run_once: whether hooks after the view do not run for each visitor,
            though neither ``ISR_SERVE`` nor ``serve`` asks for that.
        """
        return [
            read
            for read in self._found.values()
            if read.place is not None
            # If a library reads a query parameter (a pagination, a form), its caller
            # asked for it.
            and (read.caller.direct or read.kind == "query")
            and read.kind not in ("host", "scheme")
            # An author who declares some has thought of it.
            and not (read.kind == "query" and read.name is None and self._declared)
            # Code that looks for a form or JSON asks for these.
            and read.name not in OF_BODIES
            and (hooks_run_once if read.late else stored or read.kind == "query")
        ]


def is_ignored(kind: Kind, name: str, ignored: t.Collection[str]) -> bool:
    """Whether *name* is among the names that ``ignore`` and ``ISR_IGNORE`` list.

    Names of headers are compared without case. ``Host`` stands for the host and the
    scheme, ``Remote-Addr`` for the visitor's address.
    """
    if not ignored:
        return False
    if kind in ("query", "cookie"):
        return name in ignored
    wanted = {"host": "host", "scheme": "host", "address": "remote-addr"}.get(
        kind, name
    )
    return _folded(wanted) in map(_folded, ignored)


def _folded(name: str) -> str:
    return name.lower().replace("_", "-")


def _rank(effect: Effect) -> int:
    return ("hint", "input", "obstacle").index(effect)


def _effect(
    kind: Kind, name: str | None, caller: Caller, stage: Stage
) -> Effect | None:
    if caller.library in _OBSERVERS:
        return None
    if stage == "after":
        told = kind in ("query", "cookie", "address") or (
            kind == "header" and name not in _NEUTRAL
        )
        return "hint" if caller.direct and told else None
    shown = caller.direct and stage == "view"
    if kind == "query" and name is None:
        # A library may look at all of them of its own accord, and not for the view.
        asked = stage == "view" and caller.place is not None
        return "input" if caller.direct or asked else None
    if name is None:
        return "obstacle" if shown else "hint" if caller.direct else None
    if kind == "variable":
        # Variables with a dot in their names are between servers and libraries.
        return "input" if caller.direct or "." not in name else None
    if kind == "scheme":
        return "input" if caller.direct else None
    if kind == "address" or _is_common(kind, name):
        if shown or (caller.direct and name == "accept-language"):
            return "obstacle"
        return "hint" if caller.direct else None
    return None if kind == "header" and name in _NEUTRAL else "input"


def _is_common(kind: Kind, name: str) -> bool:
    return kind == "header" and (name in _COMMON or name.startswith(_COMMON_PREFIXES))
