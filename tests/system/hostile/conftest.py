"""The site under attack, on live servers."""

from __future__ import annotations

import typing as t
import uuid

import pytest

from ..servers.conftest import StartFarm
from ..servers.conftest import _show_logs
from ..servers.conftest import _starter
from ..servers.running import Farm
from .journal import Journal
from .wire import Reply
from .wire import ask

__all__ = ["_show_logs"]

#: Servers that differ in how they read requests.
KINDS = ("gthread", "granian", "waitress")


class Target:
    """The site on one kind of server, in two processes.

    :ivar kind: the server.
    :ivar journal: which views ran.
    """

    def __init__(self, farm: Farm) -> None:
        self.kind = farm.servers[0].kind
        self.farm = farm
        self.journal = Journal(farm.control.folder)
        self.port = farm.servers[0].port

    def ask(self, target: str | bytes, *headers: str | bytes, **how: t.Any) -> Reply:
        """Send one request to one of the processes."""
        return ask(self.port, target, *headers, **how)

    def innocent(self, path: str) -> list[Reply]:
        """Ask for *path* as an ordinary visitor, of each process at least once."""
        return [
            Reply(answer.status, tuple(answer.headers.items()), answer.body)
            for answer in self.farm.ask_all(path)
        ]


@pytest.fixture(scope="session")
def start_target(
    tmp_path_factory: pytest.TempPathFactory,
) -> t.Iterator[StartFarm]:
    """Start the site, for all tests."""
    yield from _starter(lambda: tmp_path_factory.mktemp("target"))


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(kind, marks=pytest.mark.xdist_group(f"hostile-{kind}"))
        for kind in KINDS
    ],
)
def target(request: pytest.FixtureRequest, start_target: StartFarm) -> Target:
    """The site on each of the servers."""
    return Target(start_target(request.param, 2, app="tests.system.hostile.site:app"))


@pytest.fixture
def name() -> str:
    """The name of a page that no other test uses."""
    return f"n{uuid.uuid4().hex[:10]}"
