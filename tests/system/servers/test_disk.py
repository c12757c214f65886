"""Disks that are full or read-only, and processes that may open no more files."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.support.processes import run_script
from tests.support.waiting import poll

from .conftest import StartFarm
from .running import Farm

pytestmark = pytest.mark.promise(6)

WARNING = "pages are rendered for each visitor meanwhile"


class Disk:
    """A small disk of its own for the folder of the store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path))

    @staticmethod
    def _mount(*options: str) -> None:
        subprocess.run(["mount", *options], check=True, capture_output=True)

    def fill(self) -> None:
        """Leave no byte free."""
        with (
            contextlib.suppress(OSError),
            (self.path / "filler").open("ab", buffering=0) as file,
        ):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        """Take away what :meth:`fill` wrote."""
        (self.path / "filler").unlink()

    def forbid_writing(self, forbidden: bool = True) -> None:
        """Make it read-only; possible while nobody has it open for writing."""
        self._mount("-o", f"remount,{'ro' if forbidden else 'rw'}", str(self.path))

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> t.Iterator[Disk]:
    """A disk, where disks can be mounted."""
    try:
        found = Disk(tmp_path / "disk")
    except (OSError, subprocess.CalledProcessError) as error:
        message = f"no file system can be mounted here ({error}): run this as root"
        if os.environ.get("ISR_REQUIRE_SERVICES") == "1":
            pytest.fail(message)
        pytest.skip(message)
    yield found
    found.unmount()


def start(start_farm: StartFarm, disk: Disk) -> Farm:
    """Two processes whose store is on *disk*."""
    return start_farm("gthread", 2, FLASK_ISR_FOLDER=str(disk.path / "isr"))


def check_visitors(farm: Farm, page: str) -> None:
    """Each visitor gets each page as it is now."""
    for number in range(4):
        farm.control.publish(f"{page}{number}")
        for answer in farm.ask_all(f"/pages/{page}{number}"):
            # None is stored: each is rendered for its visitor.
            assert (answer.status, answer.version, answer.state) == (200, 2, "BYPASS")


def check_healed(farm: Farm, page: str, workers: set[int]) -> None:
    """The same processes store pages again, and invalidate them."""
    (server,) = farm.servers
    path = f"/pages/{page}"
    poll(lambda: {"HIT"} == {answer.state for answer in farm.ask_all(path)})
    farm.control.publish(page)
    assert server.revalidate(f"tag=page:{page}").status == 200
    version = farm.control.version(page)
    assert {version} == {answer.version for answer in farm.ask_all(path)}
    assert server.meet_all() == workers


def check_log(farm: Farm) -> None:
    """Each process said so once, and not for each visitor."""
    (server,) = farm.servers
    assert 1 <= server.output().count(WARNING) <= server.processes


def test_a_full_disk(start_farm: StartFarm, disk: Disk, page: str) -> None:
    """Stored pages are served, others rendered, invalidations answer 503 or hold; with
    room again all is as before, in the same processes."""
    farm = start(start_farm, disk)
    (server,) = farm.servers
    workers = server.meet_all()
    path = f"/pages/{page}"
    farm.ask_all(path)
    disk.fill()

    assert {("HIT", 1)} == {(a.state, a.version) for a in farm.ask_all(path)}
    check_visitors(farm, page)
    check_invalidations(farm, page)
    check_log(farm)
    disk.make_room()
    check_healed(farm, f"{page}0", workers)


def check_invalidations(farm: Farm, page: str) -> None:
    """They are recorded, or say that they are not; none pretends."""
    (server,) = farm.servers
    path, statuses = f"/pages/{page}", []
    while 503 not in statuses:
        farm.control.publish(page)
        answer = server.revalidate(f"tag=page:{page}")
        statuses.append(answer.status)
        if answer.status == 200:
            version = farm.control.version(page)
            assert {version} == {load.version for load in farm.ask_all(path)}
        else:
            assert int(answer.headers["retry-after"]) > 0
        # The log of the database may have some room of its own.
        assert len(statuses) < 100


def test_a_read_only_disk(start_farm: StartFarm, disk: Disk, page: str) -> None:
    """A server that starts on one renders each page for its visitor, until it may write."""
    farm = start(start_farm, disk)
    (server,) = farm.servers
    farm.ask_all(f"/pages/{page}")
    server.stop()
    disk.forbid_writing()
    server.restart()
    workers = server.meet_all()

    check_visitors(farm, page)
    answer = server.revalidate(f"tag=page:{page}")
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    check_log(farm)
    disk.forbid_writing(False)
    check_healed(farm, page, workers)


@pytest.mark.parametrize("kind", ["gthread", "waitress"])
def test_a_folder_that_is_removed_again_and_again(
    start_farm: StartFarm, page: str, kind: str
) -> None:
    """While it is served from, and while pages are invalidated: nobody gets an error."""
    farm = start_farm(kind, 2)
    path = f"/pages/{page}"
    for _ in range(5):
        farm.ask_all(path)
        shutil.rmtree(farm.control.folder / "isr", ignore_errors=True)
        farm.control.publish(page)
        statuses = {s.revalidate(f"tag=page:{page}").status for s in farm.servers}
        assert statuses <= {200, 503}
        answers = farm.ask_all(path)
        assert {200} == {answer.status for answer in answers}
        farm.control.clock.advance(2)
    version = farm.control.version(page)

    def settled() -> bool:
        # Processes look at the folder once a second, of the store's time and of real time.
        farm.control.clock.advance(1.1)
        answers = farm.ask_all(path)
        return {("HIT", version)} == {(load.state, load.version) for load in answers}

    poll(settled)


EXHAUSTED: t.Final = """
import resource
import sys

from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from flask_isr import ISR, StoreUnavailable, revalidate_path, static_page

app = Flask("site", instance_path=sys.argv[1])
ISR(app)
data = {"text": "old"}


@app.get("/<name>")
@static_page()
def page(name):
    return f"{name} {data['text']}"


def get(path):
    body, status, headers = run_wsgi_app(app, create_environ(path), buffered=True)
    assert status == "200 OK", status
    return headers["X-ISR-Cache"], b"".join(body).decode()


def exhaust():
    with open("/dev/null") as file:
        resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno(), hard))


@app.get("/plain/view")
def plain():
    return "plain"


run_wsgi_app(app, create_environ("/plain/view"), buffered=True)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if sys.argv[2] == "open":
    assert get("/a") == ("MISS", "a old")
exhaust()
for name in "aabb":
    state, text = get(f"/{name}")
    assert text == f"{name} old", (state, text)
data["text"] = "new"
with app.app_context():
    try:
        revalidate_path("/a")
    except StoreUnavailable:
        # Not recorded, and said so.
        pass
    else:
        assert get("/a")[1] == "a new"
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
state = app.extensions["isr"]
state.store._access._down_until = 0
for name in "cd":
    get(f"/{name}")
    assert get(f"/{name}") == ("HIT", f"{name} new"), get(f"/{name}")
"""


@pytest.mark.parametrize("store", ["open", "closed"])
def test_a_process_that_may_open_no_more_files(tmp_path: Path, store: str) -> None:
    """Whether it has the store open or not, it answers; and it recovers."""
    run_script(EXHAUSTED, tmp_path, store)
