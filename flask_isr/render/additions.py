"""What is added to a page while it is rendered: tags, lifetimes, the pages inside of it."""

from __future__ import annotations

import datetime
import inspect
import typing as t

from ..core.freshness import Lifetime
from ..core.outcome import cause_of
from ..errors import ConfigurationError
from ..pages.decorator import StaticPage
from ..pages.decorator import check_count
from ..pages.decorator import checked_tags
from ..validation import seconds
from .capture import active_capture

if t.TYPE_CHECKING:
    from .capture import Capture


def cache_tag(*tags: str) -> None:
    """Add tags to the page that is being rendered, such as those of the rows it shows.

    It does nothing if the view answers a visitor directly, and no page is to be stored.
    It never raises, since tags come from data: with an invalid tag, or more than 128
    tags, the page is not stored, the view answers each visitor, and a warning names the
    line.

    :param tags: non-empty strings of at most 256 characters, any Unicode.
    """
    capture = active_capture()
    if capture is None:
        return
    try:
        _add(capture, checked_tags(tags, "tags given to cache_tag()"))
    except Exception as error:
        _refuse(capture, "tags", error)


def cache_life(
    *,
    revalidate: float | datetime.timedelta | None = None,
    expire: float | datetime.timedelta | None = None,
    until: datetime.datetime | None = None,
) -> None:
    """Lower the lifetime of the page that is being rendered; the lowest of all wins.

    It never raises, since times come from data: with a time that is not above zero, not
    a number, or a moment without its time zone, the page is not stored, the view answers
    each visitor, and a warning names the line.

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
            # A moment before the render began is past, and the page shows that already.
            if left > 0:
                lifetime = lifetime.lowered(Lifetime(left))
        capture.lifetimes.append(lifetime)
    except Exception as error:
        _refuse(capture, "lifetime", error)


def join(
    capture: Capture,
    page: StaticPage,
    names: t.Collection[str],
    args: tuple[t.Any, ...],
    kwargs: dict[str, t.Any],
) -> None:
    """Add the tags and the lifetime of *page*, whose view is called in a render, to the
    page that is being rendered.

    :param names: names of the URL values of *page*; its view may have other arguments.
    """
    capture.lifetimes.append(page.lifetime)
    if page.tags == ():
        return
    try:
        given = inspect.signature(page.view).bind_partial(*args, **kwargs)
        given.apply_defaults()
        values = {**given.arguments, **kwargs}
        values = {name: values[name] for name in names if name in values}
        _add(capture, page.tags_for(values))
    except Exception as error:
        problem = ConfigurationError(
            f"the tags of the static page {page.name!r}, which is called here, could not"
            f" be made: {cause_of(error)}."
        )
        _refuse(capture, "tags", problem)


def _add(capture: Capture, tags: frozenset[str]) -> None:
    check_count(capture.tags | tags, "page")
    capture.tags |= tags


def _refuse(capture: Capture, what: str, error: Exception) -> None:
    """Keep a page from the store because of what its view just said.

    :param what: the subject of that, in a word for ``Cache-Status``.
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
