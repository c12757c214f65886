"""Repeats what failed because the store or the application was not available."""

from __future__ import annotations

import logging
import threading
import time
import typing as t
from dataclasses import dataclass

from .threads import Threads

logger = logging.getLogger("flask_isr")

# Seconds between two attempts, and seconds after which an action is given up.
_PAUSE = 1.0
_PATIENCE = 600.0

# At most so many actions are kept. If there are more, the oldest is given up and logged.
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Waiting:
    key: t.Hashable
    name: str
    action: t.Callable[[], bool]
    since: float


class Retries:
    """Repeats actions on a thread of its own until they succeed.

    It does not use the Runner, which may do its work on the caller's stack.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = Threads()
        self._waiting: dict[t.Hashable, _Waiting] = {}
        self._running = False

    def add(self, key: t.Hashable, name: str, action: t.Callable[[], bool]) -> None:
        """Repeat *action* until it returns true.

        :param key: identifies the action: of several with one key, the last is kept.
        :param name: a name of the action, for people.
        """
        with self._lock:
            if key not in self._waiting and len(self._waiting) >= _KEPT:
                self._give_up(self._waiting.pop(next(iter(self._waiting))))
            # It replaces one with this key, which may be running too early to do for both.
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
            # No caller is left to raise this to, and the other actions must go on.
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
