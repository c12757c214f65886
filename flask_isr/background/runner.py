"""Work behind the visitors' backs, in threads of this process."""

from __future__ import annotations

import contextvars
import logging
import typing as t

from .threads import Job
from .threads import run_guarded

logger = logging.getLogger("flask_isr.runner")


class Runner(t.Protocol):
    """Where renders run that no visitor's own thread does."""

    def submit(self, job: Job) -> bool:
        """Run *job* in the background soon; false when there is too much to do already,
        and then *job* never runs."""

    def spawn(self, job: Job) -> bool:
        """Run *job* now while its caller waits for it, on another stack; false as above."""

    def drain(self, timeout: float) -> bool:
        """Wait until nothing runs, at most *timeout* seconds; whether that came true."""

    def tend(self) -> None:
        """Look after jobs that hang; called while one is queued for long."""


class GuardedRunner:
    """A Runner of the application's own, whose faults never reach a visitor.

    Only its ``submit`` and ``spawn`` are asked for; the other methods may be missing.
    """

    def __init__(self, runner: t.Any) -> None:
        self._runner = runner

    def submit(self, job: Job) -> bool:
        """Its ``submit``; refused where that raises."""
        return self._guarded("submit", False, job)

    def spawn(self, job: Job) -> bool:
        """Its ``spawn``; refused where that raises."""
        return self._guarded("spawn", False, job)

    def drain(self, timeout: float) -> bool:
        """Its ``drain``, where it has one."""
        return self._guarded("drain", True, timeout)

    def tend(self) -> None:
        """Its ``tend``, where it has one."""
        self._guarded("tend", True)

    def _guarded(self, name: str, otherwise: bool, *args: t.Any) -> bool:
        method = getattr(self._runner, name, None)
        if method is None:
            return otherwise
        try:
            return bool(method(*args))
        except Exception:
            logger.exception("ISR_RUNNER: %s() of %r failed", name, self._runner)
            return False


class InlineRunner:
    """Runs everything at once where it is asked for: for tests, and for platforms that
    freeze a process between two requests."""

    def submit(self, job: Job) -> bool:
        """Run *job* before this returns."""
        contextvars.Context().run(run_guarded, job)
        return True

    spawn = submit

    def drain(self, timeout: float) -> bool:
        """Nothing ever runs in the background."""
        return True

    def tend(self) -> None:
        """Nothing ever hangs in the background."""
