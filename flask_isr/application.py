"""What one application declared, read when it is complete."""

from __future__ import annotations

import threading
import typing as t

from flask import Flask

from .config import Settings
from .levels import Levels
from .routes import Routes
from .site import Site
from .site import mount_prefix

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Application:
    """The application as the other parts see it.

    :param inner: the WSGI application below the Front.
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
    ) -> None:
        self.app = app
        self.inner = inner
        self.settings = settings
        self.prefix = mount_prefix(app, settings)
        self._on_prepare = on_prepare
        self._lock = threading.Lock()
        self.enabled = settings.enabled is not False
        self._prepared: tuple[Routes, Site, Levels] | None = None

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
        if self.settings.enabled is None:
            self.enabled = not (self.app.debug or self.app.testing)
        routes = Routes(self.app, self.prefix, self._name())
        site = Site.of(self.app, self.settings, scheme)
        return routes, site, Levels(self.app, self.inner, self.settings, routes)

    def _name(self) -> str:
        # Applications of one package share its instance folder: what they are called, and
        # where they are found, tells them apart.
        where = self.settings.origin or self.app.config.get("SERVER_NAME") or ""
        return f"{self.app.import_name} {self.app.name} {where}".strip()

    def after_fork(self) -> None:
        """In a child process: the lock may be held by a thread that is not here."""
        self._lock = threading.Lock()
