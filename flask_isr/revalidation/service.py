"""Invalidations: checked, recorded, and carried out."""

from __future__ import annotations

import contextlib
import logging
import typing as t

from ..background.retries import Retries
from ..core.decision import PageRequest
from ..core.engine import Engine
from ..core.entry import Entry
from ..core.key import PageKey
from ..core.key import path_tag
from ..core.key import prefix_tag
from ..core.key import rule_tag
from ..core.key import user_tag
from ..core.key import variant_tag
from ..core.store import Store
from ..errors import ConfigurationError
from ..errors import NotAStaticPage
from ..errors import RevalidationError
from ..errors import StoreUnavailable
from ..http.mount import cuts
from ..http.mount import reading
from ..http.query import ANY
from ..modes import MATCHES
from ..modes import MODES
from ..modes import Mode
from ..observe.reporter import Reporter
from ..pages.application import Application
from ..pages.closed_lists import ClosedLists
from ..pages.decorator import checked_tags
from ..pages.invalidation import Invalidation
from ..pages.routes import PATH_LENGTH
from ..pages.routes import Match
from ..pages.routes import key_of_url
from ..pages.routes import page_request_of
from ..serving.request_state import current_request_state

logger = logging.getLogger("flask_isr")

# The most variants of a path that are rendered in the background when it expires.
_VARIANTS = 16


