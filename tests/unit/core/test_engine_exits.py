"""Renders in the middle of which the process or the builder has other plans."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import Rendered
from flask_isr.core.singleflight import FailedAttempt
from flask_isr.core.singleflight import Succeeded
from flask_isr.testing.store_kit.records import FOX

from .process import Process
from .process import Source
from .process import target
from .process import told


def _exits(page: Rendered) -> t.NoReturn:
    raise SystemExit(1)


def test_a_server_may_end_its_worker_during_a_render(
    process: Process, source: Source
) -> None:
    """What a signal handler raises goes on to the server; the page was a failure, and
    its lease stands in nobody's way."""
    source.script = [_exits]
    with pytest.raises(SystemExit):
        process.engine.visit(target(), own_stack=True)
    failure = process.store.failure(FOX)
    assert failure is not None
    assert failure.cause == "SystemExit: 1"
    assert not process.store.busy(FOX, FOX.implicit_tags)


def test_a_view_that_exits_takes_no_thread_with_it(
    process: Process, source: Source
) -> None:
    """Behind the visitors' backs too: the Runner goes on."""
    process.visit()
    process.expire()
    source.script = [_exits]
    process.engine.refresh(target())
    process.settle()
    assert source.renders == 2
    assert told(process.visit()) == ("STALE", "first")
    process.settle()


def test_a_build_tries_at_once_what_failed_before(
    process: Process, source: Source
) -> None:
    """Who builds may have mended what was wrong."""

    def fails(page: Rendered) -> Outcome:
        raise ValueError("down")

    source.script = [fails]
    assert isinstance(
        process.engine.blocking_renders.build(target(), force=False), FailedAttempt
    )
    assert isinstance(
        process.engine.blocking_renders.build(target(), force=False), Succeeded
    )
