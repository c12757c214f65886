"""Another release of the application on the same folder: restart, reload, side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.waiting import poll

from .conftest import StartFarm
from .history import History
from .running import Answer
from .running import Farm
from .running import Server

pytestmark = pytest.mark.promise(8)


class Shop:
    """The folder in which an application is deployed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "templates").mkdir(parents=True)
        self.deploy("old")

    def deploy(self, release: str) -> None:
        """Put the template of another release in place."""
        self.write(self.root, release)

    @staticmethod
    def write(root: Path, release: str) -> None:
        """Write the template of a release."""
        (root / "templates" / "release.html").write_text(release)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The first release is called ``old``."""
    return Shop(tmp_path / "shop")


def _release(answer: Answer) -> str:
    assert answer.status == 200, answer
    return str(json.loads(answer.body)["release"])


def _seen(answer: Answer) -> tuple[str, str | None]:
    return _release(answer), answer.state


def _start_again(farm: Farm, how: str) -> None:
    (server,) = farm.servers
    if how == "restart":
        server.stop()
        server.restart()
    else:
        server.reload()


@pytest.mark.parametrize("how", ["restart", "reload"])
def test_the_second_load_shows_a_template_that_was_edited(
    start_farm: StartFarm, shop: Shop, page: str, how: str
) -> None:
    """The first one is the old page once more, and says so; it is rendered once."""
    farm = start_farm("gthread", 2, SITE_ROOT=str(shop.root))
    path = f"/releases/{page}"
    assert {"old"} == {_release(answer) for answer in farm.ask_all(path)}
    shop.deploy("new")
    _start_again(farm, how)

    assert _seen(farm.servers[0].ask(path)) == ("old", "STALE")
    farm.settle(path, 1)
    assert {("new", "HIT")} == {_seen(answer) for answer in farm.ask_all(path)}
    assert len(farm.control.runs(page)) == 2


@pytest.mark.parametrize("how", ["restart", "reload"])
def test_the_same_release_started_again_changes_nothing(
    start_farm: StartFarm, shop: Shop, page: str, how: str
) -> None:
    """Its pages are fresh in all its processes."""
    farm = start_farm("gthread", 2, SITE_ROOT=str(shop.root))
    path = f"/releases/{page}"
    farm.ask_all(path)
    _start_again(farm, how)
    assert {("old", "HIT")} == {_seen(answer) for answer in farm.ask_all(path)}
    assert len(farm.control.runs(page)) == 1


def test_pages_of_another_named_release_are_not_served(
    start_farm: StartFarm, shop: Shop, page: str
) -> None:
    """Not even once, and not by the release that is withdrawn either."""
    farm = start_farm(
        "gthread", 2, SITE_ROOT=str(shop.root), FLASK_ISR_BUILD_ID="first"
    )
    (server,) = farm.servers
    path = f"/releases/{page}"
    farm.ask_all(path)
    for number, name in enumerate(("second", "first"), start=2):
        shop.deploy(name)
        server.stop()
        server.restart(FLASK_ISR_BUILD_ID=name)
        assert {name} == {_release(answer) for answer in farm.ask_all(path)}
        assert len(farm.control.runs(page)) == number


def test_releases_may_share_their_pages(
    start_farm: StartFarm, shop: Shop, page: str
) -> None:
    """With ``None``, a deploy alone renews nothing."""
    farm = start_farm("gthread", 2, SITE_ROOT=str(shop.root), FLASK_ISR_BUILD_ID="null")
    path = f"/releases/{page}"
    farm.ask_all(path)
    shop.deploy("new")
    _start_again(farm, "restart")
    assert {("old", "HIT")} == {_seen(answer) for answer in farm.ask_all(path)}


@pytest.mark.parametrize("named", [False, True], ids=["auto", "named"])
def test_a_release_that_runs_on_leaves_the_pages_of_the_next_one_alone(
    start_farm: StartFarm, shop: Shop, page: str, named: bool
) -> None:
    """While both are up, and the new one's page is good: what the old one renders is for
    its own visitor, is rendered once for them, and is not stored; and it renders nothing
    behind anybody's back."""
    names = ["one", "two"] if named else ["auto", "auto"]
    farm = start_farm(
        "waitress", 2, SITE_ROOT=str(shop.root), FLASK_ISR_BUILD_ID=names[0]
    )
    old, new = farm.servers
    control, path = farm.control, f"/releases/{page}"
    old.ask(path)
    shop.deploy("new")
    new.stop()
    new.restart(FLASK_ISR_BUILD_ID=names[1])
    new.ask(path)
    # Its view ends a moment before its page is stored.
    control.wait_for_runs(page, 2, "ended")
    poll(lambda: _seen(new.ask(path)) == ("new", "HIT"))

    if named:
        for number in (3, 4):
            assert _seen(old.ask(path)) == ("old", "MISS")
            assert len(control.runs(page)) == number
        assert _seen(new.ask(path)) == ("new", "HIT")
    else:
        assert _seen(old.ask(path)) == ("new", "HIT")
        control.clock.advance(61)
        for _ in range(5):
            assert _seen(old.ask(path)) == ("new", "STALE")
        assert len(control.runs(page)) == 2
        assert _seen(new.ask(path)) == ("new", "STALE")
        control.wait_for_runs(page, 3, "ended")
        poll(lambda: _seen(new.ask(path)) == ("new", "HIT"))
        assert len(control.runs(page)) == 3


