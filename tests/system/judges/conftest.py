"""The servers that are judged."""

from __future__ import annotations

import contextlib
import functools
import typing as t

import pytest

from tests.system.servers.conftest import StartFarm
from tests.system.servers.conftest import page
from tests.system.servers.conftest import start_farm
from tests.system.servers.conftest import start_module_farm
from tests.system.servers.running import Farm

from .gateways import GATEWAYS
from .gateways import Site

__all__ = ["page", "start_farm", "start_module_farm"]

StartSite: t.TypeAlias = t.Callable[[str, str], Site]


@pytest.fixture(scope="module")
def start_behind(
    start_module_farm: StartFarm, tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[t.Callable[[str, str], tuple[Farm, int]]]:
    """Start a kind of server with a gateway before it, once for all tests of a module;
    gives the server, and the gateway's port."""
    with contextlib.ExitStack() as gateways:

        @functools.cache
        def farm(kind: str) -> Farm:
            return start_module_farm(kind, 1, FLASK_SECRET_KEY="a key")

        @functools.cache
        def start(kind: str, gateway: str) -> tuple[Farm, int]:
            folder = tmp_path_factory.mktemp(gateway)
            behind = farm(kind)
            before = GATEWAYS[gateway](folder, behind.servers[0].port)
            return behind, gateways.enter_context(before)

        yield start


@pytest.fixture
def start_site(
    start_behind: t.Callable[[str, str], tuple[Farm, int]], page: str
) -> StartSite:
    """Start a kind of server with a gateway before it, and name a page of it that nobody
    has asked for."""

    def start(kind: str, gateway: str) -> Site:
        farm, port = start_behind(kind, gateway)
        return Site(farm, gateway, port, page)

    return start
