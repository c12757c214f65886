"""Waiting for what another thread or process brings about."""

from __future__ import annotations

import time
import typing as t

T = t.TypeVar("T")

# Seconds between two looks.
_LOOK = 0.004


def poll(question: t.Callable[[], T | None], within: float = 60) -> T:
    """Ask until the answer is true, and return it.

    :param within: seconds after which the test fails; never reached where the code is
        right.
    """
    deadline = time.monotonic() + within
    while not (answer := question()):
        assert time.monotonic() < deadline, f"still {answer!r} after {within} seconds"
        time.sleep(_LOOK)
    return answer
