"""What many tests use: a settable clock, an application in a temporary folder."""

from __future__ import annotations

import inspect
import threading
import typing as t
from pathlib import Path

from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskCliRunner
from werkzeug.test import TestResponse

from flask_isr import ISR
from flask_isr import testing
from flask_isr.runtime import Runtime

SECRET = "a secret of more than sixteen characters"

# Seconds after which a test that waits for another thread gives up: never reached where
# the code is right.
PATIENCE = 20.0

#: The store's time, set by the test.
Clock = testing.Clock


class CommandRunner(FlaskCliRunner):
    """Runs commands, and keeps what they write to stderr apart."""

    def __init__(self, app: Flask) -> None:
        # Since click 8.2 it is always kept apart.
        mixes = "mix_stderr" in inspect.signature(CliRunner).parameters
        super().__init__(app, **{"mix_stderr": False} if mixes else {})


class Site:
    """An application with Flask-ISR, and a browser without cookies or cache.

    :ivar app: the application; add views before the first request.
    :ivar clock: the store's time.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        config: dict[str, t.Any],
        app_class: type[Flask] = Flask,
    ) -> None:
        self.clock = clock
        self.app = app_class("site", instance_path=str(folder))
        self.app.test_cli_runner_class = CommandRunner
        self.app.config.update({"ISR_SECRET": SECRET, **config})
        self.isr = ISR(self.app, clock=clock)

    @property
    def state(self) -> Runtime:
        """The extension's state of the application."""
        state = self.app.extensions["isr"]
        assert isinstance(state, Runtime)
        return state

    def get(self, path: str, **kwargs: t.Any) -> TestResponse:
        """GET *path* as a stranger; goes through the middleware, as from a server."""
        return self.app.test_client(use_cookies=False).get(path, **kwargs)

    def settle(self) -> None:
        """Wait until no render runs in the background."""
        assert self.state.runner.drain(PATIENCE)

    def close(self) -> None:
        """Wait for background work and let go of the files."""
        self.state.runner.drain(PATIENCE)
        self.state.store.close()


def rooted_in(root: Path) -> type[Flask]:
    """A class of applications whose code and templates are in *root*."""

    class App(Flask):
        def __init__(self, name: str, **options: t.Any) -> None:
            super().__init__(name, root_path=str(root), **options)

    return App


def cache_state(response: TestResponse) -> str | None:
    """``HIT``, ``STALE``, ``MISS`` or ``BYPASS``."""
    return response.headers.get("X-ISR-Cache")


def detail(response: TestResponse) -> str | None:
    """Why the view answered, if it did."""
    status = response.headers["Cache-Status"]
    return status.partition("detail=")[2] if "fwd=bypass" in status else None


class Gate:
    """A point at which a view stops until the test opens it.

    :ivar arrived: set when the view is there.
    """

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self._open = threading.Event()

    def pass_through(self) -> None:
        """Called by the view: stop here until the gate is open."""
        self.arrived.set()
        assert self._open.wait(PATIENCE)

    def open(self) -> None:
        """Let the view go on."""
        self._open.set()

    def wait(self) -> None:
        """Wait until the view has arrived."""
        assert self.arrived.wait(PATIENCE)


class InThread(threading.Thread):
    """Runs a function in a thread; :meth:`result` gives what it returned or raised."""

    def __init__(self, function: t.Callable[[], t.Any]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._result: t.Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Call the function; the thread does."""
        try:
            self._result = self._function()
        except BaseException as error:
            self._error = error

    def result(self) -> t.Any:
        """Wait for the end of the function."""
        self.join(PATIENCE)
        assert not self.is_alive(), "the function did not end"
        if self._error is not None:
            raise self._error
        return self._result
