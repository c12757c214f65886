"""Invalidation by the application: ``revalidate_path``, ``revalidate_tag``."""

from __future__ import annotations

import typing as t

from .errors import ConfigurationError
from .modes import MatchKind
from .modes import Mode
from .pages.invalidation import Invalidation
from .render.capture import active_capture
from .runtime import current_runtime

if t.TYPE_CHECKING:
    from .revalidation.service import Revalidator


def _act(revalidator: Revalidator, invalidations: list[Invalidation]) -> None:
    capture = active_capture()
    if capture is not None and capture.invalidations is not None:
        place = capture.reads.places.caller()
        capture.invalidations.extend((item, place) for item in invalidations)
    # A thread that a render started may get here after the render has ended.
    if capture is None or capture.invalidations is None:
        revalidator.act(invalidations)


def revalidate_path(
    path: str, *, match: MatchKind = "path", mode: Mode = "expire"
) -> None:
    """Make stored pages give way to new ones, because their data changed.

    Once it returns, no request that arrives later, in any process on the store, gets the
    older content as fresh; a render that is under way does not bring it back. Inside a
    request it takes effect at once, and again when Flask has finished with the request, so
    that a commit later in the request is seen. Outside a request it acts at once, in the
    application context. Inside a static page's render, such as from a hook on a commit, it
    takes effect when the render has ended, without waiting for other pages; an
    invalidation of that very page is ignored, with a warning that names the line.

    :param path: what ``url_for`` returns and the address bar shows, percent-encoded or
        not, with the mount prefix: inside a request that of the request, else that of
        ``ISR_ORIGIN`` or ``APPLICATION_ROOT``. With a query string it names one variant,
        without one all.
    :param match: ``"path"`` one page; ``"rule"`` every page of a URL rule as written in
        the route (``"/blog/<slug>"``); ``"prefix"`` every page at and below the path, by
        whole segments.
    :param mode: ``"expire"``: the next visitor waits for the new page, and gets the last
        good one only if its render fails. ``"stale"``: the next visitor gets the old page
        once more, and a new one is rendered behind them. ``"refresh"``: expire, and wait
        here for the new page.
    :raises ValueError: for a malformed path, an unknown match or mode, and ``"refresh"``
        with a rule or prefix.
    :raises NotAStaticPage: if no static page serves the path.
    :raises StoreUnavailable: if the invalidation was not recorded; the old pages stay.
    :raises RevalidationError: in mode ``"refresh"``, if the new page did not come. The
        page stays expired, and its last good copy is served until a render succeeds.
    """
    revalidator = current_runtime().revalidator
    _act(revalidator, [revalidator.path(path, match, mode)])


def revalidate_tag(*tags: str, mode: Mode = "expire") -> None:
    """Make every stored page that carries one of *tags* give way to a new one.

    It costs the same for one page or a million. See :func:`revalidate_path`.

    :param tags: strings as in ``@static_page(tags=…)`` and :func:`cache_tag`.
    :param mode: ``"expire"`` or ``"stale"``.
    :raises ValueError: if no tag is given, one is malformed, or *mode* is neither of these.
    :raises StoreUnavailable: if the invalidation was not recorded; the old pages stay.
    """
    revalidator = current_runtime().revalidator
    if not tags:
        raise ConfigurationError("revalidate_tag() was called without a tag.")
    _act(revalidator, [revalidator.tag(tag, mode) for tag in tags])
