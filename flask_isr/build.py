"""Which deployment of the application makes a page."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import typing as t
from pathlib import Path

from flask import Flask

# Folders that are not the application's own, wherever they are.
_FOREIGN = {"__pycache__", "node_modules", "site-packages"}

# Files looked at; an application with more had better say its build itself.
_FILES = 10_000


def digest_of(app: Flask) -> str:
    """A digest of the Python files and templates of *app*, as they were on disk when it
    was first asked for in this process.

    Equal for all processes and machines that run the same code. Packages that are
    installed, virtual environments, the instance folder and hidden folders are left out.
    """
    templates = Path(app.template_folder or "templates").name
    return _digest(Path(app.root_path), Path(app.instance_path), templates)


@functools.cache
def _digest(root: Path, instance: Path, templates: str) -> str:
    digest = hashlib.blake2b(digest_size=10)
    named = {"templates", templates}
    for path in itertools.islice(_walk(root, instance), _FILES):
        parts = path.relative_to(root).parts
        if path.suffix == ".py" or named.intersection(parts[:-1]):
            digest.update("/".join(parts).encode("utf-8", "surrogateescape"))
            digest.update(hashlib.blake2b(_content(path)).digest())
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # Gone meanwhile, or not ours to read.
        return b""


def _walk(root: Path, instance: Path) -> t.Iterator[Path]:
    for current, folders, files in os.walk(root):
        here = Path(current)
        folders[:] = sorted(
            name for name in folders if here / name != instance and _is_own(here / name)
        )
        for name in sorted(files):
            yield here / name


def _is_own(folder: Path) -> bool:
    if folder.name.startswith(".") or folder.name in _FOREIGN:
        return False
    return not (folder / "pyvenv.cfg").exists()
