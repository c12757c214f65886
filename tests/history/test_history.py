"""Readers, publishers and killed workers: no answer breaks a promise.

It goes on for half a minute; ``ISR_HISTORY_SECONDS=600 make test
ARGS=tests/history`` lets it go on for ten.
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
from .checker import check
from .records import Publication
from .records import Reading
from .records import read
from .site import Data

SECONDS = float(os.environ.get("ISR_HISTORY_SECONDS", "30"))

WORKERS = 4

# Readers' and publishers' processes.
CROWD = [("readers", 1), ("readers", 2), ("publishers", 3)]


@pytest.fixture
def farm(tmp_path: Path) -> t.Iterator[Farm]:
    """A site with four worker processes."""
    Data(tmp_path).create()
    farm = Farm(tmp_path, "gthread", WORKERS, app="tests.history.site:app")
    try:
        farm.servers[0].wait_until_ready()
        yield farm
    finally:
        farm.stop()


def _workers(master: int) -> list[int]:
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(pid) for pid in children.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
def test_no_answer_breaks_a_promise(farm: Farm, tmp_path: Path) -> None:
    """Pages of every kind, over processes that are killed at any moment."""
    (server,) = farm.servers
    logs = [tmp_path / f"{role}-{seed}.jsonl" for role, seed in CROWD]
    crowd = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.history.people", role),
                *map(str, (server.port, tmp_path, SECONDS, seed, log)),
            ],
            cwd=ROOT,
        )
        for (role, seed), log in zip(CROWD, logs, strict=True)
    ]
    kills, choice = 0, random.Random(5)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        time.sleep(choice.uniform(0.2, 1.5))
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(choice.choice(_workers(server.process.pid)), signal.SIGKILL)
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
    violations = check(records)
    assert not violations, violations[:10]
    # Else it has proved little.
    assert len(readings) > 20 * SECONDS
    assert len(published) > 2 * SECONDS
    assert kills > SECONDS / 3
    assert {"HIT", "MISS", "STALE"} <= states.keys()
