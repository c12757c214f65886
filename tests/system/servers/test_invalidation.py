"""Invalidations before, while and after a render runs, in its process and in another."""

from __future__ import annotations

import typing as t

import pytest

from tests.support import InThread
from tests.support.waiting import poll

from .conftest import StartFarm
from .running import Farm
from .running import Server

KINDS: t.Final = {
    "path": "path=/pages/{page}",
    "rule": "path=/pages/<name>&match=rule",
    "prefix": "path=/pages&match=prefix",
    "tag": "tag=page:{page}",
}
CASES = [
    (kind, mode)
    for kind in KINDS
    for mode in ("expire", "stale", "refresh")
    if mode != "refresh" or kind == "path"
]


def _each(cases: list[tuple[str, str]]) -> pytest.MarkDecorator:
    ids = [f"{kind}-{mode}" for kind, mode in cases]
    return pytest.mark.parametrize(("kind", "mode"), cases, ids=ids)


every_case = _each(CASES)
# A page made stale may be served once more.
every_case_but_stale = _each([case for case in CASES if case[1] != "stale"])
in_either_process = pytest.mark.parametrize(
    "other", [False, True], ids=["same", "other"]
)


# One start of the servers is enough.
pytestmark = [pytest.mark.promise(4), pytest.mark.xdist_group("servers-invalidation")]


@pytest.fixture(scope="module")
def farm(start_module_farm: StartFarm) -> Farm:
    """Two processes, each behind an address of its own."""
    return start_module_farm("waitress", 2)


def _invalidate(server: Server, page: str, kind: str, mode: str) -> None:
    answer = server.revalidate(f"{KINDS[kind].format(page=page)}&mode={mode}")
    assert answer.status == 200, answer.body


@every_case
@in_either_process
def test_before_a_render_it_leaves_that_render_fresh(
    farm: Farm, page: str, kind: str, mode: str, other: bool
) -> None:
    """A page that is rendered after the invalidation is served, and not rendered again."""
    path, control = f"/pages/{page}", farm.control
    control.publish(page)
    _invalidate(farm.servers[other], page, kind, mode)
    loads = [farm.servers[0].ask(path), *farm.ask_all(path)]

    assert {2} == {load.version for load in loads}
    assert [load.state for load in loads[1:]] == ["HIT", "HIT"]
    assert len(control.runs(page)) == 1


@every_case
@in_either_process
def test_while_a_render_runs_its_page_is_never_fresh(
    farm: Farm, page: str, kind: str, mode: str, other: bool
) -> None:
    """A render that had read its data before the invalidation brings no old page back."""
    path, control, server = f"/pages/{page}", farm.control, farm.servers[0]
    farm.ask_all(path)
    control.close_gate(page)
    control.publish(page)
    control.clock.advance(61)
    assert ((old := server.ask(path)).version, old.state) == (1, "STALE")
    control.wait_for_runs(page, 2)
    # It has read version 2, and stands at the gate.
    control.publish(page)
    _invalidate(farm.servers[other], page, kind, mode)

    loads = farm.ask_all(path)
    expected = {(1, "STALE")} if mode == "stale" else {(3, "HIT"), (3, "MISS")}
    assert expected >= {(load.version, load.state) for load in loads}
    assert not [run for run in control.runs(page, "ended") if run.version == 2]

    control.open_gate(page)
    poll(lambda: [run for run in control.runs(page, "ended") if run.version == 2])
    farm.settle(path, 3)
    assert len(control.runs(page)) == 3


@every_case_but_stale
@in_either_process
def test_while_a_cold_page_is_rendered_later_visitors_get_the_new_one(
    farm: Farm, page: str, kind: str, mode: str, other: bool
) -> None:
    """Nobody who asks after the invalidation waits for, or is called fresh, the page of a
    render that had read its data before."""
    path, control = f"/pages/{page}", farm.control
    control.close_gate(page)
    early = InThread(lambda: farm.servers[0].ask(path))
    control.wait_for_runs(page, 1)
    control.publish(page)
    _invalidate(farm.servers[other], page, kind, mode)

    assert {2} == {load.version for load in farm.ask_all(path)}
    assert not [run for run in control.runs(page, "ended") if run.version == 1]
    control.open_gate(page)
    # He asked before: either page is right for him.
    assert early.result().version in (1, 2)
    farm.settle(path, 2)
    assert len(control.runs(page)) == 2


@every_case
@in_either_process
def test_after_a_render_its_page_is_never_fresh_again(
    farm: Farm, page: str, kind: str, mode: str, other: bool
) -> None:
    """A page stored before the invalidation is old in every process at once."""
    path, control = f"/pages/{page}", farm.control
    control.publish(page)
    farm.ask_all(path)
    control.publish(page)
    _invalidate(farm.servers[other], page, kind, mode)

    first = farm.servers[0].ask(path)
    assert (first.version, first.state) in {
        "stale": [(2, "STALE")],
        "expire": [(3, "MISS"), (3, "HIT")],
        "refresh": [(3, "HIT")],
    }[mode]
    farm.settle(path, 3)
    assert len(control.runs(page)) == 2


def test_who_comes_while_two_outdated_renders_run_gets_a_third(
    farm: Farm, page: str
) -> None:
    """A visitor may join a render that began before the invalidation he knows of, since a
    page has two at a time at most; he is not given what comes out of it."""
    path, control, server = f"/pages/{page}", farm.control, farm.servers[0]
    visitors = []
    for _ in range(2):
        control.close_gate(page)
        visitors.append(InThread(lambda: server.ask(path)))
        control.wait_for_runs(page, len(visitors))
        control.publish(page)
        _invalidate(server, page, "tag", "expire")
    late = InThread(lambda: server.ask_many(path, 4))
    poll(lambda: control.waiting(page) == 4)
    assert [run.version for run in control.runs(page)] == [1, 2]

    control.open_gate(page)
    assert {3} == {answer.version for answer in late.result()}
    assert {1, 2, 3} >= {visitor.result().version for visitor in visitors}
    farm.settle(path, 3)
    assert len(control.runs(page)) == 3
