"""What may be stored of a rendered answer, or why nothing may."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from dataclasses import dataclass

from ..core.entry import Level
from ..core.freshness import Lifetime
from ..core.inputs import MOST
from ..core.inputs import Inputs
from ..core.outcome import Failed
from ..core.outcome import NotStorable
from ..core.outcome import Outcome
from ..core.outcome import PerVisitor
from ..core.outcome import Rendered
from ..core.outcome import SealedError
from ..core.outcome import cause_of
from ..http.compression import Compress
from ..http.compression import compressed
from ..http.headers import gives_lifetime
from ..http.host import host_name
from ..pages.origin import RenderOrigin
from .capture import DELIBERATE
from .capture import Capture
from .capture import ViewAnswer
from .inputs.advice import not_stored
from .inputs.advice import without_origin
from .leaks import CSRF_TOKEN
from .leaks import LeakScan
from .leaks import mentions
from .page_headers import HeaderList
from .page_headers import comparable
from .page_headers import is_truncated
from .page_headers import make_etag
from .page_headers import media_type
from .page_headers import personal_reason
from .page_headers import storable_headers
from .session_writes import SessionWrite

# Statuses of a source that fails or is not ready: there is no page in the answer, and the
# last good page stays.
_ILL = {204, 205, 206, 304, 408, 424, 425, 429}

# Statuses that depend on who asks, whether a hook or the view answers with them.
_DEPENDS = {401, 402, 403, 407}

# Characters that the headers of a page may have: proxies and servers refuse more.
_HEADERS = 32 * 1024

# Seconds for which a deliberate 404, 410 or 451 is good, unless the page says less.
_GONE_LIFETIME = 60.0


@dataclass(frozen=True, slots=True)
class Final:
    """The answer as it left the application, after all hooks.

    :param whole: whether the body was read to its end, within the size limit.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What the page and the settings ask for.

    :param level: the level that is required; ``None``: WSGI, or view if hooks make the
        final answer personal.
    :param render_origin: where the page is rendered.
    :param compressors: coding to what compresses a body, best first.
    """

    level: Level | None
    lifetime: Lifetime
    render_origin: RenderOrigin
    compressors: t.Mapping[str, Compress]


def classify(capture: Capture, final: Final, rules: Rules) -> Outcome:
    """What came of a render."""
    view = capture.view
    status = final.status
    if not final.whole:
        return NotStorable("it is larger than ISR_PAGE_BYTES")
    # The worst status counts, whatever error handlers and hooks made of it since.
    chosen = [view.status] if view is not None else []
    if capture.aborted is not None:
        chosen.insert(0, capture.aborted)
    ill = _first(_is_ill, [*chosen, status])
    # An error page with status 200 is still an error page, and so is the answer to an
    # exception that nobody handles.
    disguised = capture.error is not None and (status == 200 or view is None)
    if ill or disguised:
        return _failed(
            _cause(capture, ill or status), capture, final, rules.render_origin
        )
    if view is None:
        return _without_view(status, rules)
    refusal = _first(_is_no_page, [*chosen, status])
    if refusal is None and status == view.status:
        return _whole_page(capture, final, rules)
    # It probably depends on the time: a page that was open must not be served when closed.
    return PerVisitor(
        _depends(refusal or status) or f"it answers with status {refusal or status}"
    )


def _without_view(status: int, rules: Rules) -> Outcome:
    """What came of a render that a hook ended before the view."""
    if 300 <= status < 400 and rules.render_origin.reserved:
        # It probably redirects away from the address that stands in for the site's own.
        return NotStorable(f"a hook redirects it (status {status}): set ISR_ORIGIN")
    reason = _depends(status)
    if reason is not None:
        return PerVisitor(reason)
    if status == 200:
        return NotStorable("a hook or an error handler answered, and not the view")
    return NotStorable(f"it is answered before the view, with status {status}")


def _depends(status: int) -> str | None:
    """Why an answer with *status*, by a hook or a view, differs between visitors."""
    if 300 <= status < 400:
        return f"it redirects (status {status})"
    if status in _DEPENDS:
        return f"it answers with status {status}, which depends on who asks"
    return None


def _first(test: t.Callable[[int], bool], statuses: list[int]) -> int | None:
    return next(filter(test, statuses), None)


def _is_ill(status: int) -> bool:
    return status >= 500 or status in _ILL


def _is_no_page(status: int) -> bool:
    return status != 200 and status not in DELIBERATE


def _whole_page(capture: Capture, final: Final, rules: Rules) -> Outcome:
    if is_truncated(final.headers, final.body):
        cause = "the body is shorter than its Content-Length"
        return _failed(cause, capture, final, rules.render_origin)
    if final.status == 200 and not final.body:
        return _failed("an empty body", capture, final, rules.render_origin)
    if capture.refused is not None:
        return PerVisitor(capture.refused[0])
    level = _level(capture, final, rules)
    if isinstance(level, PerVisitor):
        return level
    return _page(capture, final, rules, level)


def _page(capture: Capture, final: Final, rules: Rules, level: Level) -> Outcome:
    view = capture.view
    assert view is not None
    if level == "wsgi" and not _is_untouched(view, final):
        headers, body = final.headers, final.body
        looked = _session_touched(capture)
    elif view.complete:
        headers, body = view.headers, view.body
        looked = False
    else:
        return NotStorable(
            "its body is larger than ISR_PAGE_BYTES before hooks change it, or is a"
            " stream that they do not read to the end"
        )
    # Without its port: the page may show the colon before that escaped.
    shown = mentions(host_name(rules.render_origin.origin.host), headers, body)
    if shown and rules.render_origin.reserved:
        return NotStorable("it shows its own address, which is unknown: set ISR_ORIGIN")
    lifetime = functools.reduce(Lifetime.lowered, capture.lifetimes, rules.lifetime)
    if final.status in DELIBERATE:
        lifetime = lifetime.lowered(Lifetime(_GONE_LIFETIME, _GONE_LIFETIME))
    kept, etag = storable_headers(headers)
    if len(etag or "") + sum(len(name) + len(value) for name, value in kept) > _HEADERS:
        return NotStorable(f"its headers are longer than {_HEADERS // 1024} KiB")
    return Rendered(
        status=final.status,
        headers=kept,
        body=body,
        etag=etag or make_etag(kept, body),
        level=level,
        lifetime=lifetime,
        tags=capture.key.implicit_tags | capture.tags,
        anonymous=view.session_read or looked,
        inputs=_inputs(capture, headers, rules.render_origin, shown=shown),
        coded=compressed(kept, body, rules.compressors),
    )


def _inputs(
    capture: Capture, headers: HeaderList, render_origin: RenderOrigin, *, shown: bool
) -> Inputs:
    inputs = capture.reads.inputs(
        media_type=media_type(headers), origin=render_origin.address
    )
    if shown and not render_origin.declared:
        # Visitors may come by another address, which the view would show them.
        inputs = dataclasses.replace(inputs, origin=render_origin.address)
    return inputs


def _is_untouched(view: ViewAnswer, final: Final) -> bool:
    """Whether hooks left the view's answer as it was.

    ``Vary: Cookie`` does not count: Flask adds it whenever code reads the session.
    """
    if not view.complete or view.body != final.body or view.status != final.status:
        return False
    return comparable(view.headers) == comparable(final.headers)


def _level(capture: Capture, final: Final, rules: Rules) -> Level | PerVisitor:
    """The level at which the page may be stored, or the reason against storing it."""
    view = capture.view
    assert view is not None
    unrepeatable = LeakScan.of(capture, final.headers)
    attended = _attended(capture)
    own = _own_reason(capture, view, unrepeatable, attended)
    if own is None:
        own = _obstacle(capture, rules.render_origin)
    if own is not None or rules.level == "view":
        return own or "view"
    if _session_touched(capture):
        # A look at the session alone makes Flask say `Vary: Cookie`.
        attended = {*attended, "cookie"}
    whole = personal_reason(final.headers, attended=attended)
    # The view's own body has been looked at.
    added = b"" if final.body == view.body else final.body
    whole = whole or unrepeatable.reason_in(final.headers, added)
    if whole is None:
        return "wsgi"
    # If hooks made it personal, they run for each visitor, over the view's stored answer.
    return "view" if rules.level is None else PerVisitor(whole)


def _attended(capture: Capture) -> set[str]:
    """The fields that the page was seen to depend on."""
    inputs = capture.reads.inputs(media_type="any", origin="")
    names = {*inputs.headers}
    if inputs.accept:
        names.add("accept")
    if inputs.cookies:
        names.add("cookie")
    return names


def _own_reason(
    capture: Capture,
    view: ViewAnswer,
    unrepeatable: LeakScan,
    attended: t.Collection[str],
) -> PerVisitor | None:
    """Why the view's own answer is not for everybody, if it is not."""
    reason = personal_reason(view.headers, attended=attended)
    reason = reason or unrepeatable.reason_in(view.headers, view.body)
    if reason is not None:
        token = capture.token if reason == CSRF_TOKEN else None
        return PerVisitor(reason, _where([token] if token else []))
    if view.written:
        keys = [repr(write.key) for write in view.written if write.key is not None]
        what = f"{', '.join(sorted(keys))} to the session" if keys else "to the session"
        return PerVisitor(f"it writes {what}", _where(view.written))
    if view.session_filled:
        return PerVisitor(
            "a hook before the view writes to the session of every new visitor"
        )
    return None


