"""All that the extension knows of one application."""

from __future__ import annotations

import logging
import os
import random
import threading
import typing as t
import weakref

from flask import Flask
from flask import Response

from .config import Settings
from .core.answer import Limits
from .core.engine import Engine
from .core.memory import Memory
from .core.runner import InlineRunner
from .core.runner import Runner
from .core.runner import ThreadRunner
from .levels import Levels
from .listing import ClosedLists
from .page import StaticPage
from .render import Renderer
from .report import Reporter
from .retries import Retries
from .revalidator import Revalidator
from .routes import Routes
from .site import Site
from .site import mount_prefix
from .stores.sqlite import SQLiteStore
from .view import serve_page

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger("flask_isr")


class State:
    """Wires the parts for one application; lives at ``app.extensions["isr"]``.

    :param inner: the WSGI application below the Front.
    :param clock: replaces the store's time, in seconds, for tests.
    """

    def __init__(
        self,
        app: Flask,
        inner: WSGIApplication,
        settings: Settings,
        clock: t.Callable[[], float] | None,
        on_prepare: t.Callable[[State], None],
    ) -> None:
        self.app = app
        self.inner = inner
        self.settings = settings
        self.prefix = mount_prefix(app, settings)
        self._on_prepare = on_prepare
        self._lock = threading.Lock()
        self._routes: Routes | None = None
        self._site: Site | None = None
        self.runner = _runner(settings)
        self.store = SQLiteStore(
            settings.folder, limit=settings.store_bytes, clock=clock
        )
        self.memory = Memory(self.store, settings.memory_bytes)
        self.store.on_restart = self.memory.clear
        self.reporter = Reporter(app)
        self.levels = Levels(self)
        self.lists = ClosedLists(self)
        self.engine = Engine(
            store=self.store,
            memory=self.memory,
            runner=self.runner,
            render=Renderer(self),
            limits=Limits(
                render=settings.render_timeout,
                wait=settings.wait_timeout,
                stale_if_error=settings.stale_if_error,
            ),
            random=random.random,
            observer=self.reporter,
        )
        self.retries = Retries()
        self.revalidator = Revalidator(self)
        _states.add(self)

    @property
    def routes(self) -> Routes:
        """The static pages of the application."""
        self.prepare(None)
        assert self._routes is not None
        return self._routes

    @property
    def site(self) -> Site:
        """Where the application is for its visitors."""
        self.prepare(None)
        assert self._site is not None
        return self._site

    def prepare(self, scheme: str | None) -> None:
        """Read what the application declared, once, when it is complete: at the first
        request or the first command.

        :param scheme: the scheme of the first real request.
        :raises ConfigurationError: where a static page cannot work.
        """
        if self._site is not None:
            return
        with self._lock:
            if self._site is None:
                self._on_prepare(self)
                self._routes = Routes(
                    self.app, self.prefix, _site_name(self.app, self.settings)
                )
                self._site = Site.of(self.app, self.settings, scheme)

    def serve_page(
        self, page: StaticPage, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> Response:
        """Answer the current request for *page*; called by the decorated view."""
        return serve_page(self, page, args, kwargs)

    def after_fork(self) -> None:
        """In a child process: forget what the parent's other threads were doing."""
        self._lock = threading.Lock()
        self.retries = Retries()
        self.lists.forget_questions()
        self.engine.forget_flights()


_states: weakref.WeakSet[State] = weakref.WeakSet()


def _after_fork() -> None:
    for state in list(_states):
        state.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _site_name(app: Flask, settings: Settings) -> str:
    # Applications of one package share its instance folder: what they are called, and
    # where they are found, tells them apart.
    where = settings.origin or app.config.get("SERVER_NAME") or ""
    return f"{app.import_name} {app.name} {where}".strip()


def _runner(settings: Settings) -> Runner:
    if settings.runner == "inline":
        return InlineRunner()
    if settings.runner == "thread":
        return ThreadRunner(
            job_timeout=settings.render_timeout, grace=settings.wait_timeout
        )
    return settings.runner
