"""Renders that no visitor asked for: mode *refresh*, and builds."""

from __future__ import annotations

from flask_isr.core.flight import Broken
from flask_isr.core.key import path_tag
from flask_isr.core.outcome import Failed
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import Rendered

from ..records import FOX
from ..support import Gate
from .conftest import MakeProcess
from .process import Process
from .process import Source
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
    failed, pending = process.engine.renewals.renew([target()])
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
    assert process.engine.renewals.renew([target()]) == ({}, [])
    assert told(process.visit()) == ("HIT", "second")


def test_a_renewal_waits_so_long_only(
    make_process: MakeProcess, source: Source, gates: list[Gate]
) -> None:
    """What is still rendering then is named."""
    process = make_process(wait=0.05)
    source.script = [held(gates[0])]
    assert process.engine.renewals.renew([target()]) == ({}, ["/animals/fox"])


def test_a_build_says_what_came_of_it(process: Process, source: Source) -> None:
    """A build renders what is not fresh on its own stack, and returns the failure."""
    source.script = [fails]
    landing = process.engine.renewals.build(target(), force=False)
    assert isinstance(landing, Broken)
    assert landing.failure.cause == "status 503"
    process.expire(path_tag(FOX.path))
    assert process.engine.renewals.build(target(), force=False) is not None
    assert process.engine.renewals.build(target(), force=False) is None
    assert process.engine.renewals.build(target(), force=True) is not None
    assert source.renders == 3
