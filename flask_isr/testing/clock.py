"""Time that a test sets."""

from __future__ import annotations

import datetime
import time


class Clock:
    """A clock that stands still until it is advanced.

    :param now: seconds since 1970; ``None``: the time at this moment.
    :ivar now: what it shows, in seconds since 1970; may be set.
    """

    def __init__(self, now: float | None = None) -> None:
        self.now: float = time.time() if now is None else now

    def __call__(self) -> float:
        """Return what it shows."""
        return self.now

    def advance(self, time: float | datetime.timedelta) -> None:
        """Let *time* pass, seconds or a timedelta; a negative one turns it back."""
        self.now += (
            time.total_seconds() if isinstance(time, datetime.timedelta) else time
        )
