"""A running demo, as a visitor, an editor and a webhook see it: over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import requests

from tests.support.waiting import poll

if TYPE_CHECKING:
    pass

ROOT = Path(__file__).parents[2]
WORKERS = 2
TIMEOUT = 30

T = TypeVar("T")


def is_running(group: int) -> bool:
    """Whether a process of *group* is left; one that only waits to be reaped is not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    states = [_state(file, group) for file in Path("/proc").glob("[0-9]*/stat")]
    return not states or any(state not in "ZX" for state in states)


def _state(file: Path, group: int) -> str:
    """Return the state of a process in Linux' letters, "X" if not of *group*."""
    try:
        state, _parent, its_group = file.read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return "X"
    return state if its_group == str(group) else "X"


class RunningDemo:
    """``python -m example_app.demo`` in a process group of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._state_file = folder / "state.json"
        self._output = folder / "output.txt"
        ports = ["--port", "0", "--cms-port", "0"]
        command = [sys.executable, "-m", "example_app.demo", *(arguments or ports)]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--state-file", str(self._state_file)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            poll(lambda: self._state_file.exists() or self._ended(), within=120)
        except BaseException:
            self.stop()
            raise
        state = json.loads(self._state_file.read_text("utf-8"))
        self.shop: str = state["shop"]
        self.cms: str = state["cms"]
        self.secret: str = state["secret"]
        self.folder = Path(state["folder"])
        self.pids: dict[str, int] = state["pids"]

    def _ended(self) -> bool:
        assert self.process.poll() is None, self.output()
        return False

    def output(self) -> str:
        """Return what the demo has printed so far."""
        return self._output.read_text("utf-8")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal the whole group, as a terminal does, and return the exit status."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(60)

    def load(self, path: str, fresh: int = 20) -> list[requests.Response]:
        """Load a page of the shop from each of its worker processes.

        One load is on a connection that is known to lead to that process, and then
        follow *fresh* loads on new connections, which lead wherever they will.
        """
        seen: dict[int, requests.Response] = {}

        def all_seen() -> bool:
            seen.update([self._load_from_one_worker(path)])
            return len(seen) == WORKERS

        poll(all_seen)
        pages = [requests.get(self.shop + path, timeout=TIMEOUT) for _ in range(fresh)]
        return [*seen.values(), *pages]

    def _load_from_one_worker(self, path: str) -> tuple[int, requests.Response]:
        with requests.Session() as session:
            pids = [self._pid(session)]
            page = session.get(self.shop + path, timeout=TIMEOUT)
            pids.append(self._pid(session))
        assert pids[0] == pids[1], "the connection was not kept"
        return pids[0], page

    def _pid(self, session: requests.Session) -> int:
        pid: int = session.get(f"{self.shop}/healthz", timeout=TIMEOUT).json()["pid"]
        return pid

    def revalidate(self, method: str = "GET", **query: Any) -> requests.Response:
        """Call ``/api/revalidate`` with the secret, unless *query* has another."""
        return requests.request(
            method,
            f"{self.shop}/api/revalidate",
            params={"secret": self.secret, **query},
            timeout=TIMEOUT,
        )

    def notify(self, body: Any, secret: str | None = None) -> requests.Response:
        """Send *body* to the shop as the CMS would."""
        return requests.post(
            f"{self.shop}/webhooks/cms",
            json=body,
            headers={"Authorization": f"Bearer {secret or self.secret}"},
            timeout=TIMEOUT,
        )

    def entry(self, path: str) -> dict[str, Any]:
        """Return what the CMS has at ``products/2`` or ``posts/hello``."""
        answer = requests.get(f"{self.cms}/api/{path}", timeout=TIMEOUT)
        answer.raise_for_status()
        entry: dict[str, Any] = answer.json()
        return entry

    def change(
        self, method: str, path: str, data: Any = None, *, webhook: bool = False
    ) -> dict[str, Any]:
        """Change the CMS's content; with *webhook*, wait until it was answered."""
        answer = requests.request(
            method,
            f"{self.cms}/api/{path}",
            json=data,
            params={"webhook": int(webhook)},
            timeout=TIMEOUT,
        )
        answer.raise_for_status()
        if webhook:
            delivery = poll(self._delivered)
            assert delivery["ok"], delivery
        entry: dict[str, Any] = answer.json() if answer.content else {}
        return entry

    def _delivered(self) -> dict[str, Any] | None:
        answer = requests.get(f"{self.cms}/api/webhooks", timeout=TIMEOUT)
        latest: dict[str, Any] = answer.json()[0]
        return None if latest["pending"] else latest
