"""What one application declared, read when it is complete."""

from __future__ import annotations

import contextvars
import functools
import logging
import threading
import typing as t
import weakref

from flask import Flask

from .build import digest_of
from .compression import Compress
from .config import Settings
from .core.build import Build
from .levels import Levels
from .personal import default_cookies
from .routes import Routes
from .site import Site
from .site import mount_prefix

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger("flask_isr")


# Those whose pages are stored in this process.
_applications: weakref.WeakSet[Application] = weakref.WeakSet()


class Application:
    """The application as the other parts see it.

    :param inner: the WSGI application below the Front.
    :param alone: whether no other application can reach its pages.
    :param on_prepare: called once with the application, before its views are read.
    :ivar prefix: the mount prefix, ``""`` or ``"/shop"``.
    :ivar enabled: whether pages are stored; right once the application is prepared, since
        ``app.run(debug=True)`` and ``TESTING = True`` come late.
    """

    def __init__(
        self,
        app: Flask,
        inner: WSGIApplication,
        settings: Settings,
        on_prepare: t.Callable[[Flask], None],
        *,
        alone: bool = False,
    ) -> None:
        self.app = app
        self.inner = inner
        self.settings = settings
        self.prefix = mount_prefix(app, settings)
        self._on_prepare = on_prepare
        self._alone = alone
        self._lock = threading.Lock()
        self.enabled = settings.enabled is not False
        #: The deployment that this process belongs to, as its files are at its start.
        self.build = (
            Build(digest_of(app))
            if settings.build_id == "auto"
            else Build(settings.build_id, strict=True)
        )
        self._prepared: tuple[Routes, Site, Levels] | None = None

    @property
    def compressors(self) -> t.Mapping[str, Compress]:
        """Coding to what compresses the body of a stored page, best first."""
        return self.settings.compressors if self.enabled else {}

    @functools.cached_property
    def personal_cookies(self) -> tuple[str, ...]:
        """The cookies whose bearers are asked for their session."""
        named = self.settings.personal_cookies
        if named is not None:
            return named
        # By no request that happens to be there.
        return contextvars.Context().run(default_cookies, self.app)

    @property
    def routes(self) -> Routes:
        """The static pages of the application."""
        return self.prepare(None)[0]

    @property
    def site(self) -> Site:
        """Where the application is for its visitors."""
        return self.prepare(None)[1]

    @property
    def levels(self) -> Levels:
        """At which level its pages are served."""
        return self.prepare(None)[2]

    def prepare(self, scheme: str | None) -> tuple[Routes, Site, Levels]:
        """Read what was declared, once: at the first request or the first command.

        :param scheme: the scheme of the first real request.
        :raises ConfigurationError: where a static page cannot work.
        """
        if self._prepared is None:
            with self._lock:
                if self._prepared is None:
                    self._prepared = self._read(scheme)
        return self._prepared

    def _read(self, scheme: str | None) -> tuple[Routes, Site, Levels]:
        self._on_prepare(self.app)
        if late := self.settings.changed(self.app):
            logger.warning(
                "%s was set after ISR(app), and does not count: settings are read once;"
                " set it before.",
                ", ".join(late),
            )
        if self.settings.enabled is None:
            self.enabled = not (self.app.debug or self.app.testing)
        name = self._name()
        if self.enabled and not self._alone:
            self._warn_of_twins(name)
        routes = Routes(self.app, self.prefix, name)
        site = Site.of(self.app, self.settings, scheme)
        return routes, site, Levels(self.app, self.inner, self.settings, routes)

    def _warn_of_twins(self, name: str) -> None:
        for other in list(_applications):
            mine, theirs = self.settings, other.settings
            same = (mine.folder, mine.cache) == (theirs.folder, theirs.cache)
            if same and other.app is not self.app and other._name() == name:
                logger.warning(
                    "two applications called %r store their pages in one place, and get"
                    " each other's: set ISR_FOLDER or ISR_ORIGIN for each of them.",
                    self.app.name,
                )
                break
        _applications.add(self)

    def _name(self) -> str:
        # Applications of one package share its instance folder: what they are called, and
        # where they are found, tells them apart.
        where = self.settings.origin or self.app.config.get("SERVER_NAME") or ""
        return f"{self.app.import_name} {self.app.name} {where}".strip()

    def after_fork(self) -> None:
        """In a child process: the lock may be held by a thread that is not here."""
        self._lock = threading.Lock()
