"""All that the extension knows of one application."""

from __future__ import annotations

import random
import time
import typing as t

from flask import Flask

from .application import Application
from .backends import private_backend
from .backends import shared_backend
from .config import Settings
from .core.answer import Limits
from .core.engine import Engine
from .core.fork import forget_at_fork
from .core.memory import Memory
from .core.runner import InlineRunner
from .core.runner import Runner
from .core.runner import ThreadRunner
from .current import current_extension
from .draft import DraftCookies
from .errors import ConfigurationError
from .front import Front
from .front import ServingParts
from .keys import secret_keys
from .listing import ClosedLists
from .render import Renderer
from .report import Reporter
from .revalidator import Revalidator
from .routes import Routes
from .stores.backend import Values
from .stores.base import Store
from .stores.caching import CachingStore
from .stores.signature import Signature
from .stores.sqlite import SQLiteStore
from .twins import Twins
from .unstored import Unstored
from .view import Door
from .writes import Writes

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask_caching import Cache


class State:
    """The parts for one application, wired; lives at ``app.extensions["isr"]``.

    :param inner: the WSGI application below the Front.
    :param clock: replaces the time, in seconds since 1970, for tests.
    :param on_prepare: called before the application's views are read.
    :param cache: keeps the pages; ``None``: what the settings say does.
    :param store: keeps the pages, whatever the settings and *cache* say.
    :ivar clock: seconds since 1970, by the wall clock.
    :ivar front: what serves from this state.
    """

    front: Front

    def __init__(
        self,
        app: Flask,
        inner: WSGIApplication,
        settings: Settings,
        clock: t.Callable[[], float] | None,
        on_prepare: t.Callable[[Flask], None],
        cache: Cache | None = None,
        store: Store | None = None,
    ) -> None:
        self.settings = settings
        self._on_prepare = on_prepare

        def prepare(app: Flask) -> None:
            on_prepare(app)
            if isinstance(self.store, CachingStore):
                # The cache may have been initialised after the extension.
                self.store.check()
                self.store.check_key()

        self.application = Application(
            app, inner, settings, prepare, alone=store is not None
        )
        self.reporter = Reporter(app)
        self.clock = clock or time.time
        self.drafts = DraftCookies(app, self.clock)
        self.runner = _runner(settings)
        self.store = store or select_store(app, settings, cache, clock)
        self.memory = Memory(self.store, settings.memory_bytes)
        self.renderer = Renderer(self.application, self.reporter, self.clock)
        self.twins = Twins(self.application, self.store)
        self.engine = Engine(
            store=self.store,
            memory=self.memory,
            runner=self.runner,
            render=self.renderer,
            limits=Limits(
                render=settings.render_timeout,
                wait=settings.wait_timeout,
                stale_if_error=settings.stale_if_error,
            ),
            random=random.random,
            observer=self.reporter,
            build=self.application.build,
        )
        self.engine.builds.on_meet = self.twins.meet
        if isinstance(self.store, SQLiteStore):
            self.store.on_restart = self._forget_store
        self.lists = ClosedLists(
            self.application, self.store, self.runner, self.engine.upkeep.warn
        )
        self.revalidator = Revalidator(
            self.application, self.store, self.engine, self.lists, self.reporter
        )
        self.renderer.invalidate = self.revalidator.after_render
        self.writes = Writes(self.application, self.revalidator)
        self.door = Door(
            self.application,
            self.engine,
            self.lists,
            self.reporter,
            Unstored(self.application, self.renderer, self.runner, self.reporter),
            self.drafts,
        )
        forget_at_fork(self)

    def elsewhere(
        self, settings: Settings, store: Store, clock: t.Callable[[], float]
    ) -> State:
        """A state of the same application with other parts, which nothing serves from
        yet."""
        application = self.application
        return State(
            application.app,
            application.inner,
            settings,
            clock,
            self._on_prepare,
            store=store,
        )

    def serve_in(self, front: Front) -> None:
        """Have *front* serve from this state from now on, instead of the one before."""
        front.serve_from(self.parts)
        self.front = front
        self.application.app.extensions["isr"] = self

    @property
    def parts(self) -> ServingParts:
        """What requests are answered with."""
        return ServingParts(
            application=self.application,
            engine=self.engine,
            store=self.store,
            memory=self.memory,
            lists=self.lists,
            drafts=self.drafts,
            follow_unsafe=self.writes.follow,
        )

    @property
    def routes(self) -> Routes:
        """The static pages of the application."""
        return self.application.routes

    def _forget_store(self) -> None:
        self.memory.clear()
        self.engine.builds.forget()

    def after_fork(self) -> None:
        """In a child process: forget what the parent's other threads were doing."""
        self.application.after_fork()
        self.lists.forget_questions()
        self.revalidator.forget_retries()
        self.engine.forget_flights()


def current_state() -> State:
    """The state of the current application.

    :raises RuntimeError: outside of an application context, or where the application has
        no Flask-ISR.
    """
    return t.cast(State, current_extension())


def select_store(
    app: Flask,
    settings: Settings,
    cache: Cache | None,
    clock: t.Callable[[], float] | None,
) -> Store:
    """The store that *settings* ask for, or that *cache* gives.

    :raises ConfigurationError: where they contradict each other, or the backend cannot
        keep pages.
    """
    config = settings.cache
    if cache is None and config is None:
        if settings.sign:
            raise ConfigurationError(
                "ISR_SIGN is on, and pages are kept in the embedded store: its files are"
                " private to their owner, and not signed. Remove ISR_SIGN, or keep pages"
                " in a backend of Flask-Caching."
            )
        return SQLiteStore(settings.folder, limit=settings.store_bytes, clock=clock)
    if cache is not None and config is not None:
        raise ConfigurationError(
            "both ISR(cache=…) and ISR_CACHE say where pages are kept; give one of them."
        )

    def resolve() -> Values:
        if config is not None:
            return private_backend(config)
        assert cache is not None
        return shared_backend(app, cache)

    # What one module calls its applications tells them apart.
    store = CachingStore(
        resolve,
        namespace=f"{app.import_name} {app.name}",
        clock=clock,
        signature=Signature(lambda: secret_keys(app)) if settings.sign else None,
    )
    if config is not None or cache in app.extensions.get("cache", {}):
        store.check()
    return store


def _runner(settings: Settings) -> Runner:
    if settings.runner == "inline":
        return InlineRunner()
    if settings.runner == "thread":
        return ThreadRunner(
            job_timeout=settings.render_timeout, grace=settings.wait_timeout
        )
    return settings.runner
