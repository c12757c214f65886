"""All parts of the extension for one application."""

from __future__ import annotations

import random
import time
import typing as t

from flask import Flask

from .background.fork import forget_at_fork
from .background.pool import ThreadRunner
from .background.runner import InlineRunner
from .background.runner import Runner
from .config import Settings
from .core.decision import Limits
from .core.engine import Engine
from .core.local_cache import LocalCache
from .core.store import Store
from .current import current_extension
from .observe.reporter import Reporter
from .pages.application import Application
from .pages.closed_lists import ClosedLists
from .pages.routes import Routes
from .pages.twins import Twins
from .render.renderer import Renderer
from .revalidation.service import Revalidator
from .revalidation.unsafe import UnsafeRequests
from .serving.draft import DraftCookies
from .serving.middleware import Middleware
from .serving.middleware import ServingParts
from .serving.pass_through import PassThrough
from .serving.view import ViewHandler
from .stores.select import select_store

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask_caching import Cache


class Runtime:
    """The parts for one application, wired together; kept in ``app.extensions["isr"]``.

    :param inner: the WSGI application below the Middleware.
    :param clock: replaces the time, in seconds since 1970, for tests.
    :param on_prepare: called before the application's views are read.
    :param cache: the cache that keeps the pages; ``None``: the settings decide.
    :param store: the store that keeps the pages, whatever the settings and *cache* say.
    :ivar clock: seconds since 1970, by the wall clock.
    :ivar middleware: the middleware that serves from this runtime.
    """

    middleware: Middleware

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
            self.store.prepare()

        self.application = Application(
            app, inner, settings, prepare, exclusive=store is not None
        )
        self.reporter = Reporter(app)
        self.clock = clock or time.time
        self.drafts = DraftCookies(app, self.clock)
        self.runner = _runner(settings)
        self.store = store or select_store(app, settings, cache, clock)
        self.memory = LocalCache(self.store, settings.memory_bytes)
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
        self.store.on_restart = self._forget_store
        self.lists = ClosedLists(
            self.application,
            self.store,
            self.runner,
            self.engine.maintenance.report_unavailable,
        )
        self.revalidator = Revalidator(
            self.application, self.store, self.engine, self.lists, self.reporter
        )
        self.renderer.invalidate = self.revalidator.after_render
        self.unsafe_requests = UnsafeRequests(self.application, self.revalidator)
        self.view_handler = ViewHandler(
            self.application,
            self.engine,
            self.lists,
            self.reporter,
            PassThrough(self.application, self.renderer, self.runner, self.reporter),
            self.drafts,
        )
        forget_at_fork(self)

    def elsewhere(
        self, settings: Settings, store: Store, clock: t.Callable[[], float]
    ) -> Runtime:
        """Another runtime of the same application, with other parts. Nothing serves from
        it yet."""
        application = self.application
        return Runtime(
            application.app,
            application.inner,
            settings,
            clock,
            self._on_prepare,
            store=store,
        )

    def serve_in(self, middleware: Middleware) -> None:
        """Have *middleware* serve from this runtime, instead of the one before."""
        middleware.serve_from(self.parts)
        self.middleware = middleware
        self.application.app.extensions["isr"] = self

    @property
    def parts(self) -> ServingParts:
        """The parts that answer requests."""
        return ServingParts(
            application=self.application,
            engine=self.engine,
            store=self.store,
            memory=self.memory,
            lists=self.lists,
            drafts=self.drafts,
            follow_unsafe=self.unsafe_requests.follow,
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


def current_runtime() -> Runtime:
    """The runtime of the current application.

    :raises RuntimeError: outside of an application context, or if the application has no
        Flask-ISR.
    """
    return t.cast(Runtime, current_extension())


def _runner(settings: Settings) -> Runner:
    if settings.runner == "inline":
        return InlineRunner()
    if settings.runner == "thread":
        return ThreadRunner(
            job_timeout=settings.render_timeout, grace=settings.wait_timeout
        )
    return settings.runner
