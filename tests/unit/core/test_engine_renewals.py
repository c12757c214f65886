"""Renders that no visitor asked for: mode *refresh*, and builds."""

from __future__ import annotations

import pytest

from flask_isr.core.deployment import Build
from flask_isr.core.entry import Record
from flask_isr.core.key import path_tag
from flask_isr.core.outcome import Failed
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import Rendered
from flask_isr.core.singleflight import FailedAttempt
from flask_isr.core.store import Stored
from flask_isr.errors import StoreUnavailable
from flask_isr.testing.store_kit.records import FOX
from tests.support import Gate
from tests.support import InThread

from .conftest import MakeProcess
from .process import Process
from .process import Source
from .process import WatchedStore
from .process import held
from .process import target
from .process import told


def fails(page: Rendered) -> Outcome:
    """A render that ends in an error page."""
    return Failed("status 503")


def raises(page: Rendered) -> Outcome:
    """A render that raises."""
    raise LookupError("no such fox")


def test_a_renewal_reports_its_failures_by_path(
    process: Process, source: Source
) -> None:
    """Mode *refresh* hears the cause; what succeeds is not in the report."""
    process.visit()
    process.expire()
    source.script = [raises]
    failed, pending = process.engine.blocking_renders.renew([target()])
    assert failed == {"/animals/fox": "LookupError: no such fox"}
    assert pending == []


def test_a_renewal_is_a_render_that_began_after_the_call(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """A render in flight with the old data does not pass for the new page."""
    process = make_process()
    source.script = [held(gates[0])]
    process.visitor()
    gates[0].wait()
    source.text = "second"
    process.expire(path_tag(FOX.path))
    assert process.engine.blocking_renders.renew([target()]) == ({}, [])
    assert told(process.visit()) == ("HIT", "second")


def test_a_renewal_waits_so_long_only(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """What is still rendering then is named."""
    process = make_process(wait=0.05)
    source.script = [held(gates[0])]
    assert process.engine.blocking_renders.renew([target()]) == ({}, ["/animals/fox"])


def test_a_build_says_what_came_of_it(process: Process, source: Source) -> None:
    """A build renders what is not fresh on its own stack, and returns the failure."""
    source.script = [fails]
    result = process.engine.blocking_renders.build(target(), force=False)
    assert isinstance(result, FailedAttempt)
    assert result.failure.cause == "status 503"
    process.expire(path_tag(FOX.path))
    assert process.engine.blocking_renders.build(target(), force=False) is not None
    assert process.engine.blocking_renders.build(target(), force=False) is None
    assert process.engine.blocking_renders.build(target(), force=True) is not None
    assert source.renders == 3


@pytest.mark.parametrize("strict", [False, True], ids=["auto", "named"])
def test_a_renewal_that_a_later_build_overtakes_went_well(
    make_process: MakeProcess, source: Source, gates: list[Gate], strict: bool
) -> None:
    """Its page is not stored, since a newer one stands there that is to stay; a build on
    its own stack finds the same."""
    old, new = (
        make_process(build=Build(name, strict=strict)) for name in ("old", "new")
    )
    old.visit()
    new.visit()
    old.expire()
    source.script = [held(gates[0])]
    renewal = InThread(lambda: old.engine.blocking_renders.renew([target()]))
    gates[0].wait()
    old.expire()
    assert told(new.visit()) == ("MISS", "first")
    gates[0].open()
    assert renewal.result() == ({}, [])
    renders = source.renders
    assert old.engine.blocking_renders.build(target(), force=True) is None
    assert source.renders == renders + 1
    assert told(new.visit()) == ("HIT", "first")


def test_a_renewal_whose_page_is_not_taken_by_the_store_failed(
    make_process: MakeProcess, source: Source
) -> None:
    """It says what is wrong, and does not render in vain again."""

    class Full(WatchedStore):
        def put(self, record: Record) -> Stored | None:
            raise StoreUnavailable("write a page", "it is too large")

    process = make_process(store=Full)
    failed, pending = process.engine.blocking_renders.renew([target()])
    assert failed == {"/animals/fox": "rendered, but not stored"}
    assert pending == []
    assert source.renders == 1
