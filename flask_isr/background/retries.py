"""What could not be done at once for want of the store or the application, tried again."""

from __future__ import annotations

import logging
import threading
import time
import typing as t
from dataclasses import dataclass

from .threads import Threads

logger = logging.getLogger("flask_isr")

# Seconds between two attempts, and for how long one goes on.
_PAUSE = 1.0
_PATIENCE = 600.0

# Actions kept; beyond, the oldest gives way, and that is said.
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Waiting:
    key: t.Hashable
    name: str
    action: t.Callable[[], bool]
    since: float


class Retries:
    """Repeats actions on a thread of its own until they succeed.

    Not on the Runner: that may do its work on the caller's stack.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = Threads()
        self._waiting: dict[t.Hashable, _Waiting] = {}
        self._running = False

    def add(self, key: t.Hashable, name: str, action: t.Callable[[], bool]) -> None:
        """Repeat *action* until it returns true.

        :param key: what it does: of several that do the same, one is kept.
        :param name: what it is about, for people.
        """
        with self._lock:
            if key not in self._waiting and len(self._waiting) >= _KEPT:
                self._give_up(self._waiting.pop(next(iter(self._waiting))))
            # Also in the place of an equal one, which may be at work too early for this.
            self._waiting[key] = _Waiting(key, name, action, time.monotonic())
            if not self._running:
                self._running = self._threads.run(self._run)

    def _run(self) -> None:
        while True:
            time.sleep(_PAUSE)
            with self._lock:
                due = list(self._waiting.values())
            for waiting in due:
                if self._succeeds(waiting):
                    self._remove(waiting)
            with self._lock:
                if not self._waiting:
                    self._running = False
                    return

    def _remove(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._waiting.get(waiting.key) is waiting:
                del self._waiting[waiting.key]

    def _succeeds(self, waiting: _Waiting) -> bool:
        try:
            if waiting.action():
                logger.info("%s succeeded after all", waiting.name)
                return True
        except BaseException:
            # Nobody is there to whom it could be raised, and the others must go on.
            logger.exception("%s failed again", waiting.name)
        if time.monotonic() - waiting.since < _PATIENCE:
            return False
        self._give_up(waiting)
        return True

    @staticmethod
    def _give_up(waiting: _Waiting) -> None:
        logger.error(
            "%s was given up, and old pages may still be served: repeat it, or run 'flask"
            " isr clear'",
            waiting.name,
        )
