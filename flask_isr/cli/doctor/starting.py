"""Finds the files that an application reads while it is made, such as content that it
loads into a database of its own. It is made once more for that, in another process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from flask.cli import ScriptInfo

from .opened import noting


def opened_at_start(timeout: float, root: Path) -> set[str]:
    """The files beside the application that it opens for reading while it is made.

    None are found if the command was given the application, and did not find it by name.

    :param timeout: seconds after which it is left alone.
    :param root: the application's folder; what is below it or the current one counts.
    """
    context = click.get_current_context(silent=True)
    info = None if context is None else context.find_object(ScriptInfo)
    if info is None or info.create_app is not None:
        return set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "opened")
        command = [
            sys.executable,
            "-m",
            __name__,
            str(path),
            info.app_import_path or "",
        ]
        # A failure is told when the application is started.
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(
                command,
                check=False,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        text = path.read_text() if path.exists() else ""
    places = [Path.cwd(), root]
    return {name for name in text.split("\0") if name and _is_beside(name, places)}


def _is_beside(name: str, places: list[Path]) -> bool:
    """Whether *name* is a file in one of *places*, and not hidden there: settings and what
    tools write are hidden."""
    path = Path(os.path.realpath(name))
    parts = [
        path.relative_to(place).parts for place in places if path.is_relative_to(place)
    ]
    return any(
        not any(part.startswith(".") or part.endswith(".egg-info") for part in inside)
        for inside in parts
    )


def _main(path: str, app: str) -> None:
    opened: set[str] = set()
    with noting(opened):
        ScriptInfo(app_import_path=app or None).load_app()
    Path(path).write_text("\0".join(list(opened)))
    # Threads that the application started may never end.
    os._exit(0)


if __name__ == "__main__":
    _main(*sys.argv[1:])
