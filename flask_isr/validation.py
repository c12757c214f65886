"""Checks of arguments and settings."""

from __future__ import annotations

import datetime
import sys
import typing as t

from .errors import ConfigurationError


def seconds(name: str, value: t.Any) -> float:
    """*value* as seconds: a number above zero, or a timedelta.

    :raises ConfigurationError: for anything else; *name* says whose value it is.
    """
    number = value.total_seconds() if isinstance(value, datetime.timedelta) else value
    good = isinstance(number, int | float) and not isinstance(number, bool)
    # Also false for NaN; the upper bound is a float's, beyond which integers overflow.
    if not good or not 0 < number <= sys.float_info.max:
        raise ConfigurationError(
            f"{name} is {value!r}; it must be a number of seconds greater than 0, or a"
            " timedelta."
        )
    return float(number)
