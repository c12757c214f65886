"""What this process owes its store now and then, off the visitors' time."""

from __future__ import annotations

import logging
import time

from ..background.runner import Runner
from ..errors import StoreUnavailable
from .local_cache import LocalCache
from .store import Store

logger = logging.getLogger("flask_isr")

# Writes of this process between two tidy-ups of the store, and bytes that they wrote:
# few large pages exceed its limit as well as many small ones.
_MAINTAIN_EVERY = 64
_MAINTAIN_BYTES = 16 * 1024 * 1024

# Seconds between two reports of which pages were served from memory.
_REPORT_EVERY = 60.0

# Seconds between two warnings that the store is not there.
_WARN_EVERY = 60.0


class Maintenance:
    """Tidies the store, reports usage, and says when the store is not there."""

    def __init__(self, store: Store, memory: LocalCache, runner: Runner) -> None:
        self._store = store
        self._memory = memory
        self._runner = runner
        self._writes = self._bytes = 0
        self._reported_at: float | None = None
        self._warned_at: float | None = None

    def wrote(self, size: int) -> None:
        """Count a write of *size* bytes; now and then the store is tidied up in the
        background."""
        self._writes += 1
        self._bytes += size
        due = self._writes >= _MAINTAIN_EVERY or self._bytes >= _MAINTAIN_BYTES
        # Where the Runner has too much to do, the next write asks it again.
        if due and self._runner.submit(self._maintain):
            self._writes = self._bytes = 0

    def _maintain(self) -> None:
        try:
            self._store.maintain()
        except StoreUnavailable as error:
            self.report_unavailable(error)

    def report_usage(self, now: float) -> None:
        """Tell the store at most once a minute what was served from memory.

        :param now: the store's time in seconds.
        """
        last = self._reported_at
        if last is None:
            self._reported_at = now
        elif not 0 <= now - last < _REPORT_EVERY:
            self._reported_at = now
            self._runner.submit(self._report_usage)

    def _report_usage(self) -> None:
        used = self._memory.take_used()
        try:
            if used:
                self._store.used(used)
        except StoreUnavailable as error:
            self.report_unavailable(error)

    def report_unavailable(self, error: StoreUnavailable) -> None:
        """Log that the store is not there, at most once a minute."""
        now = time.monotonic()
        if self._warned_at is None or now - self._warned_at >= _WARN_EVERY:
            self._warned_at = now
            logger.warning("%s; pages are rendered for each visitor meanwhile", error)
