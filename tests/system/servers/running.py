"""Servers in processes of their own, and visitors that come over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.support import SECRET
from tests.support import lint
from tests.support.waiting import poll

from .control import PATIENCE
from .control import Control

ROOT = Path(__file__).parents[3]
APP = "tests.system.servers.app:app"

# How often a server is started anew because somebody else took its port.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Answer:
    """What a visitor got, and when.

    :param asked: when the request was sent, by the monotonic clock.
    :param took: seconds until the whole answer was there.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    asked: float
    took: float

    @property
    def state(self) -> str | None:
        """``HIT``, ``STALE``, ``MISS`` or ``BYPASS``."""
        return self.headers.get("x-isr-cache")

    @property
    def version(self) -> int:
        """The version of the data that the page shows."""
        assert self.status == 200, self
        return int(json.loads(self.body)["version"])

    @property
    def process(self) -> int:
        """The process that answered."""
        return int(self.headers["x-process"])


def ask(
    port: int,
    path: str,
    method: str = "GET",
    headers: t.Mapping[str, str] | None = None,
    on_sent: t.Callable[[], object] = lambda: None,
) -> Answer:
    """Ask for *path* on a connection of its own."""
    asked = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(
            method, path, headers={"Connection": "close", **(headers or {})}
        )
        on_sent()
        response = connection.getresponse()
        body = response.read()
    took = time.monotonic() - asked
    fields, status = response.getheaders(), response.status
    lint.note(
        lint.Exchange(method, path, [*(headers or {}).items()], status, fields, body)
    )
    pairs = {name.lower(): value for name, value in fields}
    return Answer(status, pairs, body, asked, took)


def _gunicorn(worker: str) -> t.Callable[[int, int], list[str]]:
    def command(port: int, processes: int) -> list[str]:
        # Given to the sync worker, this option would make it the gthread worker.
        threads = ["--threads", "16"] if worker == "gthread" else []
        return [
            *("gunicorn", "--worker-class", worker, "--bind", f"127.0.0.1:{port}"),
            *("--workers", str(processes), *threads),
            *("--graceful-timeout", "20", "--no-control-socket", APP),
        ]

    return command


