"""Logs and signals: what people and programs hear of the Engine's work."""

from __future__ import annotations

import logging
import typing as t

from flask import Flask

from .. import signals
from ..core.entry import Entry
from ..core.key import PageKey
from ..core.key import user_tags
from ..core.outcome import PerVisitor
from ..core.outcome import cause_of
from ..errors import ConfigurationError
from .cures import cure_of

logger = logging.getLogger("flask_isr")

# The most warnings that are remembered, by rule and reason, so that each is given once.
_REMEMBERED = 1000


class Reporter:
    """The Engine's :class:`~flask_isr.core.decision.Observer` for one application."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._warned: set[tuple[str, str]] = set()

    def rendered(self, entry: Entry) -> None:
        """A page was rendered and written."""
        logger.debug("rendered %s in %.3f s", entry.key, entry.took)
        self._send(
            signals.page_rendered,
            path=str(entry.key),
            tags=user_tags(entry.tags),
            seconds=entry.took,
            size=len(entry.body),
        )

    def failed(self, key: PageKey, cause: str) -> None:
        """A render failed."""
        logger.warning(
            "the render of %s failed: %s. If a page is stored, visitors get that one; the"
            " render is tried again by itself.",
            key,
            cause,
        )
        self._send(signals.render_failed, path=str(key), cause=cause)

    def not_static(self, key: PageKey, verdict: PerVisitor) -> None:
        """A page turned out not to be the same for everybody."""
        if self.first(key.rule, verdict.reason):
            logger.warning(
                "%s (rule %s) has @static_page, but is not the same for everybody: %s%s."
                " It is rendered for each visitor.%s",
                key,
                key.rule,
                verdict.reason,
                f" ({verdict.where})" if verdict.where else "",
                _then(verdict.cure or cure_of(verdict.reason)),
            )

    def declined(self, key: PageKey, reason: str) -> None:
        """A render gave an answer that is not stored."""
        if self.first(key.rule, reason):
            logger.warning(
                "%s (rule %s) has @static_page, but its answer is not stored: %s.%s",
                key,
                key.rule,
                reason,
                _then(cure_of(reason)),
            )

    def undeclared(self, key: PageKey, what: str) -> None:
        """A render read what the page does not declare.

        :param what: sentences that go on after "reads".
        """
        logger.warning("%s (rule %s) reads %s", key, key.rule, what)

    def stale_served(self, entry: Entry) -> None:
        """A visitor got a page that is not fresh."""
        if signals.stale_served.receivers:
            self._send(signals.stale_served, path=str(entry.key))

    def refused(self, key: PageKey, what: str, problem: str) -> None:
        """A page declares something of itself that cannot be used.

        :param what: what is wrong, as :meth:`not_static` is given it afterwards.
        """
        if self.first(key.rule, what):
            logger.warning(
                "%s (rule %s) has @static_page, but is not stored, since its %s cannot be"
                " used: %s It is rendered for each visitor.",
                key,
                key.rule,
                what,
                problem,
            )

    def tags_failed(self, key: PageKey, error: Exception) -> None:
        """The tags of a page could not be made."""
        if isinstance(error, ConfigurationError):
            self.refused(key, "tags", str(error))
        elif self.first(key.rule, type(error).__name__):
            logger.warning(
                "%s (rule %s) has @static_page, but is not stored, since the callable given"
                " as tags= failed: %s. It is rendered for each visitor.",
                key,
                key.rule,
                cause_of(error),
            )

    def query_failed(self, rule: str, error: Exception) -> None:
        """The names of a page's query parameters could not be asked."""
        if self.first(rule, f"query {type(error).__name__}"):
            logger.warning(
                "pages of the rule %s are not stored, since the callable given as query="
                " failed: %s. They are rendered for each visitor.",
                rule,
                cause_of(error),
            )

    def other_origin(self, came: str, origin: str) -> None:
        """A visitor came by another address than a page shows or looked at."""
        # Given once: anybody can make up an address by sending another host.
        if self.first(origin, "origin"):
            logger.warning(
                "visitors come by %s, and pages that show or read the address are rendered"
                " at %s: they are answered by the view. Set ISR_ORIGIN to the address of"
                " the site, and behind a proxy use ProxyFix.",
                came.rstrip("/"),
                origin,
            )

    def invalidates_itself(self, key: PageKey, label: str, where: str) -> None:
        """The render of a page asked to invalidate that page, which is not done."""
        if self.first(key.rule, f"invalidates {label}"):
            logger.warning(
                "%s (rule %s) invalidates itself while it is rendered, by %r (%s): this is"
                " ignored, for this page and others. Do not call revalidate_* while"
                " flask_isr.rendering() is true, or name what only other pages show.",
                key,
                key.rule,
                label,
                where,
            )

    def elsewhere(self, mounted_at: str, prefix: str) -> None:
        """A request came in by another mount prefix than pages are stored for."""
        # Given once: if no proxy sets the prefix, anybody can choose it.
        if self.first(prefix, "elsewhere"):
            logger.warning(
                "requests come in mounted at %r, and static pages are stored for %r: such"
                " requests are answered by the view. Set ISR_ORIGIN to scheme, host and"
                " mount prefix of the site.",
                mounted_at,
                prefix,
            )

    def unrouted(self, view: str) -> None:
        """A view was called that no route is seen to lead to."""
        if self.first(view, "unrouted"):
            logger.warning(
                "%s has @static_page, but no route is seen to lead to it: it is called for"
                " each visitor. Put @static_page directly below the route (of a class, into"
                " its decorators), or have what stands between them use functools.wraps.",
                view,
            )

    def rewritten(self, page: str) -> None:
        """A request came to a page by another path than it came to the middleware."""
        if self.first(page, "rewritten"):
            logger.warning(
                "requests for another path are sent on to %s, by a view or by middleware"
                " that was wrapped around the application before ISR(app): the view answers"
                " them. Wrap such middleware after ISR(app), or redirect.",
                page,
            )

    def revalidated(self, paths: list[str], tags: list[str], mode: str) -> None:
        """An invalidation took effect."""
        logger.info("revalidated %s", ", ".join([*paths, *tags]))
        self._send(signals.revalidated, paths=paths, tags=tags, mode=mode)

    def first(self, rule: str, reason: str) -> bool:
        """Whether *reason* was not given for *rule* yet; from now on it counts as given."""
        if len(self._warned) >= _REMEMBERED:
            self._warned.clear()
        first = (rule, reason) not in self._warned
        self._warned.add((rule, reason))
        return first

    def _send(self, signal: t.Any, **values: t.Any) -> None:
        if not signal.receivers:
            return
        try:
            signal.send(self._app, _async_wrapper=self._app.ensure_sync, **values)
        except Exception:
            logger.exception("a receiver of the signal %s failed", signal.name)


def _then(sentence: str) -> str:
    return f" {sentence}" if sentence else ""
