"""A pool of threads for work that no visitor waits for."""

from __future__ import annotations

import atexit
import contextvars
import logging
import os
import threading
import time
import typing as t
import weakref
from collections import deque
from dataclasses import dataclass

from .fork import forget_at_fork
from .threads import Job
from .threads import Threads
from .threads import run_guarded

logger = logging.getLogger("flask_isr.runner")


@dataclass(slots=True)
class _Running:
    """A thread at work, and when its job began."""

    began: float
    written_off: bool = False


class ThreadRunner:
    """A bounded number of threads, started when there is work and ended when there is none.

    No thread is started before the first job, so that none is lost if a server forks.
    Under gevent's monkey patches the threads are greenlets.

    :param workers: background jobs at a time.
    :param queue: background jobs that may wait for a thread.
    :param foreground: jobs at a time whose callers wait.
    :param job_timeout: seconds after which a background job is written off: it goes on,
        but another thread takes its place.
    :param hanging: jobs that may be written off at a time; no more are replaced until one
        of them ends.
    :param grace: seconds for which the end of the process waits for running jobs.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        queue: int = 8,
        foreground: int = 64,
        job_timeout: float = 60.0,
        hanging: int = 32,
        grace: float = 10.0,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers = workers
        self._queue_length = queue
        self._foreground = foreground
        self._job_timeout = job_timeout
        self._hanging = hanging
        self._grace = grace
        self._clock = clock
        self._ends_with: int | None = None
        self.after_fork()
        forget_at_fork(self)

    def after_fork(self) -> None:
        """Begin anew after a fork: the threads of the parent process are not here, and its
        lock may have been held."""
        self._lock = threading.Condition()
        self._threads = Threads()
        self._queue: deque[Job] = deque()
        self._background: dict[int, _Running] = {}
        self._in_front = 0
        self._ending = False
        self._names = 0

    def submit(self, job: Job) -> bool:
        """Run *job* on a free thread, or queue it, or refuse it."""
        self._end_with_process()
        with self._lock:
            if self._ending:
                return False
            self._replace_hanging()
            if self._busy_workers() < self._workers:
                return self._start_worker(job)
            if len(self._queue) < self._queue_length:
                self._queue.append(job)
                return True
            return False

    def spawn(self, job: Job) -> bool:
        """Run *job* on a thread of its own."""
        self._end_with_process()
        with self._lock:
            if self._in_front >= self._foreground:
                return False
            self._in_front += 1
        if not self._threads.run(lambda: self._work_in_front(job)):
            with self._lock:
                self._in_front -= 1
            return False
        return True

    def tend(self) -> None:
        """Write off jobs that hang, and give queued ones their threads."""
        with self._lock:
            self._replace_hanging()

    def _replace_hanging(self) -> None:
        self._write_off()
        while self._queue and self._busy_workers() < self._workers:
            job = self._queue.popleft()
            if not self._start_worker(job):
                self._queue.appendleft(job)
                return

    def drain(self, timeout: float) -> bool:
        """Wait for queue and running jobs; those written off are not waited for."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while self._queue or self._in_front or self._busy_workers():
                if not self._lock.wait(deadline - time.monotonic()):
                    return False
        return True

    def _end_with_process(self) -> None:
        # The process that works may be a fork of the one that made this runner.
        pid = os.getpid()
        if self._ends_with != pid:
            self._ends_with = pid
            atexit.register(_end, weakref.ref(self))

    def end(self) -> None:
        """Refuse further jobs, and wait for those that were taken."""
        with self._lock:
            self._ending = True
        if not self.drain(self._grace):
            logger.warning(
                "the process ends while renders still run, after %s s of waiting",
                self._grace,
            )

    def _busy_workers(self) -> int:
        return sum(not running.written_off for running in self._background.values())

    def _write_off(self) -> None:
        overdue = self._clock() - self._job_timeout
        lost = sum(running.written_off for running in self._background.values())
        for running in self._background.values():
            if lost >= self._hanging:
                return
            if not running.written_off and running.began < overdue:
                running.written_off = True
                lost += 1
                logger.warning(
                    "a background render takes longer than %s s; another thread takes its"
                    " place",
                    self._job_timeout,
                )

    def _start_worker(self, job: Job) -> bool:
        self._names += 1
        name = self._names
        self._background[name] = _Running(self._clock())
        if not self._threads.run(lambda: self._work(name, job)):
            del self._background[name]
            return False
        return True

    def _work(self, name: int, job: Job) -> None:
        more: Job | None = job
        while more is not None:
            try:
                contextvars.Context().run(run_guarded, more)
            finally:
                more = self._finished(name)

    def _finished(self, name: int) -> Job | None:
        with self._lock:
            running = self._background[name]
            if not running.written_off and self._queue:
                running.began = self._clock()
                return self._queue.popleft()
            del self._background[name]
            self._lock.notify_all()
            return None

    def _work_in_front(self, job: Job) -> None:
        try:
            job()
        finally:
            with self._lock:
                self._in_front -= 1
                self._lock.notify_all()


def _end(reference: weakref.ref[ThreadRunner]) -> None:
    runner = reference()
    if runner is not None:
        runner.end()