class Revalidator:
    """Checks, records and carries out invalidations for one application."""

    def __init__(
        self,
        application: Application,
        store: Store,
        engine: Engine,
        lists: ClosedLists,
        reporter: Reporter,
    ) -> None:
        self._application = application
        self._store = store
        self._engine = engine
        self._lists = lists
        self._reporter = reporter
        self._retries = Retries()

    def forget_retries(self) -> None:
        """Drop all retries, after a fork: the parent process goes on with them."""
        self._retries = Retries()

    # -- checking ---------------------------------------------------------------------

    def path(self, path: t.Any, match: t.Any, mode: t.Any) -> Invalidation:
        """The invalidation of *path*; nothing is done yet.

        :raises ValueError: if an argument is malformed.
        :raises NotAStaticPage: if no static page serves the path.
        """
        check_mode(mode)
        if match not in MATCHES:
            raise ConfigurationError(
                f"match is {match!r:.80}; it must be 'path', 'rule' or 'prefix'."
            )
        _check_path(path)
        if mode == "refresh" and match != "path":
            raise ConfigurationError(
                f"mode 'refresh' renders and waits, and a {match} has any number of"
                " pages; use mode 'expire' or name the paths."
            )
        if match == "rule":
            if not self._application.routes.has_rule(path):
                raise NotAStaticPage(
                    path, "no static page has this rule, as it is written in its route"
                )
            return Invalidation(path, rule_tag(path), mode, is_path=True)
        if match == "prefix":
            return Invalidation(
                path, prefix_tag(self._prefix(path)), mode, is_path=True
            )
        if "<" in path and self._application.routes.has_rule(path):
            raise NotAStaticPage(path, "it is a rule; match 'rule' means all its pages")
        page, query = self._page_at(path)
        tag = path_tag(page.path)
        if query:
            tag = variant_tag(key_of_url(page, query))
        return Invalidation(path, tag, mode, True, page, query or None)

    def _prefix(self, path: str) -> str:
        if "?" in path:
            raise ConfigurationError(
                f"the prefix {path!r} must not have a query string."
            )
        routes = self._application.routes
        prefix = routes.canonical_prefix(reading(path, routes.prefix))
        if prefix is None:
            raise NotAStaticPage(path, routes.outside())
        return prefix

    def _page_at(self, path: str) -> tuple[Match, str]:
        """The page that *path* names, and its query."""
        routes = self._application.routes
        with contextlib.suppress(NotAStaticPage):
            return routes.match_url(reading(path, routes.prefix))
        try:
            # The path may have been written down as pages are stored.
            return routes.match_url(path)
        except NotAStaticPage:
            mounted_at = self._likely_mount(path)
            if mounted_at is None:
                raise
        raise NotAStaticPage(
            path,
            "no view with @static_page is there, but one is below"
            f" {mounted_at!r}. If the application is mounted there, set ISR_ORIGIN to"
            " scheme, host and mount prefix of the site",
        )

    def _likely_mount(self, path: str) -> str | None:
        """The prefix of *path* without which it would be the path of a page."""
        routes = self._application.routes
        for mounted_at, below in cuts(path):
            with contextlib.suppress(NotAStaticPage):
                routes.match_url(routes.prefix + below)
                return mounted_at
        return None

    def tag(self, tag: t.Any, mode: t.Any) -> Invalidation:
        """The invalidation of all pages with *tag*; nothing is done yet.

        :raises ValueError: if an argument is malformed.
        """
        check_mode(mode)
        if mode == "refresh":
            raise ConfigurationError(
                "mode 'refresh' renders and waits, and a tag has any number of pages; use"
                " mode 'expire' or name the paths."
            )
        checked_tags([tag], "tags to revalidate")
        return Invalidation(tag, user_tag(tag), mode, is_path=False)

    # -- acting -----------------------------------------------------------------------

    def act(self, invalidations: t.Sequence[Invalidation]) -> dict[str, str]:
        """Do what an application's call asks for, and inside a request again at its end.

        :return: path to cause, for paths whose list could not be asked.
        :raises StoreUnavailable: if it was not recorded; nothing is done then.
        :raises RevalidationError: if a page in mode ``refresh`` was not renewed.
        """
        invalidations = _merged(invalidations)
        failed = self.record(invalidations)
        state = current_request_state()
        if state is None or state.finished:
            self.settle(invalidations)
        else:
            state.postpone(invalidations, self.repeat)
        wanted = [item for item in invalidations if item.mode == "refresh"]
        if wanted:
            more, pending = self.renew(wanted)
            failed |= more
            if failed or pending:
                raise RevalidationError(failed, pending)
        return failed

    def record(self, invalidations: t.Sequence[Invalidation]) -> dict[str, str]:
        """Write all in the store, in one transaction, and ask closed lists that lack one
        of the paths.

        :return: path to cause, for paths whose list could not be asked; it is asked again
            in the background until that succeeds.
        :raises StoreUnavailable: if it was not recorded; nothing is done then.
        """
        if not self._application.enabled:
            return {}
        stale = {item.tag for item in invalidations if item.mode == "stale"}
        expired = {item.tag for item in invalidations if item.mode != "stale"}
        if invalidations:
            self._store.invalidate(stale=stale, expired=expired)
        unlisted: dict[str, list[str]] = {}
        for item in invalidations:
            if item.match is not None and not self._lists.has(item.match):
                unlisted.setdefault(item.match.endpoint, []).append(item.label)
        failed: dict[str, str] = {}
        for endpoint, paths in unlisted.items():
            if not self._lists.ask(endpoint):
                name = f"paths= of the static page {endpoint!r}"
                logger.warning("%s could not be had; it is asked again", name)
                self._retries.add(name, name, self._asker(endpoint))
                failed |= dict.fromkeys(paths, "its list of paths could not be asked")
        return failed

    def _asker(self, endpoint: str) -> t.Callable[[], bool]:
        return lambda: self._lists.ask(endpoint)

    def settle(
        self,
        invalidations: t.Sequence[Invalidation],
        rendered: tuple[Mode, ...] = ("expire",),
    ) -> None:
        """Start background renders and send the signal, once all is recorded for good.

        :param rendered: the modes whose pages are rendered in the background.
        """
        if not self._application.enabled:
            return
        for item in invalidations:
            if item.mode in rendered and item.match is not None:
                for page_request in self._stored(item):
                    self._engine.refresh(page_request)
        for mode in MODES:
            named = [item for item in invalidations if item.mode == mode]
            if named:
                self._reporter.revalidated(
                    [item.label for item in named if item.is_path],
                    [item.label for item in named if not item.is_path],
                    mode,
                )

    def repeat(self, invalidations: t.Sequence[Invalidation]) -> None:
        """Repeat at the end of a request the invalidations made in it. Never raises: what
        cannot be recorded is logged, and tried again in the background."""
        # Pages refreshed in the request were rendered from data that may have changed.
        self._carry_out(invalidations, ("expire", "refresh"))

    def after_render(self, invalidations: t.Sequence[Invalidation]) -> None:
        """Carry out at the end of a render the invalidations made in it, and never raise.
        No renders are started: pages that invalidate each other would never stop."""
        self._carry_out(_merged(invalidations), ())

    def _carry_out(
        self, invalidations: t.Sequence[Invalidation], rendered: tuple[Mode, ...]
    ) -> None:
        try:
            self.record(invalidations)
        except StoreUnavailable as error:
            logger.error(
                "the invalidation of %s could not be recorded at the end of the request,"
                " and is retried: %s",
                ", ".join(item.label for item in invalidations),
                error,
            )
            self._retry(invalidations, rendered)
            return
        self.settle(invalidations, rendered)

    def _retry(
        self, invalidations: t.Sequence[Invalidation], rendered: tuple[Mode, ...]
    ) -> None:
        def record() -> bool:
            try:
                self.record(invalidations)
            except StoreUnavailable:
                return False
            self.settle(invalidations, rendered)
            return True

        key = frozenset((item.tag, item.mode) for item in invalidations)
        labels = ", ".join(item.label for item in invalidations)
        name = f"the invalidation of {labels}"
        self._retries.add(key, name, record)

    def renew(
        self, invalidations: t.Sequence[Invalidation]
    ) -> tuple[dict[str, str], list[str]]:
        """Render the pages and wait; see :meth:`.BlockingRenders.renew`.

        A path that its closed list lacks needs no render: it answers 404.
        """
        if not self._application.enabled:
            return {}, []
        page_requests = {}
        for item in invalidations:
            if item.match is not None and self._lists.allows(item.match):
                for page_request in self._stored(item, always=True):
                    page_requests[page_request.key] = page_request
        return self._engine.blocking_renders.renew(list(page_requests.values()))

    def _stored(self, item: Invalidation, *, always: bool = False) -> list[PageRequest]:
        """The variants of a page that are stored; with *always* the page itself too."""
        assert item.match is not None
        pages: dict[PageKey, Match] = {}
        if always:
            for match in self._application.routes.everywhere(item.match):
                pages[key_of_url(match, item.query or "")] = match
        try:
            for record in self._store.variants(item.match.path, _VARIANTS):
                found = self._application.routes.match_key(record.key)
                if (
                    isinstance(record, Entry)
                    and found is not None
                    and _is_variant(record.key, found, item.query)
                ):
                    pages[record.key] = found
        except StoreUnavailable as error:
            self._engine.maintenance.report_unavailable(error)
        page_requests = []
        for key, match in pages.items():
            try:
                page_requests.append(page_request_of(match, key))
            except Exception as error:
                # Such a page is not stored: there is nothing to render.
                self._reporter.tags_failed(key, error)
        return page_requests


