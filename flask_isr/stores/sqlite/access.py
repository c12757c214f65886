"""The way of one process to the folder of the embedded store, which may come and go."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
import typing as t
from pathlib import Path

from ...background.fork import forget_at_fork
from ...core.entry import DAMAGE
from ...errors import StoreUnavailable
from .files import set_aside
from .folder import IDENTITY_CHECK
from .folder import OpenFolder
from .folder import is_corrupt
from .folder import time_since_start

logger = logging.getLogger("flask_isr.store")

# Seconds of waiting in vain after which visitors do not ask the store, and for how long.
_SLOW = 0.2
_BREAK = 1.0


class Access:
    """Opens the folder when it is needed, and again when it was replaced or is corrupt.

    :param on_restart: called when the folder is another one than before.
    :ivar folder: the folder as it is open; ``None`` while it is not.
    :ivar shift: store time minus time since the machine's start, in seconds.
    """

    def __init__(self, path: Path, on_restart: t.Callable[[], None]) -> None:
        self.path = path
        self.on_restart = on_restart
        self._lock = threading.Lock()
        self._down_until = float("-inf")
        self.folder: OpenFolder | None = None
        # As a new folder would count, until one was opened.
        self.shift = time.time() - time_since_start()
        forget_at_fork(self)

    def opened(self, *, check: bool = False) -> OpenFolder:
        """The open folder.

        :param check: look at whether it is still the same one, as is done once a second.
        :raises OSError, sqlite3.Error: where it cannot be opened.
        """
        folder = self.folder
        if folder is not None:
            due = check or time.monotonic() - folder.checked_at > IDENTITY_CHECK
            if not due or folder.is_current(self.path):
                return folder
        with self._lock:
            folder = self.folder
            if folder is not None and folder.is_current(self.path):
                return folder
            self.folder = None
            folder = self.folder = self._open_after(folder)
            self.shift = folder.shift
        self.on_restart()
        return folder

    def confirm(self, folder: OpenFolder) -> None:
        """See that what was just written into *folder* is where others look for it.

        :raises OSError: where its files were replaced meanwhile.
        """
        if not folder.is_current(self.path):
            raise OSError("its files were replaced meanwhile")

    def _open_after(self, before: OpenFolder | None) -> OpenFolder:
        if before is None:
            return OpenFolder.open(self.path)
        logger.warning(
            "the folder %s was replaced or deleted; what is there now is used",
            self.path,
        )
        # Before anything is invalidated in the new one.
        before.word.disown()
        try:
            return OpenFolder.open(self.path, before.identity)
        finally:
            # Last: until then others see that somebody has these files open.
            before.close()

    @contextlib.contextmanager
    def guarded(self, what: str, *, bypass_breaker: bool = False) -> t.Iterator[None]:
        """Turn errors into StoreUnavailable.

        :param bypass_breaker: try also if the store did not answer a moment ago. Visitors
            do not: each of them would wait for it, one after the other.
        """
        if not bypass_breaker and time.monotonic() < self._down_until:
            raise StoreUnavailable(what, "it did not answer a moment ago")
        started = time.monotonic()
        folder = self.folder
        try:
            yield
        except (sqlite3.Error, OSError, *DAMAGE) as error:
            failed = time.monotonic()
            # To open it again and again is slow, however fast that fails.
            if failed - started > _SLOW or self.folder is None:
                self._down_until = failed + _BREAK
            if is_corrupt(error):
                self._set_aside(folder, error)
            raise StoreUnavailable(what, error) from error

    def _set_aside(self, folder: OpenFolder | None, error: BaseException) -> None:
        with self._lock:
            if folder is None or self.folder is not folder:
                # Another thread was faster, and this process has a new folder by now.
                return
            self.folder = None
            logger.error(
                "the page store in %s is damaged and set aside; pages are rendered"
                " anew: %s",
                self.path,
                error,
            )
            folder.close()
            with contextlib.suppress(OSError):
                set_aside(self.path, folder.identity)

    def close(self) -> None:
        """Let go of files and locks."""
        with self._lock:
            if self.folder is not None:
                self.folder.close()
                self.folder = None

    def after_fork(self) -> None:
        """Forget the parent's files in a child process, without touching them."""
        self._lock = threading.Lock()
        if self.folder is not None:
            self.folder.abandon()
            self.folder = None
