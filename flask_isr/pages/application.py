"""What one application declared, read when it is complete."""

from __future__ import annotations

import contextvars
import functools
import logging
import threading
import typing as t
import weakref

from flask import Flask

from ..config import Settings
from ..core.deployment import Build
from ..http.compression import Compress
from .fingerprint import BuildFiles
from .fingerprint import faults
from .identity import digest_of_configuration
from .identity import plain_configuration
from .identity import plain_surroundings
from .levels import Levels
from .origin import RenderOrigin
from .origin import mount_prefix
from .routes import Routes
from .sessions import default_cookies

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger("flask_isr")


# Those whose pages are stored in this process.
_applications: weakref.WeakKeyDictionary[Application, Routes] = (
    weakref.WeakKeyDictionary()
)


class Application:
    """The application as the other parts see it.

    :param inner: the WSGI application below the middleware.
    :param exclusive: whether no other application can reach its pages.
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
        exclusive: bool = False,
    ) -> None:
        self.app = app
        self.inner = inner
        self.settings = settings
        self.prefix = mount_prefix(app, settings)
        self._on_prepare = on_prepare
        self.exclusive = exclusive
        self._lock = threading.Lock()
        self.enabled = settings.enabled is not False
        told = settings.build_id == "auto"
        #: The deployment that this process belongs to; right once it is prepared.
        self.build = Build(None if told else settings.build_id, strict=not told)
        # By its files, as far as they are known already: they may be replaced any time.
        self._files = self.build_files() if told else None
        #: What tells it from others of its code; known when it is prepared.
        self.configuration: t.Mapping[str, str] = {}
        #: What its views have of their factory, which tells it from none.
        self.surroundings: t.Mapping[str, str] = {}
        self._prepared: tuple[Routes, RenderOrigin, Levels] | None = None

    @property
    def compressors(self) -> t.Mapping[str, Compress]:
        """Coding to what compresses the body of a stored page, best first."""
        return self.settings.compressors if self.enabled else {}

    @functools.cached_property
    def personal_cookies(self) -> tuple[str, ...]:
        """The cookies whose bearers are asked for their session."""
        named = self.settings.personal_cookies
        if named is None:
            return self.session_cookies
        # Who names others, such as one with a token, has sessions all the same. A name
        # that hangs on the request is among those that are named.
        return tuple(dict.fromkeys([*filter(None, self.session_cookies), *named]))

    @functools.cached_property
    def session_cookies(self) -> tuple[str, ...]:
        """The cookies by which Flask and Flask-Login know a visitor."""
        # By no request that happens to be there.
        return contextvars.Context().run(default_cookies, self.app)

    @property
    def routes(self) -> Routes:
        """The static pages of the application."""
        return self.prepare()[0]

    @property
    def render_origin(self) -> RenderOrigin:
        """Where the application is for its visitors."""
        return self.prepare()[1]

    @property
    def levels(self) -> Levels:
        """At which level its pages are served."""
        return self.prepare()[2]

    def prepare(self) -> tuple[Routes, RenderOrigin, Levels]:
        """Read what was declared, once: at the first request or the first command.

        :raises ConfigurationError: where a static page cannot work.
        """
        if self._prepared is None:
            with self._lock:
                if self._prepared is None:
                    self._prepared = self._read()
        return self._prepared

    def _read(self) -> tuple[Routes, RenderOrigin, Levels]:
        self._on_prepare(self.app)
        if late := self.settings.changed(self.app):
            logger.warning(
                "%s was set after ISR(app), and does not count: settings are read once;"
                " set it before.",
                ", ".join(late),
            )
        if self.settings.enabled is None:
            self.enabled = not (self.app.debug or self.app.testing)
        if self._files is not None:
            self.build.id = self._files.digest()
            for fault in faults(self._files, self.settings.build_files):
                logger.warning("%s", fault)
            self._files = None
        self.configuration = plain_configuration(self.app)
        routes = Routes(self.app, self.prefix, self.name)
        self.build.given = routes.given
        views = [page.view for page in routes.pages.values()]
        self.surroundings = plain_surroundings(views)
        if self.enabled and not self.exclusive:
            self._warn_of_twins(routes)
        render_origin = RenderOrigin.of(self.app, self.settings)
        return (
            routes,
            render_origin,
            Levels(self.app, self.inner, self.settings, routes),
        )

    def _warn_of_twins(self, routes: Routes) -> None:
        mine = self.settings
        for other, others in list(_applications.items()):
            theirs = other.settings
            same = (mine.folder, mine.cache) == (theirs.folder, theirs.cache)
            if (
                same
                and self.told_by_configuration
                and (other.app is not self.app)
                and (others.namespace == routes.namespace)
                and (others.views & routes.views)
            ):
                logger.warning(
                    "two applications called %r, of one configuration, have the same views"
                    " and store their pages in one place: they may get each other's. If"
                    " they are two sites, set ISR_APP_ID to a name for each of them.",
                    self.app.name,
                )
                break
        _applications[self] = routes

    def build_files(self) -> BuildFiles:
        """The files that tell one build from another, as they are now, or were when this
        process looked first."""
        return BuildFiles(self.app, self.settings.folder, self.settings.build_files)

    @property
    def told_by_configuration(self) -> bool:
        """Whether its configuration tells it from others of its code."""
        return self.settings.app_id == "auto"

    @property
    def shared_name(self) -> str:
        """What it has in common with those that differ in their configuration alone."""
        # Applications of one package share its instance folder: what they are called, and
        # where they are found, tells them apart.
        where = self.settings.origin or self.app.config.get("SERVER_NAME") or ""
        return f"{self.app.import_name} {self.app.name} {where}".strip()

    @property
    def name(self) -> str:
        """What tells it from others that share its store; right once it is prepared."""
        own = self.settings.app_id
        if self.told_by_configuration:
            own = digest_of_configuration(self.configuration)
        return f"{self.shared_name} {own}"

    def after_fork(self) -> None:
        """In a child process: the lock may be held by a thread that is not here."""
        self._lock = threading.Lock()
