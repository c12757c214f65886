"""Wall clocks that are set by hours, in either direction, and that disagree."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from tests.support.waiting import poll

from .running import ROOT

HOURS = 3600

STEPS = pytest.mark.parametrize("hours", [5, -5], ids=["ahead", "back"])


def _library() -> str:
    spec = importlib.util.find_spec("libfaketime")
    assert spec is not None
    assert spec.origin is not None
    [library] = Path(spec.origin).parent.rglob("libfaketime.so.1")
    return str(library)


class Process:
    """One process of the site, whose wall clock the test sets.

    :param folder: shared by the processes of a test.
    :param hours: by which its clock is ahead.
    """

    def __init__(self, folder: Path, hours: float = 0) -> None:
        self._offset = folder / f"clock-{time.monotonic_ns()}"
        self.set_clock(hours)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.servers.stepped", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={
                **os.environ,
                "LD_PRELOAD": _library(),
                "FAKETIME_TIMESTAMP_FILE": str(self._offset),
                "FAKETIME_NO_CACHE": "1",
                # A step of the wall clock moves no other clock of the machine.
                "DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            },
        )

    def set_clock(self, hours: float) -> None:
        """Set its wall clock."""
        # In one step: the process may read the file at any moment.
        written = self._offset.with_suffix(".new")
        written.write_text(f"{hours * HOURS:+.0f}\n")
        written.replace(self._offset)

    def say(self, line: str) -> str:
        """What it answers to *line*."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._process.stdout.close()

    def is_at(self, hours: float) -> bool:
        """Whether its wall clock is where the test has set it."""
        shown = float(self.say("/now").split()[1])
        return abs(shown - time.time() - hours * HOURS) < 60


@pytest.fixture
def start(tmp_path: Path) -> t.Iterator[t.Callable[..., Process]]:
    """Start processes on one folder."""
    started: list[Process] = []

    def start(hours: float = 0) -> Process:
        started.append(Process(tmp_path, hours))
        return started[-1]

    yield start
    for process in started:
        process.stop()


Start: t.TypeAlias = t.Callable[..., Process]


@STEPS
def test_a_step_while_it_runs(start: Start, hours: int) -> None:
    """No page becomes older or younger by it: what was fresh stays so, and what lives for a
    moment is renewed after a moment, before and after."""
    site = start()
    assert site.say("/hours") == "MISS 1"
    assert site.say("/moment") == "MISS 2"
    site.set_clock(hours)

    assert site.is_at(hours)
    assert site.say("/hours") == "HIT 1"
    newest = poll(lambda: _hit_of_another_render(site.say("/moment"), 2))
    site.set_clock(0)
    assert site.say("/hours") == "HIT 1"
    poll(lambda: _hit_of_another_render(site.say("/moment"), newest))


def _hit_of_another_render(said: str, known: int) -> int | None:
    """The number of the render that a hit came of, if it is later than *known*: on a busy
    machine many may have come and gone between two looks."""
    state, _, number = said.partition(" ")
    return int(number) if state == "HIT" and int(number) > known else None


@STEPS
def test_a_step_between_two_starts(start: Start, hours: int) -> None:
    """A process that begins with another wall clock finds the pages as they are."""
    start().say("/hours")
    site = start(hours)

    assert site.is_at(hours)
    assert site.say("/hours") == "HIT 1"


def test_processes_that_disagree(start: Start) -> None:
    """Ten hours apart they share their pages, and none renews what another one made."""
    ahead, back = start(5), start(-5)
    assert (ahead.is_at(5), back.is_at(-5)) == (True, True)

    seen = [process.say("/hours") for _ in range(5) for process in (ahead, back)]
    assert seen == ["MISS 1"] + ["HIT 1"] * 9


@STEPS
def test_a_moment_of_the_day_is_counted_from_the_render(
    start: Start, hours: int
) -> None:
    """What is to be renewed in an hour is so in an hour, whatever the wall clock is set to
    after its render."""
    site = start()
    assert site.say("/scheduled") == "MISS 1"
    site.set_clock(hours)

    assert site.is_at(hours)
    assert site.say("/scheduled") == "HIT 1"


@STEPS
def test_tokens_keep_to_the_wall_clock(start: Start, hours: int) -> None:
    """A token says until when it is good: after a step, in either direction, it is not."""
    site = start()
    site.say("/hours")
    token = site.say("token /hours")
    assert site.say(f"accept {token} /hours") == "200"
    site.set_clock(hours)

    assert site.is_at(hours)
    assert site.say(f"accept {token} /hours") == "401"
