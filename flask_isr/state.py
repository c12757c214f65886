"""All that the extension knows of one application."""

from __future__ import annotations

import os
import random
import typing as t
import weakref

from flask import Flask

from .application import Application
from .config import Settings
from .core.answer import Limits
from .core.engine import Engine
from .core.memory import Memory
from .core.runner import InlineRunner
from .core.runner import Runner
from .core.runner import ThreadRunner
from .current import current_extension
from .listing import ClosedLists
from .render import Renderer
from .report import Reporter
from .revalidator import Revalidator
from .routes import Routes
from .stores.sqlite import SQLiteStore
from .unstored import Unstored
from .view import Door

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class State:
    """The parts for one application, wired; lives at ``app.extensions["isr"]``.

    :param inner: the WSGI application below the Front.
    :param clock: replaces the store's time, in seconds, for tests.
    :param on_prepare: called before the application's views are read.
    """

    def __init__(
        self,
        app: Flask,
        inner: WSGIApplication,
        settings: Settings,
        clock: t.Callable[[], float] | None,
        on_prepare: t.Callable[[Flask], None],
    ) -> None:
        self.settings = settings
        self.application = Application(app, inner, settings, on_prepare)
        self.reporter = Reporter(app)
        self.runner = _runner(settings)
        self.store = SQLiteStore(
            settings.folder, limit=settings.store_bytes, clock=clock
        )
        self.memory = Memory(self.store, settings.memory_bytes)
        self.store.on_restart = self.memory.clear
        renderer = Renderer(self.application)
        self.engine = Engine(
            store=self.store,
            memory=self.memory,
            runner=self.runner,
            render=renderer,
            limits=Limits(
                render=settings.render_timeout,
                wait=settings.wait_timeout,
                stale_if_error=settings.stale_if_error,
            ),
            random=random.random,
            observer=self.reporter,
        )
        self.lists = ClosedLists(
            self.application, self.store, self.runner, self.engine.upkeep.warn
        )
        self.revalidator = Revalidator(
            self.application, self.store, self.engine, self.lists, self.reporter
        )
        self.door = Door(
            self.application,
            self.engine,
            self.lists,
            self.reporter,
            Unstored(self.application, renderer, self.runner, self.reporter),
        )
        _states.add(self)

    @property
    def routes(self) -> Routes:
        """The static pages of the application."""
        return self.application.routes

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


_states: weakref.WeakSet[State] = weakref.WeakSet()


def _after_fork() -> None:
    for state in list(_states):
        state.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _runner(settings: Settings) -> Runner:
    if settings.runner == "inline":
        return InlineRunner()
    if settings.runner == "thread":
        return ThreadRunner(
            job_timeout=settings.render_timeout, grace=settings.wait_timeout
        )
    return settings.runner