def _is_variant(key: PageKey, match: Match, query: str | None) -> bool:
    """Whether a stored page is one that the application still makes, and the variant that
    *query* names; ``None`` names all."""
    named = match.page.declared()
    declared = ANY in named or {name for name, _ in key.query} <= set(named)
    return declared and (query is None or key == key_of_url(match, query))


def _merged(invalidations: t.Iterable[Invalidation]) -> list[Invalidation]:
    return list({(item.tag, item.mode): item for item in invalidations}.values())


def check_mode(mode: t.Any) -> None:
    """Raise :exc:`.ConfigurationError` if *mode* is none of the three."""
    if mode not in MODES:
        raise ConfigurationError(
            f"mode is {mode!r:.80}; it must be 'expire', 'stale' or 'refresh'."
        )


def _check_path(path: t.Any) -> None:
    if not isinstance(path, str):
        raise ConfigurationError(f"the path is {path!r:.80}; it must be a string.")
    if not path.startswith("/") or path.startswith("//"):
        raise ConfigurationError(
            f"the path {path[:80]!r} must be a path of this site, such as"
            " '/blog/hello': one leading slash, no scheme and no host. Outside of a request"
            " url_for(..., _external=False) returns one."
        )
    if "#" in path:
        raise ConfigurationError(
            f"the path {path[:80]!r} has a fragment, which no server ever sees; a '#'"
            " that belongs to the path is written %23."
        )
    if len(path) > PATH_LENGTH:
        raise ConfigurationError(
            f"the path {path[:80]!r}… has {len(path)} characters; {PATH_LENGTH} are"
            " allowed."
        )
    if not path.isprintable():
        raise ConfigurationError(f"the path {path[:80]!r} has control characters.")
