"""Whose the files of the embedded store are: the server's own, and nothing but files."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

# Everything that this process or SQLite opens there.
_FILES = (
    "lock",
    "clock",
    *(
        f"{database}.sqlite{suffix}"
        for database in ("pages", "work")
        for suffix in ("", "-journal", "-wal", "-shm")
    ),
)

# Not on Windows, where neither links nor owners are what they are here.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class NotOurs(OSError):
    """Something in the folder may be of somebody else's making."""


def open_own(path: Path, flags: int) -> int:
    """Open a file of the store for reading and writing, as its owner alone may; never what
    a link leads to."""
    flags |= os.O_RDWR | os.O_CLOEXEC | _NO_LINK
    return os.open(path, flags, 0o600)


def check_ownership(folder: Path) -> None:
    """See that nobody else can have put anything into *folder*, which exists.

    The folder may be reached by a link: who made that is the configuration's concern.

    :raises NotOurs: with what is wrong, and what to do.
    """
    if not hasattr(os, "geteuid"):
        return
    found = folder.stat()
    _check_owner(folder, found)
    if found.st_mode & stat.S_IWOTH:
        raise NotOurs(f"everybody may write to {folder}: run chmod o-w on it")
    for path in _paths(folder):
        _check_file(path)


def _paths(folder: Path) -> t.Iterator[Path]:
    yield from (folder / name for name in _FILES)
    processes = folder / "processes"
    try:
        found = processes.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        raise NotOurs(f"{processes} is no folder: remove it")
    _check_owner(processes, found)
    yield from processes.iterdir()


def _check_file(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise NotOurs(f"{path} is no plain file, but a link or the like: remove it")
    _check_owner(path, found)


def _check_owner(path: Path, found: os.stat_result) -> None:
    user = os.geteuid()
    if found.st_uid != user:
        raise NotOurs(
            f"{path} belongs to user {found.st_uid}, and the server runs as user {user}:"
            " give all of the folder to that user (chown -R), or set ISR_FOLDER to a folder"
            " of its own"
        )
