"""Processes that share a folder, for the tests of the Engine."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.support import Clock
from tests.support import Gate

from .process import Process
from .process import Source

MakeProcess: t.TypeAlias = t.Callable[..., Process]


@pytest.fixture
def source() -> Source:
    """The data of the page."""
    return Source()


@pytest.fixture
def gates() -> t.Iterator[list[Gate]]:
    """Gates for renders; all are opened at the end of the test."""
    gates = [Gate() for _ in range(4)]
    yield gates
    for gate in gates:
        gate.open()


@pytest.fixture
def make_process(
    tmp_path: Path, clock: Clock, source: Source, gates: list[Gate]
) -> t.Iterator[MakeProcess]:
    """Make processes that share the folder, the clock and the data."""
    processes: list[Process] = []

    def make(**options: t.Any) -> Process:
        processes.append(Process(tmp_path / "isr", clock, source, **options))
        return processes[-1]

    yield make
    for gate in gates:
        gate.open()
    for process in processes:
        process.close()


@pytest.fixture
def process(make_process: MakeProcess) -> Process:
    """One process."""
    return make_process()
