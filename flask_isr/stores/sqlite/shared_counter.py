"""The announced counter: one machine word that all processes map into their memory."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

from .ownership import open_own

# A whole page of real zeros: a write to a hole of a sparse file on a full disk is SIGBUS.
_SIZE = 4096

# No counter ever gets there.
_NO_CLOCK = 2**64 - 1


class SharedCounter:
    """Eight bytes in a file, shared by all processes that have the store open.

    A writer that holds the store's write lock writes there the counter that it is about to
    commit. A reader compares it with the counter that it read from the store: unequal means
    "ask the store". Reading costs no system call and does not release the GIL.

    An aligned word is written and read at once on the platforms that CPython runs on, so
    that a reader finds the old number or the new one.

    :ivar is_new: whether the file was not there, or empty.
    """

    def __init__(self, path: Path) -> None:
        file = open_own(path, os.O_CREAT)
        try:
            missing = _SIZE - os.fstat(file).st_size
            if missing > 0:
                written = os.pwrite(file, bytes(missing), _SIZE - missing)
                if written < missing:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            self._map = mmap.mmap(file, _SIZE)
        finally:
            os.close(file)
        self._words = memoryview(self._map).cast("Q")
        self.is_new = missing == _SIZE

    def read(self) -> int:
        """The counter that was announced last."""
        return self._words[0]

    def write(self, clock: int) -> None:
        """Announce *clock*. Only the holder of the store's write lock may."""
        self._words[0] = clock

    def disown(self) -> None:
        """Have all ask the store who still map the file of a folder that is gone."""
        self._words[0] = _NO_CLOCK

    def is_ahead_of(self, clock: int) -> bool:
        """Whether more was announced than *clock*, unless the file is new."""
        return self._words[0] == 0 or clock < self._words[0] < _NO_CLOCK

    @property
    def replaced_at(self) -> float:
        """When the file took the place of one that processes may still map, in seconds
        since the machine's start; 0 if it did not."""
        return self._words[1] / 1000

    @replaced_at.setter
    def replaced_at(self, moment: float) -> None:
        self._words[1] = int(moment * 1000)
