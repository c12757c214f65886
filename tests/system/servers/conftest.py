"""Servers for tests, started once for each module where tests do not break them."""

from __future__ import annotations

import sys
import typing as t
import uuid
from pathlib import Path

import pytest

from .running import APP
from .running import Farm

StartFarm: t.TypeAlias = t.Callable[..., Farm]

_running: list[Farm] = []


@pytest.fixture(autouse=True)
def _show_logs() -> t.Iterator[None]:
    """Let a failure show what the servers printed during the test."""
    yield
    for farm in _running:
        _show(farm)


def _show(farm: Farm) -> None:
    for server in farm.servers:
        sys.stdout.write(server.new_output())


def _starter(
    make_folder: t.Callable[[], Path],
) -> t.Iterator[StartFarm]:
    started: list[Farm] = []

    def start(
        kind: str,
        processes: int,
        options: t.Sequence[str] = (),
        prepare: t.Callable[[Path], object] = lambda _: None,
        app: str = APP,
        **environment: str,
    ) -> Farm:
        folder = make_folder()
        prepare(folder)
        farm = Farm(folder, kind, processes, options, app, **environment)
        started.append(farm)
        _running.append(farm)
        farm.wait_until_ready()
        return farm

    yield start
    for farm in started:
        farm.stop()
        _running.remove(farm)
        _show(farm)


@pytest.fixture(scope="module")
def start_module_farm(
    tmp_path_factory: pytest.TempPathFactory,
) -> t.Iterator[StartFarm]:
    """Start servers that all tests of a module share; each test has pages of its own."""
    yield from _starter(lambda: tmp_path_factory.mktemp("farm"))


@pytest.fixture
def start_farm(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[StartFarm]:
    """Start servers for one test, to be broken by it."""
    yield from _starter(lambda: tmp_path_factory.mktemp("farm"))


@pytest.fixture
def page() -> str:
    """The name of a page that no other test uses: ``/pages/<name>``."""
    return f"p{uuid.uuid4().hex[:8]}"
