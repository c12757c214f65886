"""Whether a process that took a lease still lives, as its kernel knows."""

from __future__ import annotations

import contextlib
import os
import secrets
import types
from pathlib import Path

from .ownership import open_own

fcntl: types.ModuleType | None
try:
    import fcntl
except ImportError:
    # Windows: leases end by their deadline there.
    fcntl = None


class Liveness:
    """A locked file for this process, and a look at those of others.

    The kernel drops the lock at the moment in which the process ends, however it ends.

    :param folder: where the files are; shared by all processes of the store.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(mode=0o700, exist_ok=True)
        #: The name of this process in leases.
        self.name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._file = self._lock_own()

    def _lock_own(self) -> int:
        path = self._folder / self.name
        while True:
            file = open_own(path, os.O_CREAT)
            if fcntl is None:
                return file
            fcntl.flock(file, fcntl.LOCK_EX)
            # A sweeper may have taken the file away before it was locked.
            with contextlib.suppress(FileNotFoundError):
                if os.path.sameopenfile(file, own := os.open(path, os.O_RDONLY)):
                    os.close(own)
                    return file
                os.close(own)
            os.close(file)

    def lives(self, name: str) -> bool:
        """Whether the process called *name* is there. Its file is removed if not."""
        return name == self.name or _is_held(self._folder / name)

    def is_there(self) -> bool:
        """Whether others find this process's file; else they take it for dead."""
        return (self._folder / self.name).exists()

    def sweep(self) -> None:
        """Remove the files of processes that are gone."""
        for path in self._folder.iterdir():
            # What is no such file is none of ours.
            with contextlib.suppress(OSError):
                self.lives(path.name)

    def disown(self) -> None:
        """Let go of the file in a child process after a fork; its parent keeps it."""
        with contextlib.suppress(OSError):
            os.close(self._file)

    def close(self) -> None:
        """End this process's life in the eyes of the others."""
        with contextlib.suppress(OSError):
            (self._folder / self.name).unlink()
        self.disown()


def anybody_lives(folder: Path) -> bool:
    """Whether a process has its file in *folder*, as far as that can be told."""
    if fcntl is None:
        return False
    try:
        paths = list(folder.iterdir())
    except OSError:
        return False
    return any(_is_held(path) for path in paths)


def _is_held(path: Path) -> bool:
    if fcntl is None:
        return True
    try:
        file = open_own(path, 0)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return False
    finally:
        os.close(file)
