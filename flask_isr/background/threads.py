"""Threads that are started when there is work, and linger a while for more."""

from __future__ import annotations

import contextvars
import logging
import threading
import typing as t
from collections import deque

logger = logging.getLogger("flask_isr.runner")

Job: t.TypeAlias = t.Callable[[], None]

# Seconds for which a thread waits for more work: handing a job to a waiting thread costs a
# fifth of starting one.
_LINGER = 5.0


class Threads:
    """Runs each job at once on a thread of its own, without a limit on their number."""

    def __init__(self) -> None:
        self._work = threading.Condition()
        self._handed: deque[Job] = deque()
        self._idle = 0

    def run(self, job: Job) -> bool:
        """Run *job* in an empty context; false if no thread can be had.

        The threads are daemons: a job that hangs does not keep the process from ending.
        """
        with self._work:
            if self._idle > len(self._handed):
                self._handed.append(job)
                self._work.notify()
                return True
        thread = threading.Thread(
            target=self._live, args=(job,), name="flask-isr", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning("no thread could be started for a render: %s", error)
            return False
        return True

    def _live(self, first: Job) -> None:
        job: Job | None = first
        while job is not None:
            # Explicitly empty: if threads inherit contexts, a render would see that of the
            # visitor.
            contextvars.Context().run(run_guarded, job)
            # What the job holds must not live on while the thread waits.
            job = None
            job = self._next()

    def _next(self) -> Job | None:
        with self._work:
            self._idle += 1
            try:
                self._work.wait_for(lambda: self._handed, _LINGER)
            finally:
                self._idle -= 1
            return self._handed.popleft() if self._handed else None


def run_guarded(job: Job) -> None:
    """Run *job*; what it raises is logged, and ends here."""
    try:
        job()
    except BaseException:
        # A view may raise SystemExit or a gevent.Timeout: these cannot be meant for a
        # thread of ours.
        logger.exception("a background job failed")
