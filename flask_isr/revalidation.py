"""Invalidation by the application: ``revalidate_path``, ``revalidate_tag``, ``cache_tag``,
``cache_life``."""

from __future__ import annotations

import datetime
import typing as t

from .config import seconds
from .core.freshness import Lifetime
from .core.outcome import cause_of
from .errors import ConfigurationError
from .invalidation import MatchKind
from .invalidation import Mode
from .page import check_count
from .page import checked_tags
from .state import current_state
from .visit import active_capture
from .visit import rendering

if t.TYPE_CHECKING:
    from .capture import Capture
    from .revalidator import Revalidator


def _revalidator() -> Revalidator:
    if rendering():
        raise RuntimeError(
            "revalidate_path() and revalidate_tag() were called while a static page is"
            " being rendered. A page must not invalidate pages: call them where the data"
            " change."
        )
    return current_state().revalidator


def revalidate_path(
    path: str, *, match: MatchKind = "path", mode: Mode = "expire"
) -> None:
    """Make stored pages give way to new ones, because their data changed.

    Once it returns, no request that arrives later, in any process on the store, gets the
    older content as fresh; a render that is under way does not bring it back. Inside a
    request it takes effect at once, and again when Flask has finished with the request, so
    that a commit further down is seen. Outside a request it acts at once, in the
    application context.

    :param path: what ``url_for`` returns and the address bar shows, percent-encoded or
        not, with the mount prefix. A query string names one variant, none names all.
    :param match: ``"path"`` one page; ``"rule"`` every page of a URL rule as written in
        the route (``"/blog/<slug>"``); ``"prefix"`` every page at and below the path, by
        whole segments.
    :param mode: ``"expire"``: the next visitor waits for the new page, and gets the last
        good one only if its render fails. ``"stale"``: the next visitor gets the old page
        once more, and a new one is rendered behind him. ``"refresh"``: expire, and wait
        here for the new page.
    :raises ValueError: for a malformed path, an unknown match or mode, and ``"refresh"``
        with a rule or prefix.
    :raises NotAStaticPage: where no static page serves the path.
    :raises StoreUnavailable: where it was not recorded; the old pages stay.
    :raises RevalidationError: in mode ``"refresh"``, where the new page did not come. The
        page stays expired, and its last good copy is served until a render succeeds.
    :raises RuntimeError: inside a static page's render.
    """
    revalidator = _revalidator()
    revalidator.act([revalidator.path(path, match, mode)])


def revalidate_tag(*tags: str, mode: Mode = "expire") -> None:
    """Make every stored page that carries one of *tags* give way to a new one.

    It costs the same for one page or a million. See :func:`revalidate_path`.

    :param tags: strings as in ``@static_page(tags=…)`` and :func:`cache_tag`.
    :param mode: ``"expire"`` or ``"stale"``.
    :raises ValueError: where there is no tag, one is malformed, or *mode* is another.
    :raises StoreUnavailable: where it was not recorded; the old pages stay.
    :raises RuntimeError: inside a static page's render.
    """
    revalidator = _revalidator()
    if not tags:
        raise ConfigurationError("revalidate_tag() was called without a tag.")
    revalidator.act([revalidator.tag(tag, mode) for tag in tags])


def cache_tag(*tags: str) -> None:
    """Add tags to the page that is being rendered, such as those of the rows it shows.

    Where the view answers a visitor directly, without a page to be stored, it does
    nothing. Never raises, since tags come from data: with one that is none, or with more
    than 128, the page is not stored, the view answers each visitor, and a warning names
    the line.

    :param tags: non-empty strings of at most 256 characters, any Unicode.
    """
    capture = active_capture()
    if capture is None:
        return
    try:
        names = checked_tags(tags, "tags given to cache_tag()")
        check_count(capture.tags | names, "page")
        capture.tags |= names
    except Exception as error:
        _refuse(capture, "tags", error)


def cache_life(
    *,
    revalidate: float | datetime.timedelta | None = None,
    expire: float | datetime.timedelta | None = None,
    until: datetime.datetime | None = None,
) -> None:
    """Lower the lifetime of the page that is being rendered; the lowest of all wins.

    Never raises, since times come from data: with one that is not above zero, no number,
    or a moment without its time zone, the page is not stored, the view answers each
    visitor, and a warning names the line.

    :param revalidate: seconds or timedelta after which the page is stale.
    :param expire: seconds or timedelta after which it must be rendered before it is
        served.
    :param until: the moment at which the page becomes stale, with its time zone: for
        scheduled publishing.
    """
    capture = active_capture()
    if capture is None:
        return
    try:
        lifetime = Lifetime(
            None if revalidate is None else seconds("revalidate", revalidate),
            None if expire is None else seconds("expire", expire),
        )
        if until is not None:
            _check_until(until)
            left = (until - capture.started).total_seconds()
            # Before the render began it had happened already, and the page shows it.
            if left > 0:
                lifetime = lifetime.lowered(Lifetime(left))
        capture.lifetimes.append(lifetime)
    except Exception as error:
        _refuse(capture, "lifetime", error)


def _refuse(capture: Capture, what: str, error: Exception) -> None:
    """Keep a page from the store, for what its view just said.

    :param what: it was about, in a word for ``Cache-Status``.
    """
    place = capture.reads.places.caller()
    text = str(error) if isinstance(error, ConfigurationError) else cause_of(error)
    capture.refused = capture.refused or (what, f"{place}: {text}" if place else text)


def _check_until(until: object) -> None:
    if not isinstance(until, datetime.datetime) or until.utcoffset() is None:
        raise ConfigurationError(
            f"until is {until!r:.80}; it must be a datetime with a time zone, such as"
            " datetime(2030, 1, 1, tzinfo=timezone.utc)."
        )
