"""Applications that share a folder, and what is left when one of the processes dies."""

from __future__ import annotations

import functools
import time

from tests.support import InThread

from .conftest import StartFarm


def test_two_sites_in_one_folder_have_pages_of_their_own(
    start_farm: StartFarm, page: str
) -> None:
    """In processes of their own, with the same routes: neither ever shows the other's."""
    path = f"/pages/{page}"
    one = start_farm("gthread", 2, FLASK_ISR_ORIGIN="https://one.test")
    folder = str(one.control.folder / "isr")
    two = start_farm(
        "gthread", 2, FLASK_ISR_ORIGIN="https://two.test", FLASK_ISR_FOLDER=folder
    )
    two.control.publish(page)

    for farm, version in ((one, 1), (two, 2)) * 2:
        assert {version} == {answer.version for answer in farm.ask_all(path)}
    assert [len(farm.control.runs(page)) for farm in (one, two)] == [1, 1]
    two.control.publish(page)
    assert two.servers[0].revalidate(f"path={path}").status == 200
    assert {3} == {answer.version for answer in two.ask_all(path)}
    assert {1} == {answer.version for answer in one.ask_all(path)}


def test_two_configurations_in_one_folder_have_pages_of_their_own(
    start_farm: StartFarm, page: str
) -> None:
    """As sites of one code have them that know nothing of each other; the workers of one
    share theirs. The second to come says what differs."""
    path = f"/pages/{page}"
    one = start_farm("gthread", 2, FLASK_TENANT="one")
    folder = str(one.control.folder / "isr")
    one.ask_all(path)
    two = start_farm("gthread", 2, FLASK_TENANT="two", FLASK_ISR_FOLDER=folder)
    two.control.publish(page)

    for farm, version in ((one, 1), (two, 2)) * 2:
        assert {version} == {answer.version for answer in farm.ask_all(path)}
    assert [len(farm.control.runs(page)) for farm in (one, two)] == [1, 1]
    said = "with another configuration, at the same build: TENANT"
    assert said in "".join(server.output() for server in two.servers)
    assert said not in one.servers[0].output()


def test_after_a_kill_the_next_visitor_waits_for_his_render_alone(
    start_farm: StartFarm, page: str
) -> None:
    """200 ms and a render after he asked he has his page: the kernel tells that its
    renderer is gone. The best of three counts, on a machine that does other things."""
    farm = start_farm("waitress", 2)
    one, two = farm.servers
    took = []
    for number in range(3):
        name = f"{page}{number}"
        farm.control.close_gate(name)
        lost = InThread(functools.partial(one.ask, f"/pages/{name}"))
        farm.control.wait_for_runs(name, 1)
        one.kill()
        asked = time.monotonic()
        assert two.ask(f"/pages/{name}").state == "MISS"
        took.append(time.monotonic() - asked)
        lost.join()
        one.restart()

    assert min(took) < 0.2
