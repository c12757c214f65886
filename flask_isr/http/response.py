"""From an entry and a request to status, headers and body."""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from ..core.decision import ServeEntry
from ..core.entry import EncodedBody
from ..core.entry import Entry
from ..core.inputs import OF_BODIES
from ..core.inputs import field_name
from .cache_status import cache_status
from .conditions import evaluate
from .conditions import is_conditional
from .encodings import negotiate
from .headers import HeaderList
from .headers import directives
from .headers import forbids_sharing
from .headers import gives_lifetime
from .headers import joined
from .headers import with_names

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment


#: Browsers ask each time, and are told "unchanged" (304) by the ETag: what was purged is
#: gone at the next load. Shared caches get nothing that a purge could not take back.
CACHE_CONTROL = "max-age=0, must-revalidate"

#: The same for the answer of a view to one visitor.
PRIVATE = f"private, {CACHE_CONTROL}"


# Without any of these, caches choose a lifetime of their own (RFC 9111, section 4.2.2).
_LIFETIMES = {"max-age", "no-cache", "no-store", "s-maxage"}

# Headers that a 304 leaves out: they describe a body that is not sent (RFC 9110, 15.4.5).
_OF_THE_BODY = {
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "last-modified",
}


def status_line(status: int) -> str:
    """``"200 OK"``, as WSGI wants it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def keep_private(start_response: StartResponse) -> StartResponse:
    """A ``start_response`` that keeps an answer private to its visitor.

    Lifetimes that the view or a hook gives are meant for the page, which is for everybody.
    They are dropped, unless they forbid sharing themselves.
    """

    def start(
        status: str, headers: HeaderList, *exc_info: t.Any
    ) -> t.Callable[[bytes], object]:
        return start_response(status, _kept_private(headers), *exc_info)

    return start


def _kept_private(headers: HeaderList) -> HeaderList:
    control = joined(headers, "cache-control")
    others = [pair for pair in headers if not gives_lifetime(pair[0])]
    # `private="X-Token"` is about one field alone.
    kept = forbids_sharing(control) and "private=" not in control.lower()
    if not kept:
        control = _instead_of(control, PRIVATE)
    return [*others, ("Cache-Control", control)]


def page_headers(serve: ServeEntry, age: float) -> HeaderList:
    """The headers of *serve* in its plain form, for a page that is *age* seconds old."""
    entry = serve.entry
    stale = serve.state == "STALE"
    headers: HeaderList = [
        (name, value)
        for name, value in entry.headers
        if name.lower() not in ("vary", "cache-control")
        and not (stale and gives_lifetime(name))
    ]
    headers.append(("ETag", entry.etag))
    headers.append(("Cache-Control", _cache_control(serve)))
    vary = _vary(entry)
    if vary:
        headers.append(("Vary", vary))
    headers.append(("X-ISR-Cache", serve.state))
    headers.append(("Cache-Status", cache_status(serve, age)))
    return headers


def _cache_control(serve: ServeEntry) -> str:
    own = joined(serve.entry.headers, "cache-control")
    if not own:
        return CACHE_CONTROL
    # A lifetime that the view gave begins anew with each answer, since the store vouches
    # for a fresh page at that moment. It does not vouch for a stale one: no cache keeps it.
    if serve.state == "STALE":
        return _instead_of(own, CACHE_CONTROL)
    return own if directives(own) & _LIFETIMES else f"{own}, {CACHE_CONTROL}"


def _instead_of(own: str, control: str) -> str:
    """*control* in place of a view's *own*, of which ``no-transform`` alone is kept."""
    return f"no-transform, {control}" if "no-transform" in directives(own) else control


def _vary(entry: Entry) -> str:
    own = joined(entry.headers, "vary")
    inputs = entry.inputs
    needed = ["Cookie"] if entry.anonymous or inputs.cookies else []
    needed += [field_name(name) for name in inputs.headers if name not in OF_BODIES]
    if inputs.accept:
        needed.append("Accept")
    if entry.coded:
        needed.append("Accept-Encoding")
    return with_names(own, needed)


def select(entry: Entry, environ: WSGIEnvironment) -> EncodedBody | None:
    """The coded form of *entry* that the request gets; ``None`` is its plain body."""
    if not entry.coded:
        return None
    codings = tuple(form.coding for form in entry.coded)
    chosen = negotiate(environ.get("HTTP_ACCEPT_ENCODING"), codings)
    return next((form for form in entry.coded if form.coding == chosen), None)


