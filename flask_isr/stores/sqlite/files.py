"""The files in the folder of the embedded store: which ones, and room for new ones."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import typing as t
from pathlib import Path

from .liveness import anybody_lives
from .liveness import fcntl
from .ownership import open_own

logger = logging.getLogger("flask_isr.store")

# Seconds to wait for a process that opens the folder.
_PATIENCE = 1.0

# Seconds for which a process that ends may still seem to live, its databases closed.
_ENDING = 0.5

_DATABASES = ("pages.sqlite", "work.sqlite")

# A database, its log, and the index of that, which its processes share.
_SUFFIXES = ("", "-wal", "-shm")

#: The files that are made before SQLite makes its own beside them.
MAIN_FILES = ("clock", *_DATABASES)

#: All files by which the processes of one store know of each other. While a database is
#: open SQLite neither removes its side files nor makes new ones.
FILES = ("clock", *(f"{name}{suffix}" for name in _DATABASES for suffix in _SUFFIXES))

Identity: t.TypeAlias = dict[str, tuple[int, int]]


def identity(folder: Path, names: t.Iterable[str] = FILES) -> Identity:
    """Which files *folder* holds now; two that are equal are the same files.

    The word is one of them: while it is mapped, no other file can get its number. A link
    is another file than the one that it leads to.

    :raises OSError: where one is missing.
    """
    found = {name: os.lstat(f"{folder}/{name}") for name in names}
    return {name: (file.st_dev, file.st_ino) for name, file in found.items()}


@contextlib.contextmanager
def exclusively(folder: Path) -> t.Iterator[None]:
    """Keep other processes from opening *folder* or setting its files aside meanwhile.

    :raises TimeoutError: where one of them does not come to an end.
    """
    file = open_own(folder / "lock", os.O_CREAT)
    try:
        _lock(file)
        yield
    finally:
        os.close(file)


def _lock(file: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    "another process does not finish opening it"
                ) from None
            time.sleep(0.005)
        else:
            return


def set_aside(folder: Path, corrupt: Identity) -> None:
    """Make room for new databases in *folder*, unless another process did so already.

    :param corrupt: the files that were found to be corrupt.
    """
    with exclusively(folder):
        # The others may be gone: SQLite removes them with the last connection.
        if identity(folder, MAIN_FILES).items() <= corrupt.items():
            move_aside(folder)


def move_aside(folder: Path, names: t.Iterable[str] = _DATABASES) -> None:
    """Rename databases of *folder*, which the caller has for himself.

    Only the newest copy is kept, for whoever wants to look into it.
    """
    for name in names:
        # The log goes first: a log beside a new database would be taken for its own.
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(
                    folder / f"{name}{suffix}", folder / f"{name}.corrupt{suffix}"
                )


def move_torn(folder: Path, before: Identity | None) -> None:
    """Set databases of *folder*, which the caller has for himself, aside if some of their
    files were taken away or replaced and not the others.

    Whoever has such a database open goes on with files that nobody else finds: its writes,
    locks and invalidations would be two processes' own.

    :param before: the files that this process had open until now.
    """
    # A process knows what it had open itself.
    deadline = time.monotonic() + (_ENDING if before is None else 0)
    while torn := [name for name in _DATABASES if _is_torn(folder, name, before)]:
        if time.monotonic() >= deadline:
            logger.warning(
                "in %s, files of %s were taken away while they were in use; what is left is"
                " set aside, and pages are rendered anew: keep that folder from cleaners"
                " of temporary files",
                folder,
                " and ".join(torn),
            )
            move_aside(folder, torn)
        else:
            time.sleep(0.01)


def _is_torn(folder: Path, name: str, before: Identity | None) -> bool:
    names = [f"{name}{suffix}" for suffix in _SUFFIXES]
    found: Identity = {}
    for each in names:
        with contextlib.suppress(FileNotFoundError):
            found |= identity(folder, [each])
    if before is not None:
        same = [each for each in names if found.get(each) == before[each]]
        if 0 < len(same) < len(names):
            return True
    if name not in found:
        return bool(found)
    return len(found) < len(names) and anybody_lives(folder / "processes")
