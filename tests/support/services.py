"""Servers that some stores need, each started for one test session."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import typing as t

import pytest

from ..support import PATIENCE


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def missing(program: str) -> t.NoReturn:
    """Skip the test for which *program* is missing, unless the tests must have it."""
    message = f"{program} is not installed: 'make services' does that"
    if os.environ.get("ISR_REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def service(
    program: str,
    *options: str,
    environment: t.Mapping[str, str] | None = None,
    port: int | None = None,
) -> t.Iterator[int]:
    """Run *program* on a free port; ``{port}`` stands for it in *options*.

    Skips where the program is missing, unless the tests must have it.

    :param environment: variables beside those of this process.
    :param port: where it listens, if no option says so.
    """
    # Where Debian puts servers, which not everybody has in his PATH.
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        missing(program)
    port = port or free_port()
    command = [found, *(option.format(port=port) for option in options)]
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextlib.contextmanager
def memcached_server() -> t.Iterator[int]:
    """A memcached of our own; gives its port."""
    options = ["-p", "{port}", "-l", "127.0.0.1", "-U", "0", "-u", "nobody"]
    with service("memcached", *options) as port:
        yield port


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        assert process.poll() is None, "the server ended at once"
        time.sleep(0.02)
    raise AssertionError("the server does not listen")
