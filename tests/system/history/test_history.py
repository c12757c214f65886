"""Readers, publishers and killed workers: no answer breaks a promise.

It goes on for a minute, in all; ``ISR_HISTORY_SECONDS=600 make test
ARGS=tests/system/history`` lets it go on for twenty.
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ..servers.running import ROOT
from ..servers.running import Farm
from ..servers.running import Server
from .checker import check
from .records import Publication
from .records import Reading
from .records import read
from .site import Data

pytestmark = pytest.mark.promise(3, 4)

SECONDS = float(os.environ.get("ISR_HISTORY_SECONDS", "30"))

WORKERS = 4

linux = pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")

# Readers' and publishers' processes.
CROWD = [("readers", 1), ("readers", 2), ("publishers", 3)]


@pytest.fixture
def start(tmp_path: Path) -> t.Iterator[t.Callable[..., Server]]:
    """Start servers of one site, with some worker processes each."""
    Data(tmp_path).create()
    farms: list[Farm] = []

    def start(workers: int, **environment: str) -> Server:
        app = "tests.system.history.site:app"
        farms.append(Farm(tmp_path, "gthread", workers, app=app, **environment))
        [server] = farms[-1].servers
        server.wait_until_ready()
        return server

    yield start
    for farm in farms:
        farm.stop()


def _workers(master: int) -> list[int]:
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(pid) for pid in children.split()]


def _record(
    folder: Path, servers: t.Sequence[Server], seconds: float, *, shared: bool = True
) -> None:
    """Let people use the site while its workers are killed, and judge what they saw."""
    logs = [folder / f"{role}-{seed}.jsonl" for role, seed in CROWD]
    ports = ",".join(str(server.port) for server in servers)
    crowd = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.system.history.people", role),
                *map(str, (ports, folder, seconds, seed, log)),
            ],
            cwd=ROOT,
        )
        for (role, seed), log in zip(CROWD, logs, strict=True)
    ]
    kills, choice = 0, random.Random(5)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(choice.uniform(0.2, 1.5))
        with contextlib.suppress(ProcessLookupError, IndexError):
            master = choice.choice(servers).process.pid
            os.kill(choice.choice(_workers(master)), signal.SIGKILL)
            kills += 1
    assert [process.wait(60) for process in crowd] == [0] * len(CROWD)

    records = [record for log in logs for record in read(log)]
    readings = [record for record in records if isinstance(record, Reading)]
    published = [record for record in records if isinstance(record, Publication)]
    states = collections.Counter(reading.state for reading in readings)
    sys.stdout.write(
        f"{len(readings)} answers {dict(states)}, {len(published)} publications,"
        f" {kills} kills\n"
    )
    violations = check(records, shared=shared)
    assert not violations, violations[:10]
    # Else it has proved little.
    assert len(readings) > 20 * seconds
    assert len(published) > 2 * seconds
    assert kills > seconds / 3
    assert {"HIT", "MISS", "STALE"} <= states.keys()


@linux
def test_no_answer_breaks_a_promise(
    start: t.Callable[..., Server], tmp_path: Path
) -> None:
    """Pages of every kind, over processes that are killed at any moment."""
    _record(tmp_path, [start(WORKERS)], SECONDS)


@linux
@pytest.mark.parametrize("named", [False, True], ids=["auto", "named"])
def test_no_answer_of_two_builds_in_turns_breaks_a_promise(
    start: t.Callable[..., Server], tmp_path: Path, named: bool
) -> None:
    """Two releases on one folder, side by side: with each worker that is started anew
    another of them is the latest."""
    servers = []
    for release in ("blue", "green"):
        root = tmp_path / release
        root.mkdir()
        (root / "release.py").write_text(f"# {release}\n")
        build_id = release if named else "auto"
        servers.append(
            start(WORKERS // 2, SITE_ROOT=str(root), FLASK_ISR_BUILD_ID=build_id)
        )
    # Pages of another release that has a name are not even served for want of better.
    _record(tmp_path, servers, SECONDS / 2, shared=not named)