def _granian(port: int, processes: int) -> list[str]:
    return [
        *("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(processes), "--blocking-threads", "8", APP),
    ]


def _uvicorn(port: int, processes: int) -> list[str]:
    # It sends the headers from within `start_response`, and closes no body.
    return [
        *("uvicorn", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(processes), APP),
    ]


def _waitress(port: int, processes: int) -> list[str]:
    return ["waitress", f"--listen=127.0.0.1:{port}", "--threads=16", APP]


def _flask(port: int, processes: int) -> list[str]:
    return ["flask", "--app", APP, "run", "--port", str(port)]


#: Name to the command line after ``python -m``, for a port and a number of processes.
COMMANDS: t.Final[t.Mapping[str, t.Callable[[int, int], list[str]]]] = {
    "sync": _gunicorn("sync"),
    "gthread": _gunicorn("gthread"),
    "gevent": _gunicorn("gevent"),
    "granian": _granian,
    "uvicorn": _uvicorn,
    "waitress": _waitress,
    "flask": _flask,
}

# These serve with one process; two of them are two servers on one store.
_ALONE = {"waitress", "flask"}


class Server:
    """One running server on a free port of this machine.

    :ivar port: where it listens.
    :ivar processes: how many processes answer there.
    """

    def __init__(
        self,
        kind: str,
        control: Control,
        processes: int,
        options: t.Sequence[str],
        environment: t.Mapping[str, str],
        app: str = APP,
    ) -> None:
        self.kind = kind
        self._app = app
        self.processes = processes
        self._options = options
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SITE_FOLDER": str(control.folder),
            "FLASK_ISR_SECRET": SECRET,
            **environment,
        }
        self._folder = control.folder
        self._start()

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        command = COMMANDS[self.kind](self.port, self.processes)
        command = [self._app if part == APP else part for part in command]
        command[-1:-1] = self._options
        self._log = self._folder / f"{self.kind}-{self.port}.log"
        self._shown = 0
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until all processes answer."""
        for _ in range(_ATTEMPTS):
            if poll(self._answers_or_ended) is True:
                break
            self._start()
        else:
            raise AssertionError(self.new_output())
        self.meet_all()

    def _answers_or_ended(self) -> bool | str:
        if self.process.poll() is not None:
            return "ended"
        try:
            answer = ask(self.port, "/process")
        except (OSError, http.client.HTTPException):
            return False
        mine = {"folder": str(self._folder)}
        return answer.status == 200 and json.loads(answer.body) == mine

    def ask(self, path: str, method: str = "GET", **kwargs: t.Any) -> Answer:
        """Ask one of the processes."""
        return ask(self.port, path, method, **kwargs)

    def ask_all(self, path: str) -> list[Answer]:
        """Ask until each of the processes has answered at least once."""
        answers: list[Answer] = []
        # Many at once, so that no process takes all connections.
        number = 1 if self.processes == 1 else 4 * self.processes

        def all_seen() -> bool:
            answers.extend(self.ask_many(path, number))
            return len({answer.process for answer in answers}) >= self.processes

        poll(all_seen)
        return answers

    def ask_many(
        self, path: str, number: int, on_sent: t.Callable[[], object] = lambda: None
    ) -> list[Answer]:
        """So many visitors at the same time."""
        with ThreadPoolExecutor(number) as visitors:
            return list(
                visitors.map(lambda _: self.ask(path, on_sent=on_sent), range(number))
            )

    def meet_all(self) -> set[int]:
        """The ids of the processes that answer."""
        return {answer.process for answer in self.ask_all("/process")}

    def revalidate(self, query: str) -> Answer:
        """Call the revalidate route, in one of the processes."""
        return self.ask(
            f"/api/revalidate?{query}", "POST", headers={"X-Revalidate-Secret": SECRET}
        )

    def output(self) -> str:
        """What the server has printed so far."""
        return self._log.read_text(errors="replace")

    def new_output(self) -> str:
        """What the server has printed since the last call."""
        text = self.output()
        self._shown, start = len(text), self._shown
        return f"--- {self.kind} :{self.port}\n{text[start:]}"

    def restart(self, **environment: str) -> None:
        """Start anew after :meth:`kill` or :meth:`stop`, and wait until it answers."""
        self._environment.update(environment)
        self._start()
        self.wait_until_ready()

    def reload(self) -> None:
        """Have gunicorn replace its workers gracefully, and wait until it has done so."""
        old = self.meet_all()
        self.process.send_signal(signal.SIGHUP)
        poll(lambda: not old & self.meet_all())

    def kill(self) -> None:
        """End the server with all its processes at once, as the kernel would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        """Ask the server to end, and make sure that it and its processes did."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


class Farm:
    """Servers on one store.

    :ivar control: the clock, the data and the gates of its application.
    :ivar servers: one with several processes, or several with one.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        processes: int,
        options: t.Sequence[str] = (),
        app: str = APP,
        **environment: str,
    ) -> None:
        self.control = Control(folder)
        alone = kind in _ALONE
        self.servers = [
            Server(
                kind,
                self.control,
                1 if alone else processes,
                options,
                environment,
                app,
            )
            for _ in range(processes if alone else 1)
        ]

    def wait_until_ready(self) -> None:
        """Wait until all processes answer."""
        for server in self.servers:
            server.wait_until_ready()

    def ask_all(self, path: str) -> list[Answer]:
        """Ask until each process has answered at least once."""
        return [answer for server in self.servers for answer in server.ask_all(path)]

    def settle(self, path: str, version: int) -> None:
        """Wait until each process serves *version* as fresh; none may ever call an older
        one fresh meanwhile."""

        def settled() -> bool:
            answers = self.ask_all(path)
            fresh = [answer for answer in answers if answer.state != "STALE"]
            assert {answer.version for answer in fresh} <= {version}, answers
            return len(fresh) == len(answers)

        poll(settled)

    def stop(self) -> None:
        """End all servers."""
        self.control.open_all_gates()
        for server in self.servers:
            server.process.terminate()
        for server in self.servers:
            server.stop()