def _where(writes: t.Sequence[SessionWrite]) -> str:
    return next((str(write.caller) for write in writes if write.caller), "")


def _obstacle(capture: Capture, render_origin: RenderOrigin) -> PerVisitor | None:
    """What the view reads that keeps its page from being stored, if anything does."""
    reads = capture.reads
    if not capture.watched:
        return PerVisitor("its request cannot be watched")
    if reads.obstacle is not None:
        return not_stored(reads.obstacle)
    if reads.origin is not None and render_origin.reserved:
        return without_origin(reads.origin)
    if reads.too_many:
        return PerVisitor(f"it depends on more than {MOST} inputs of its request")
    return None


def _cause(capture: Capture, status: int) -> str:
    if capture.error is None:
        return f"status {status}"
    return f"{cause_of(capture.error)} (status {status})"


def _session_touched(capture: Capture) -> bool:
    return capture.session is not None and capture.session.accessed


def _failed(
    cause: str, capture: Capture, final: Final, render_origin: RenderOrigin
) -> Failed:
    kept, _ = storable_headers(final.headers)
    shared = tuple(
        (name, value)
        for name, value in kept
        if name.lower() != "set-cookie" and not gives_lifetime(name)
    )
    error = None
    own = LeakScan.of(capture, final.headers).reason_in(shared, final.body)
    own = own or personal_reason(shared, attended=_attended(capture))
    reads = capture.reads
    obstacle = _obstacle(capture, render_origin)
    # The inputs do not tell of the session, and need no `Vary` if a cookie is among them.
    same = own is None and obstacle is None and not _session_touched(capture)
    if final.status >= 400 and same:
        inputs = reads.inputs(
            media_type=media_type(shared), origin=render_origin.address
        )
        error = SealedError(final.status, shared, final.body, inputs)
    return Failed(cause, error)
