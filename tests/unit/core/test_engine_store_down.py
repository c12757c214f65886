"""A broken cache is never a broken site: the store goes away, and comes back."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from flask_isr.core.decision import RunView
from flask_isr.core.decision import ServeEntry
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import Rendered
from flask_isr.stores.sqlite import folder as folder_module
from tests.support import PATIENCE

from .conftest import MakeProcess
from .process import Process
from .process import Source
from .process import told

pytestmark = pytest.mark.promise(6)


@pytest.mark.slow
def test_without_its_store_every_visit_is_the_views(
    process: Process, source: Source, tmp_path: Path
) -> None:
    """Store down: no error, no waiting, no render; and it recovers by itself."""
    process.visit()
    folder = tmp_path / "isr"
    process.store.close()
    shutil.rmtree(folder)
    folder.write_text("a file where the folder was")
    for own_stack in (True, False):
        assert process.visit(own_stack=own_stack) == RunView("store-unavailable")
    assert source.renders == 1
    folder.unlink()
    # A store that did not answer is not asked again for a moment.
    deadline = time.monotonic() + PATIENCE
    while (answer := process.visit()) == RunView("store-unavailable"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert told(answer) == ("MISS", "first")
    assert told(process.visit()) == ("HIT", "first")


def test_a_page_that_cannot_be_stored_is_served_all_the_same(
    process: Process, source: Source, tmp_path: Path
) -> None:
    """The store goes away during a render: the visitor gets the page."""
    folder = tmp_path / "isr"

    def act(page: Rendered) -> Outcome:
        shutil.rmtree(folder)
        folder.write_text("a file where the folder was")
        return page

    source.script = [act]
    answer = process.visit()
    assert isinstance(answer, ServeEntry)
    assert (answer.entry.body, answer.stored) == (b"first", False)
    folder.unlink()


def test_a_page_that_could_not_be_stored_leaves_no_lease_behind(
    make_process: MakeProcess,
    source: Source,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The store is busy when the page comes: nobody waits for that render afterwards."""
    monkeypatch.setattr(folder_module, "_PATIENCE", 0.05)
    here, there = make_process(), make_process()
    there.store.current_version()
    writer = sqlite3.connect(
        tmp_path / "isr" / "pages.sqlite", isolation_level=None, check_same_thread=False
    )

    def act(page: Rendered) -> Outcome:
        writer.execute("BEGIN IMMEDIATE")
        return page

    source.script = [act]
    with contextlib.closing(writer):
        answer = here.visit()
        assert isinstance(answer, ServeEntry)
        assert not answer.stored
        writer.execute("ROLLBACK")
    assert told(there.visitor().result()) == ("MISS", "first")
