"""Child processes that are started, watched and stopped together."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping
    from collections.abc import Sequence
    from types import FrameType

ROOT = Path(__file__).parent.parent
POLL = 0.1


class Stopped(Exception):
    """Somebody asked the demo to end."""


class ChildDied(Exception):
    """A child process ended that should have gone on."""


class StopSignals:
    """Notes SIGINT, SIGTERM and SIGHUP, so that they never strike between two steps."""

    def __init__(self) -> None:
        self.received = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True

    def check(self) -> None:
        """Raise :class:`Stopped` once a signal has come."""
        if self.received:
            raise Stopped


class Child:
    """A Python module that runs as a process group of its own.

    A group of its own does not get the terminal's Ctrl-C: the demo stops its children
    itself, in order. *listener* is a socket that is handed down, and its output
    goes to *log*; without a log it goes where the demo's goes.
    """

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        env: Mapping[str, str],
        *,
        log: Path | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self.name = name
        self._log = log
        self._group_is_gone = False
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("wb")) if log else None
            if listener is not None:
                stack.enter_context(listener)
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if log else None,
                pass_fds=() if listener is None else (listener.fileno(),),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs.

        Whatever a child has left of its group is ended at the moment at which this is
        noticed: later on, the number may belong to somebody else.
        """
        status = self._process.poll()
        if status is not None:
            self._end_group()
        return status

    def check(self) -> None:
        """Raise :class:`ChildDied` with its last output when it has ended."""
        if self.status is not None:
            raise ChildDied(
                f"{self.name} (process {self.pid}) has ended with status"
                f" {self.status}. Its last output:\n\n{self.last_output()}"
            )

    def last_output(self, lines: int = 40) -> str:
        """Return the end of its log."""
        text = self._log.read_text("utf-8", "replace") if self._log else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])

    def stop(
        self, number: signal.Signals = signal.SIGTERM, *, grace: float = 5
    ) -> None:
        """End it, politely at first, and with it whatever is left of its group."""
        if self.status is not None:
            return
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._end_group()

    def _end_group(self) -> None:
        if not self._group_is_gone:
            self._group_is_gone = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def listen(port: int) -> socket.socket:
    """Listen on *port* of this machine alone, or on a free port if it is taken.

    Whoever is given the socket has the port for certain, which a number that was free
    a moment ago does not promise.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        if port and error.errno in (errno.EADDRINUSE, errno.EACCES):
            return listen(0)
        raise
    return listener


def wait_for(child: Child, url: str, check: Callable[[], None], within: float) -> None:
    """Wait until *child* answers at *url*; *check* may raise to end the waiting."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        check()
        child.check()
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=1).ok:
                return
        time.sleep(POLL)
    raise ChildDied(
        f"{child.name} does not answer at {url}. Its last output:\n\n"
        f"{child.last_output()}"
    )
