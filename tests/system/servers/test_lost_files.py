"""Files of the store that are taken away: under running processes, and while none runs."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import typing as t
from pathlib import Path

import pytest

from flask_isr.stores.sqlite.files import FILES

from .conftest import StartFarm
from .running import Farm
from .running import Server

#: What somebody takes away, such as a cleaner of temporary files: all that matches one of
#: these patterns.
LOST: t.Final = (
    *FILES,
    "lock",
    "processes",
    "processes/*",
    "*-shm",
    "*-wal",
    "pages.sqlite*",
    "work.sqlite*",
    "*.sqlite",
    "clock lock",
    # Whoever comes next cannot see that anybody lives.
    *(f"processes {name}" for name in FILES if name.endswith("-shm")),
)


@pytest.fixture
def farm(start_farm: StartFarm) -> Farm:
    """Two processes, each with an address of its own, in the time that everybody has."""
    return start_farm("waitress", 2, SITE_OWN_TIME="1")


def folder_of(farm: Farm) -> Path:
    """Where the store is."""
    return farm.control.folder / "isr"


def lose(farm: Farm, what: str) -> None:
    """Take files of the store away, and folders."""
    for path in [path for each in what.split() for path in folder_of(farm).glob(each)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def join(farm: Farm) -> Server:
    """One more process, which starts now."""
    environment = {"SITE_OWN_TIME": "1"}
    server = Server("waitress", farm.control, 1, (), environment)
    farm.servers.append(server)
    server.wait_until_ready()
    return server


def warm(farm: Farm, path: str) -> None:
    """Have *path* in the memory of each process."""
    for server in farm.servers:
        server.ask(path)
        assert server.ask(path).state == "HIT"


def check_seen(farm: Farm, by: Server, page: str) -> None:
    """What is invalidated in one process holds at once for each of them, and in the end
    all serve one page from the store."""
    path = f"/pages/{page}"
    version = farm.control.publish(page)
    assert by.revalidate(f"tag=page:{page}").status == 200
    assert {version} == {server.ask(path).version for server in farm.servers}
    farm.settle(path, version)
    bodies = {server.ask(path).body for server in farm.servers}
    assert len(bodies) == 1


@pytest.mark.parametrize("what", LOST)
def test_a_new_process_and_those_that_run_on_are_one_site(
    farm: Farm, page: str, what: str
) -> None:
    """An invalidation in the new one is seen by the others with the very next request, and
    theirs by it: nobody goes on with files that nobody else has."""
    warm(farm, f"/pages/{page}")
    lose(farm, what)
    new = join(farm)
    warm(farm, f"/pages/{page}")
    for server in (new, *farm.servers[:2]):
        check_seen(farm, server, page)


@pytest.mark.parametrize("what", LOST)
def test_processes_that_run_on_stay_one_site(farm: Farm, page: str, what: str) -> None:
    """Whichever of them is the first to look."""
    warm(farm, f"/pages/{page}")
    lose(farm, what)
    for server in farm.servers:
        check_seen(farm, server, page)


@pytest.mark.parametrize("what", [what for what in LOST if "work" not in what])
def test_what_was_invalidated_before_a_restart_is_so_after_it(
    farm: Farm, page: str, what: str
) -> None:
    """All processes are killed, so that the last commits stand in the log alone, and files
    are taken away before the site is started again."""
    path = f"/pages/{page}"
    warm(farm, path)
    # The page is in the database itself, and only what follows is in the log.
    for name in ("pages.sqlite", "work.sqlite"):
        with contextlib.closing(sqlite3.connect(folder_of(farm) / name)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    farm.control.publish(page)
    assert farm.servers[0].revalidate(f"tag=page:{page}").status == 200
    for server in farm.servers:
        server.kill()
    lose(farm, what)
    for server in farm.servers:
        server.restart()
    for server in farm.servers:
        answer = server.ask(path)
        assert (answer.version, answer.state) != (1, "HIT")
    farm.settle(path, 2)
