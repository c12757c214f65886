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


# Applications whose pages are stored in this process.
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
        # The files that are known already are read now: they may be replaced any time.
        self._files = self.build_files() if told else None
        #: The configuration that tells it from others of its code; known when prepared.
        self.configuration: t.Mapping[str, str] = {}
        #: The values that its views have from their factory; they give it no own pages.
        self.surroundings: t.Mapping[str, str] = {}
        self._prepared: tuple[Routes, RenderOrigin, Levels] | None = None

    @property
    def compressors(self) -> t.Mapping[str, Compress]:
        """Content coding to the function that compresses a stored body, best first."""
        return self.settings.compressors if self.enabled else {}

    @functools.cached_property
    def personal_cookies(self) -> tuple[str, ...]:
        """The cookies for which a visitor's session is looked at."""
        named = self.settings.personal_cookies
        if named is None:
            return self.session_cookies
        # An application that names others, such as one with a token, has sessions all the
        # same. A session cookie whose name depends on the request is among those named.
        return tuple(dict.fromkeys([*filter(None, self.session_cookies), *named]))

    @functools.cached_property
    def session_cookies(self) -> tuple[str, ...]:
        """The cookies by which Flask and Flask-Login know a visitor."""
        # In an empty context, so that no current request has a say.
        return contextvars.Context().run(default_cookies, self.app)

    @property
    def routes(self) -> Routes:
        """The static pages of the application."""
        return self.prepare()[0]

    @property
    def render_origin(self) -> RenderOrigin:
        """The origin of the application, as its visitors see it."""
        return self.prepare()[1]

    @property
    def levels(self) -> Levels:
        """The serving levels of its pages."""
        return self.prepare()[2]

    def prepare(self) -> tuple[Routes, RenderOrigin, Levels]:
        """Read what was declared, once: at the first request or the first command.

        :raises ConfigurationError: if a static page cannot work.
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
        """The files that tell one build from another, as they were when this process first
        looked at them."""
        return BuildFiles(self.app, self.settings.folder, self.settings.build_files)

    @property
    def told_by_configuration(self) -> bool:
        """Whether its configuration tells it from others of its code."""
        return self.settings.app_id == "auto"

    @property
    def shared_name(self) -> str:
        """The name that it shares with those that differ in their configuration alone."""
        # Applications of one package share its instance folder: their names and their
        # addresses tell them apart.
        where = self.settings.origin or self.app.config.get("SERVER_NAME") or ""
        return f"{self.app.import_name} {self.app.name} {where}".strip()

    @property
    def name(self) -> str:
        """The name that tells it from others that share its store; right once it is
        prepared."""
        own = self.settings.app_id
        if self.told_by_configuration:
            own = digest_of_configuration(self.configuration)
        return f"{self.shared_name} {own}"

    def after_fork(self) -> None:
        """Make a new lock in a child process: a thread that is not here may hold the old
        one."""
        self._lock = threading.Lock()
