"""The running demo, started once for all tests that only talk to it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from .running import RunningDemo

if TYPE_CHECKING:
    from pathlib import Path

StartDemo = Callable[..., RunningDemo]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Return a demo that all tests share: each changes entries of its own."""
    running = RunningDemo(tmp_path_factory.mktemp("demo"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[StartDemo]:
    """Return a function that starts a demo for one test, to be broken by it."""
    with ExitStack() as stack:

        def start(*arguments: str) -> RunningDemo:
            running = RunningDemo(tmp_path, *arguments)
            stack.callback(running.stop)
            return running

        yield start
