"""Runners: background work in threads of this process."""

from __future__ import annotations

import contextvars
import logging
import typing as t

from .threads import Job
from .threads import run_guarded

logger = logging.getLogger("flask_isr.runner")


class Runner(t.Protocol):
    """Runs renders outside of the threads that answer visitors."""

    def submit(self, job: Job) -> bool:
        """Run *job* in the background soon. If there is too much to do already, return
        false and never run *job*."""

    def spawn(self, job: Job) -> bool:
        """Run *job* now, on another stack, while its caller waits; false as for
        :meth:`submit`."""

    def drain(self, timeout: float) -> bool:
        """Wait until nothing runs, at most *timeout* seconds; return whether it is so."""

    def tend(self) -> None:
        """Deal with jobs that hang; called while a job has been queued for long."""


class GuardedRunner:
    """A Runner of the application's own, whose faults never reach a visitor.

    It must have ``submit`` and ``spawn``; the other methods may be missing.
    """

    def __init__(self, runner: t.Any) -> None:
        self._runner = runner

    def submit(self, job: Job) -> bool:
        """Call its ``submit``; the job counts as refused if that raises."""
        return self._guarded("submit", False, job)

    def spawn(self, job: Job) -> bool:
        """Call its ``spawn``; the job counts as refused if that raises."""
        return self._guarded("spawn", False, job)

    def drain(self, timeout: float) -> bool:
        """Call its ``drain``, if it has one."""
        return self._guarded("drain", True, timeout)

    def tend(self) -> None:
        """Call its ``tend``, if it has one."""
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
    """Runs each job at once on the caller's thread: for tests, and for platforms that
    freeze a process between two requests."""

    def submit(self, job: Job) -> bool:
        """Run *job* before this returns."""
        contextvars.Context().run(run_guarded, job)
        return True

    spawn = submit

    def drain(self, timeout: float) -> bool:
        """Return at once: nothing ever runs in the background."""
        return True

    def tend(self) -> None:
        """Do nothing: nothing ever hangs in the background."""
