"""Helpers that several commands use."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import typing as t
from pathlib import Path

import click

from ..errors import ISRError
from ..runtime import Runtime
from ..runtime import current_runtime


@contextlib.contextmanager
def reading() -> t.Iterator[Runtime]:
    """Give the runtime of the application; errors become messages for people."""
    try:
        runtime = current_runtime()
        runtime.application.prepare()
        yield runtime
    except ISRError as error:
        raise click.ClickException(str(error)) from error


@contextlib.contextmanager
def writing() -> t.Iterator[Runtime]:
    """Give the runtime to a command that writes: it must not leave files in the folder
    that the server may not touch."""
    with reading() as runtime:
        if not runtime.application.enabled:
            raise click.ClickException(
                "Flask-ISR is off, as it is in debug and testing mode: nothing is stored."
                " Leave that mode, or set ISR_ENABLED to True."
            )
        _check_owner(runtime)
        yield runtime


def _check_owner(runtime: Runtime) -> None:
    folder = runtime.settings.folder
    if folder.exists() and foreign_owner(folder) is not None:
        raise click.ClickException(not_yours(folder))


def foreign_owner(path: Path, *, follows: bool = True) -> str | None:
    """The owner of *path*; ``None`` if it is the user's own, or cannot be told.

    :param follows: whether a link counts as what it leads to.
    """
    if not hasattr(os, "geteuid"):
        return None
    owner = path.stat(follow_symlinks=follows).st_uid
    return None if owner == os.geteuid() else _name(owner)


def not_yours(folder: Path) -> str:
    """A message that *folder* is another user's, and how to run the command."""
    name = foreign_owner(folder) or "?"
    program = os.path.basename(sys.argv[0])
    command = shlex.join(["sudo", "-u", name, program, *sys.argv[1:]])
    return (
        f"{folder} belongs to {name}, and you are {_name(os.geteuid())}: files that you"
        f" write there would lock the server out. Run: {command}"
    )


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
