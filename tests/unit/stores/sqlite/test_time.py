"""The store's own time: no clock step and no restart of the machine disturbs it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from flask_isr.stores.sqlite import folder as folder_module
from flask_isr.testing.store_kit.helpers import write
from tests.support import Clock
from tests.unit.stores.conftest import MakeStore


class Machine:
    """A machine whose wall clock, running time and start the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = Clock(1_800_000_000.0)
        self.running = Clock(5000.0)
        self.boot = "the first start"
        monkeypatch.setattr(time, "time", self.wall)
        monkeypatch.setattr(time, "clock_gettime", lambda _: self.running())
        monkeypatch.setattr(folder_module, "_boot", lambda: self.boot)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.wall.advance(seconds)
        self.running.advance(seconds)

    def restart(self, wall: float) -> None:
        """Start again; the wall clock shows *wall* then."""
        self.boot += " and another"
        self.running.now = 3.0
        self.wall.now = wall


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The machine of the test."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        pytest.skip("the time since the start is another function here")
    return Machine(monkeypatch)


def test_a_new_store_starts_with_the_time_of_day(
    make_store: MakeStore, machine: Machine
) -> None:
    """Ages and dates can be shown to people."""
    store = make_store(own_time=True)
    write(store)
    assert store.now() == pytest.approx(1_800_000_000)
    machine.advance(10)
    assert store.now() == pytest.approx(1_800_000_010)


@pytest.mark.parametrize("step", [-86_400, 86_400], ids=["back", "ahead"])
def test_a_step_of_the_wall_clock_changes_nothing(
    make_store: MakeStore, machine: Machine, step: float
) -> None:
    """Processes from before and after the step agree, and no page ages by it."""
    before = make_store(own_time=True)
    write(before)
    machine.wall.advance(step)
    after = make_store(own_time=True)
    write(after)
    machine.running.advance(10)
    assert before.now() == after.now() == pytest.approx(1_800_000_010)


def test_time_goes_on_after_a_restart(make_store: MakeStore, machine: Machine) -> None:
    """Pages age while the machine is off, too."""
    store = make_store(own_time=True)
    write(store)
    store.close()
    machine.restart(wall=1_800_003_600.0)
    again = make_store(own_time=True)
    write(again)
    assert again.now() == pytest.approx(1_800_003_600)
    machine.advance(10)
    assert again.now() == pytest.approx(1_800_003_610)


def test_time_never_goes_back_over_a_restart(
    make_store: MakeStore, machine: Machine
) -> None:
    """A machine that starts with a wrong clock goes on where the store was last seen."""
    store = make_store(own_time=True)
    write(store)
    machine.advance(500)
    write(store)
    seen = store.now()
    store.close()
    machine.restart(wall=0.0)
    again = make_store(own_time=True)
    write(again)
    assert again.now() == pytest.approx(seen)


def test_the_order_survives_a_restart(
    make_store: MakeStore, machine: Machine, folder: Path
) -> None:
    """Neither time nor start has a part in the order of invalidations."""
    store = make_store(own_time=True)
    write(store)
    order = store.changes(None).order
    store.close()
    machine.restart(wall=0.0)
    again = make_store(own_time=True)
    assert again.changes(order).complete
    assert again.changes(None).order == order
    with sqlite3.connect(folder / "pages.sqlite") as db:
        assert db.execute("SELECT boot FROM clock").fetchone() == (machine.boot,)
    db.close()
