"""The demo's launcher: it stops what it started, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING
from typing import Any

import pytest
import requests

from tests.support.waiting import poll

from .running import TIMEOUT
from .running import RunningDemo
from .running import is_running

if TYPE_CHECKING:
    from .conftest import StartDemo

pytestmark = pytest.mark.xdist_group("example")


def assert_nothing_is_left(demo: RunningDemo) -> None:
    """Demand that no process, no folder and no file of *demo* remains."""
    poll(lambda: not is_running(demo.pids["cms"]), within=10)
    poll(lambda: not is_running(demo.pids["shop"]), within=10)
    assert not demo.folder.exists()
    assert "Traceback" not in demo.output()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(
    start_demo: StartDemo, number: signal.Signals
) -> None:
    """Ctrl-C, sent to the whole group, ends the demo with status 0."""
    demo = start_demo()
    assert demo.stop(number) == 0
    assert_nothing_is_left(demo)


def test_a_process_that_dies_is_named_and_the_rest_is_stopped(
    start_demo: StartDemo,
) -> None:
    """The shop is killed: the demo says so, shows its output and stops the CMS."""
    demo = start_demo()
    os.kill(demo.pids["shop"], signal.SIGKILL)
    assert demo.process.wait(60) == 1
    assert f"The shop (process {demo.pids['shop']}) has ended" in demo.output()
    assert "Booting worker" in demo.output()
    assert_nothing_is_left(demo)


def test_the_shop_goes_on_without_the_cms(start_demo: StartDemo) -> None:
    """A CMS that was stopped on purpose ends nothing: all pages were built before."""
    demo = start_demo()
    entries: Any = [demo.entry("products"), demo.entry("posts")]
    paths = [f"/products/{product['id']}" for product in entries[0]]
    paths += [f"/blog/{post['slug']}" for post in entries[1]]
    os.kill(demo.pids["cms"], signal.SIGTERM)
    poll(lambda: "The CMS was stopped" in demo.output())
    with requests.Session() as session:
        for path in ["/", "/products", "/blog", *paths]:
            assert session.get(demo.shop + path, timeout=TIMEOUT).ok, path
    assert demo.stop() == 0
    assert_nothing_is_left(demo)


def test_a_port_that_is_taken_is_replaced(start_demo: StartDemo) -> None:
    """The demo says so, and prints the address that it has instead."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        demo = start_demo("--port", port, "--cms-port", port)
        assert f"Port {port} is taken: the shop gets port" in demo.output()
        assert f"Port {port} is taken: the CMS gets port" in demo.output()
        assert requests.get(f"{demo.shop}/healthz", timeout=TIMEOUT).ok