@pytest.mark.parametrize("named", [False, True], ids=["auto", "named"])
def test_releases_that_start_in_turns_lose_no_invalidation(
    start_farm: StartFarm, shop: Shop, page: str, named: bool
) -> None:
    """Blue and green on one folder, and an old process that is started once more while
    the new ones run: what any of them invalidates is new in all that are left."""
    environments = {}
    for release in ("old", "new"):
        root = shop.root.with_name(release)
        shutil.copytree(shop.root, root)
        Shop.write(root, release)
        build_id = release if named else "auto"
        environments[release] = {
            "SITE_ROOT": str(root),
            "FLASK_ISR_BUILD_ID": build_id,
        }
    farm = start_farm("waitress", 4, **environments["old"])
    old, new, late_old, late_new = farm.servers
    control, path = farm.control, f"/releases/{page}"

    def change(server: Server) -> tuple[int, str | None]:
        control.publish(page)
        answer = server.revalidate(f"tag=page:{page}")
        assert answer.status == 200
        answer = server.ask(path)
        assert "detail=" not in answer.headers["cache-status"]
        return answer.version, answer.state

    def start(server: Server, release: str) -> None:
        server.stop()
        server.restart(**environments[release])

    old.ask(path)
    start(new, "new")
    new.ask(path)
    start(late_old, "old")
    assert change(late_old) == (2, "MISS")
    start(late_new, "new")
    late_new.ask(path)
    for server in (old, late_old):
        server.stop()
    for number, (server, other) in enumerate(
        ((late_new, new), (new, late_new), (late_new, new)), start=3
    ):
        assert change(server) == (number, "MISS")
        for one in (server, other):
            answer = one.ask(path)
            assert (answer.version, *_seen(answer)) == (number, "new", "HIT")
        answer = other.revalidate(f"path={path}&mode=refresh")
        assert (answer.status, server.ask(path).state) == (200, "HIT")


def test_reloads_under_load_lose_nothing(
    start_farm: StartFarm, shop: Shop, page: str
) -> None:
    """While workers are replaced again and again, each time by another release, nobody
    gets an error, or an old page as fresh; the last edit and the last release show."""
    farm = start_farm("gthread", 2, SITE_ROOT=str(shop.root))
    (server,) = farm.servers
    path = f"/releases/{page}"
    history = History(farm, page, path, readers=4, interval=0.05)

    def reload() -> None:
        for release in ("second", "third", "fourth", "fifth", "sixth", "seventh"):
            shop.deploy(release)
            server.reload()

    history.record(reload)

    assert {200} == {answer.status for answer in history.answers}
    assert history.outdated() == []
    assert len(history.edits) >= 5
    assert len({answer.process for answer in history.answers}) >= 6
    # A worker of gunicorn that ends closes connections that it has accepted and not read.
    assert history.broken <= 12
    farm.settle(path, farm.control.version(page))
    assert {"seventh"} == {_release(answer) for answer in farm.ask_all(path)}
