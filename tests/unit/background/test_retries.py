"""What is tried again until it succeeds is bounded in number and time, and loses nothing
that was asked for meanwhile."""

from __future__ import annotations

import functools
import itertools
import threading

import pytest

from flask_isr.background import retries
from flask_isr.background.retries import Retries
from tests.support import Gate
from tests.support.waiting import poll

pytestmark = pytest.mark.promise(7)

KEPT = 3


@pytest.fixture(autouse=True)
def few_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three actions are kept, and tried all the time."""
    monkeypatch.setattr(retries, "_KEPT", KEPT)
    monkeypatch.setattr(retries, "_PAUSE", 0.001)


def test_beyond_their_number_the_oldest_gives_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And that is said: its pages may be old."""
    done: list[int] = []
    possible = threading.Event()
    waiting = Retries()

    def action(number: int) -> bool:
        if possible.is_set():
            done.append(number)
        return possible.is_set()

    for number in range(10):
        waiting.add(number, f"action {number}", functools.partial(action, number))
    possible.set()
    poll(lambda: len(done) == KEPT)
    assert done == [7, 8, 9]
    given_up = [line for line in caplog.messages if "given up" in line]
    assert [line.split(" was ")[0] for line in given_up] == [
        f"action {number}" for number in range(7)
    ]


def test_their_number_holds_while_they_are_tried() -> None:
    """However much is asked for meanwhile."""
    tried = itertools.count()
    stop = threading.Event()
    waiting = Retries()

    def action() -> bool:
        for _ in range(0 if stop.is_set() else KEPT):
            waiting.add(next(tried), "action", action)
        return stop.is_set()

    waiting.add("first", "action", action)
    sizes: list[int] = []

    def look() -> bool:
        sizes.append(len(waiting._waiting))
        return len(sizes) > 20

    poll(look)
    stop.set()
    assert max(sizes) == KEPT
    poll(lambda: not waiting._waiting)


def test_what_is_asked_for_during_its_equal_is_done_after_it() -> None:
    """An invalidation that is recorded before a commit does not stand for the one that
    follows it."""
    gate = Gate()
    done: list[str] = []
    waiting = Retries()

    def first() -> bool:
        gate.pass_through()
        done.append("first")
        return True

    def second() -> bool:
        done.append("second")
        return True

    waiting.add("key", "action", first)
    gate.wait()
    waiting.add("key", "action", second)
    gate.open()
    poll(lambda: not waiting._waiting)
    assert done == ["first", "second"]


def test_nothing_is_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails for ten minutes is given up, and no thread is left over it."""
    monkeypatch.setattr(retries, "_PATIENCE", 0.01)
    waiting = Retries()
    waiting.add("key", "the action", lambda: False)
    poll(lambda: not waiting._running)
    assert "the action was given up" in caplog.text
