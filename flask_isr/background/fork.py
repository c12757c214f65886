"""What must be forgotten in a child process after a fork."""

from __future__ import annotations

import os
import typing as t
import weakref


class Forgetful(t.Protocol):
    """Holds locks or files, or knows of threads, that a child process must not use."""

    def after_fork(self) -> None:
        """Forget these in a child process; called before anything else runs there."""


_forgetful: weakref.WeakSet[Forgetful] = weakref.WeakSet()


def forget_at_fork(holder: Forgetful) -> None:
    """Have ``holder.after_fork()`` called in each child process, while *holder* lives."""
    _forgetful.add(holder)


def _after_fork() -> None:
    for holder in list(_forgetful):
        holder.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
