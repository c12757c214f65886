"""strace, for tests that count or interrupt system calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t

import pytest


def _without(tool: str) -> t.NoReturn:
    message = f"{tool} does not work here: system calls cannot be followed"
    if os.environ.get("ISR_REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


def find_strace() -> str:
    """strace, where it is and may trace; else the test is skipped, unless it must run."""
    found = shutil.which("strace")
    if found is None:
        _without("strace")
    if subprocess.run(
        [found, "-c", "true"], check=False, capture_output=True
    ).returncode:
        _without("strace")
    return found
