"""``flask isr doctor`` on the store: the folder, its owner, its disk."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ...errors import StoreUnavailable
from ...runtime import Runtime
from ..common import foreign_owner
from ..common import not_yours
from ..format import duration
from ..format import size
from .finding import Finding
from .finding import Findings

# At most so many pages are looked at: each of them is read.
_LOOKED_AT = 10_000

# The file in which Linux lists what is mounted; on other systems there is no check.
_MOUNTS = Path("/proc/self/mounts")

# File systems of other machines, on which the locks of SQLite do not hold.
_REMOTE = re.compile(
    r"nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|lustre|gpfs|beegfs|ocfs2|davfs|fuse\..+"
    r"|vboxsf|vmhgfs|virtiofs"
)


def check_folder(runtime: Runtime) -> Findings:
    """Whether this user can store pages, and owns the folder and its files."""
    folder = runtime.store.capabilities.folder
    if folder is None:
        return
    if not folder.exists():
        yield _missing(folder)
    elif not folder.is_dir():
        text = (
            f"{folder} is a file: set ISR_FOLDER to a folder, or to where none is yet."
        )
        yield Finding("store", "problem", text)
    elif foreign_owner(folder) is not None:
        # Looking into the folder would leave files of this user there.
        yield Finding("store", "problem", not_yours(folder))
    elif strange := [
        path for path in folder.iterdir() if foreign_owner(path, follows=False)
    ]:
        owner = foreign_owner(strange[0], follows=False)
        yield Finding(
            "store",
            "problem",
            f"{strange[0]} belongs to {owner}, unlike the folder: give"
            " all of the folder to its owner (chown -R), and run all commands as that"
            " user.",
        )
    else:
        yield written(runtime, str(folder))


def _missing(folder: Path) -> Finding:
    parent = _existing(folder)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        return Finding(
            "store",
            "problem",
            f"{folder} does not exist, and you may not make it in {parent}: make it for"
            " the server's user, or set ISR_FOLDER to a folder of that user's.",
        )
    return Finding("store", "ok", f"{folder} does not exist; the first page makes it.")


def written(runtime: Runtime, place: str) -> Finding:
    """Whether the store at *place* takes what is written."""
    try:
        runtime.store.next_version()
    except StoreUnavailable as error:
        return Finding(
            "store",
            "problem",
            f"{error}. Every page is rendered for each visitor until that is mended.",
        )
    return Finding("store", "ok", f"{place} can be read and written.")


def check_disk(runtime: Runtime) -> Findings:
    """Whether the folder is on this machine, and its disk has room for it."""
    own = runtime.store.capabilities.folder
    if own is None:
        return
    folder = _existing(own)
    kind = file_system(folder)
    if kind is None:
        text = "what disk the folder is on cannot be told here; it must be a local one."
        yield Finding("disk", "ok", text)
    elif _REMOTE.fullmatch(kind):
        yield Finding(
            "disk",
            "problem",
            f"{folder} is on a file system of type {kind}, on which locks may not hold: set"
            " ISR_FOLDER to a folder on a local disk.",
        )
    else:
        yield Finding("disk", "ok", f"the folder is on a local disk ({kind}).")
    yield _room(runtime, folder)


def check_identity(runtime: Runtime) -> Findings:
    """Whether the store has pages of the same code with another configuration."""
    folder = runtime.store.capabilities.folder
    if folder is not None and not folder.exists():
        # Looking would make the folder.
        return
    for twin in runtime.twins.others():
        ago = duration(max(0.0, runtime.store.now() - twin.at))
        yield Finding(
            "identity",
            "problem",
            f"{ago} ago the application was seen in this store {twin}",
        )


def _room(runtime: Runtime, folder: Path) -> Finding:
    settings = runtime.settings
    free = shutil.disk_usage(folder).free
    if free < settings.page_bytes:
        return Finding(
            "space",
            "problem",
            f"only {size(free)} are free, less than one page may take"
            f" ({size(settings.page_bytes)}): make room.",
        )
    wanted = settings.store_bytes - _taken(settings.folder)
    if free < wanted:
        return Finding(
            "space",
            "warning",
            f"{size(free)} are free, and the pages may come to take {size(wanted)} more:"
            " lower ISR_STORE_BYTES, or make room.",
        )
    return Finding("space", "ok", f"{size(free)} are free.")


def _taken(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("pages.sqlite*"))


def _existing(path: Path) -> Path:
    """*path*, or the nearest folder above it that exists."""
    return next(
        folder for folder in (path, *path.absolute().parents) if folder.exists()
    )


def file_system(folder: Path) -> str | None:
    """The type of the file system of *folder*; ``None`` if it cannot be told."""
    try:
        lines = _MOUNTS.read_text().splitlines()
    except OSError:
        return None
    real = folder.resolve()
    mounts = [_mount(line) for line in lines]
    # The deepest mount counts and, of several at one place, the last.
    below = [mount for mount in reversed(mounts) if real.is_relative_to(mount[0])]
    deepest = max(below, key=lambda mount: len(mount[0].parts), default=None)
    return None if deepest is None else deepest[1]


def _mount(line: str) -> tuple[Path, str]:
    _, point, kind, *_ = line.split(" ")
    # Spaces and the like are written as octal numbers.
    plain = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), point)
    return Path(plain), kind