def coded_etag(etag: str, form: EncodedBody | None) -> str:
    """The ETag of a page in one form. A strong ETag is for one form alone (RFC 9110,
    8.8.1); a weak one may be shared."""
    if form is None or etag.startswith("W/") or not etag.endswith('"'):
        return etag
    return f'{etag[:-1]}-{form.coding}"'


def coded_headers(headers: HeaderList, form: EncodedBody | None) -> HeaderList:
    """The *headers* of a page's plain form, turned into those of a coded form."""
    if form is None:
        return headers
    coded = [
        (name, coded_etag(value, form) if name.lower() == "etag" else value)
        for name, value in headers
        if name.lower() != "content-length"
    ]
    coded.append(("Content-Encoding", form.coding))
    return coded


def _without_body(headers: HeaderList) -> HeaderList:
    return [
        (name, value) for name, value in headers if name.lower() not in _OF_THE_BODY
    ]


def respond(
    serve: ServeEntry, environ: WSGIEnvironment, age: float
) -> tuple[str, HeaderList, list[bytes]]:
    """Status line, headers and body of *serve* for one request."""
    entry = serve.entry
    form = select(entry, environ)
    headers = coded_headers(page_headers(serve, age), form)
    return _conditional(entry, form, environ, status_line(entry.status), headers)


def _conditional(
    entry: Entry,
    form: EncodedBody | None,
    environ: WSGIEnvironment,
    status: str,
    headers: HeaderList,
) -> tuple[str, HeaderList, list[bytes]]:
    if status.startswith("200") and is_conditional(environ):
        instead = evaluate(environ, coded_etag(entry.etag, form), entry.headers)
        if instead is not None:
            bare = _without_body(headers)
            if instead == 412:
                # A 412 is for this request alone: a cache would give it to all others.
                bare = [pair for pair in bare if not gives_lifetime(pair[0])]
                bare += [("Cache-Control", "no-store"), ("Content-Length", "0")]
            return status_line(instead), bare, []
    body = entry.body if form is None else form.body
    headers = [pair for pair in headers if pair[0].lower() != "content-length"]
    headers.append(("Content-Length", str(len(body))))
    head = environ["REQUEST_METHOD"] == "HEAD"
    return status, headers, [] if head else [body]


def finish(
    serve: ServeEntry,
    environ: WSGIEnvironment,
    status: str,
    headers: HeaderList,
    body: bytes,
) -> tuple[str, HeaderList, list[bytes]]:
    """Status line, headers and body of *serve* after hooks worked on it.

    If the hooks left the body as it was, the answer is the page: in the coding that the
    visitor asks for, or 304. If they set a cookie, or looked at one, shared caches may not
    keep the answer. A body that they changed has the lifetime that the view or the hooks
    give, and is private without one.
    """
    entry = serve.entry
    names = {name.lower() for name, _ in headers}
    head = environ["REQUEST_METHOD"] == "HEAD"
    same = _has_length(headers, len(entry.body)) if head else body == entry.body
    bare = status.startswith(("304", "412"))
    looked = "cookie" in joined(headers, "vary").lower()
    # A page for anonymous visitors varies on cookies itself; no signed-in visitor gets it.
    if "set-cookie" in names or (looked and not (entry.anonymous and (same or bare))):
        headers = _kept_private(headers)
    if bare:
        # A hook evaluated the condition itself.
        return status, headers, []
    if not same:
        # An ETag that a hook set, such as for its compressed body, is kept.
        others = [
            (name, value)
            for name, value in headers
            if (name.lower(), value) != ("etag", entry.etag)
        ]
        return status, _private(others), [] if head else [body]
    form = None if "content-encoding" in names else select(entry, environ)
    if entry.coded:
        headers = _varying(headers)
    untouched = ("etag", entry.etag) in {(n.lower(), value) for n, value in headers}
    headers = coded_headers(headers, form)
    if untouched and "set-cookie" not in names:
        return _conditional(entry, form, environ, status, headers)
    if form is not None:
        body = form.body
        headers.append(("Content-Length", str(len(body))))
    return status, headers, [] if head else [body]


def _has_length(headers: HeaderList, length: int) -> bool:
    return ("content-length", str(length)) in {
        (name.lower(), value) for name, value in headers
    }


def _varying(headers: HeaderList) -> HeaderList:
    """*headers*, with ``Vary: Accept-Encoding`` even if a hook took it away."""
    vary = with_names(joined(headers, "vary"), ["Accept-Encoding"])
    others = [(name, value) for name, value in headers if name.lower() != "vary"]
    return [*others, ("Vary", vary)]


def _private(headers: HeaderList) -> HeaderList:
    return [
        (name, PRIVATE)
        if name.lower() == "cache-control" and value == CACHE_CONTROL
        else (name, value)
        for name, value in headers
    ]
