"""Invalidations that could not be recorded at the end of a request, tried again."""

from __future__ import annotations

import logging
import threading
import time
import typing as t
from collections import deque

from .errors import StoreUnavailable

if t.TYPE_CHECKING:
    from .core.runner import Runner

logger = logging.getLogger("flask_isr")

# Seconds between two attempts, and how long one goes on.
_PAUSE = 1.0
_PATIENCE = 600.0

# Actions kept; with the store down for minutes, the oldest give way, and it is said.
_KEPT = 1000


class Retries:
    """Repeats actions in the background until the store takes them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._waiting: deque[tuple[float, t.Callable[[], None]]] = deque()
        self._running = False

    def add(self, action: t.Callable[[], None]) -> None:
        """Repeat *action* until it no longer raises StoreUnavailable."""
        with self._lock:
            if len(self._waiting) >= _KEPT:
                self._waiting.popleft()
                logger.error("an invalidation was given up: the store is not there")
            self._waiting.append((time.monotonic(), action))
            if self._running:
                return
            self._running = True
        if not self._runner.spawn(self._run):
            self._running = False

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running = False
                    return
                since, action = self._waiting[0]
            try:
                action()
            except StoreUnavailable as error:
                if time.monotonic() - since < _PATIENCE:
                    time.sleep(_PAUSE)
                    continue
                logger.error("an invalidation was given up: %s", error)
            with self._lock:
                if self._waiting and self._waiting[0][1] is action:
                    self._waiting.popleft()
