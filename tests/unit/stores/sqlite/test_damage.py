"""Files of the embedded store that are damaged, lost or not its own, under a site."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
import typing as t
from pathlib import Path

import pytest

from flask_isr import StoreUnavailable
from flask_isr import revalidate_path
from flask_isr import static_page
from flask_isr.core.key import path_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from tests.conftest import MakeSite
from tests.support import PATIENCE
from tests.support import Site
from tests.support import cache_state
from tests.unit.stores.conftest import MakeStore

pytestmark = [pytest.mark.promise(6), pytest.mark.slow]

WARNING = "pages are rendered for each visitor meanwhile"


def _overwrite(start: float, end: float) -> t.Callable[[Path], None]:
    def overwrite(path: Path) -> None:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(int(size * start))
            file.write(b"\xa5" * int(size * (end - start)))

    return overwrite


def _cut(part: float, extra: int = 0) -> t.Callable[[Path], None]:
    return lambda path: os.truncate(
        path, int(path.stat().st_size * part) // 4096 * 4096 + extra
    )


def _extend(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\xa5" * 10_000)


def _misspell(path: Path) -> None:
    """Damage the words that describe the tables, which SQLite quotes in its message."""
    data = path.read_bytes()
    assert b"CREATE TABLE" in data
    path.write_bytes(data.replace(b"CREATE TABLE", b"CREATE TABL\xa5"))


# Not among them: side files that SQLite and the word map into memory, cut short under a
# process. The kernel ends whoever reads them.
_DAMAGE: t.Final[t.Mapping[str, t.Callable[[Path], None]]] = {
    "empty": _cut(0),
    "half": _cut(0.5),
    "odd": _cut(0.5, 100),
    "longer": _extend,
    "head": _overwrite(0, 0.02),
    "middle": _overwrite(0.3, 0.7),
    "all": _overwrite(0, 1),
    "gone": Path.unlink,
}

_DATABASES = "pages.sqlite", "work.sqlite"
# The logs are empty after a checkpoint, and gone with the last process.
_CASES = [
    *[
        (name, how, when)
        for name in _DATABASES
        for how in _DAMAGE
        for when in ("running", "checkpointed", "stopped")
    ],
    *[(f"{name}-wal", how, "running") for name in _DATABASES for how in _DAMAGE],
    *[(name, "tables", "stopped") for name in _DATABASES],
    ("pages.sqlite-shm", "middle", "running"),
    ("pages.sqlite-shm", "all", "running"),
    ("pages.sqlite-shm", "gone", "running"),
    ("clock", "empty", "stopped"),
    ("clock", "longer", "running"),
    ("clock", "all", "running"),
    ("clock", "gone", "running"),
]


class Shop:
    """Two processes of a site, whose pages show the data as it was when they were made."""

    def __init__(self, make_site: MakeSite) -> None:
        self.data = 1
        self._make_site = make_site
        self.sites = [self._start(), self._start()]
        #: What a visitor of a page must see at least, by path.
        self.floor: dict[str, int] = {}

    def _start(self) -> Site:
        site = self._make_site(ISR_BUILD_ID=None)

        @site.app.get("/<name>")
        @static_page()
        def page(name: str) -> str:
            # Large enough for the databases to have a middle.
            return f"{self.data} {name * 9000}"

        return site

    def restart(self) -> None:
        """End both processes and start them again."""
        for site in self.sites:
            site.close()
        self.sites = [self._start(), self._start()]

    def visit(self, site: Site, path: str) -> str:
        """A visitor gets a page, and none that was invalidated; its state."""
        answer = site.get(path)
        assert answer.status_code == 200
        assert int(answer.text.split()[0]) >= self.floor.get(path, 1)
        state = cache_state(answer)
        assert state is not None
        return state

    def invalidate(self, site: Site, path: str) -> bool:
        """Whether an invalidation was recorded; it must not pretend."""
        self.data += 1
        with site.app.app_context(), contextlib.suppress(StoreUnavailable):
            revalidate_path(path)
            self.floor[path] = self.data
            return True
        return False

    def works(self) -> bool:
        """Visit and invalidate in both processes: whether all of it went as it should."""
        recorded = [self.invalidate(site, "/a") for site in self.sites]
        for path in ("/a", "/b", f"/new{self.data}"):
            for site in self.sites:
                self.visit(site, path)
        states = {
            self.visit(site, path) for site in self.sites for path in ("/a", "/b")
        }
        return all(recorded) and states == {"HIT"}


@pytest.fixture
def shop(make_site: MakeSite) -> Shop:
    """The site, with pages that both processes have in memory."""
    shop = Shop(make_site)
    assert shop.works()
    return shop


def _checkpoint(folder: Path) -> None:
    for name in _DATABASES:
        with contextlib.closing(sqlite3.connect(folder / name)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize(("name", "how", "when"), _CASES, ids=map("-".join, _CASES))
def test_a_site_outlives_damage_to_its_store(
    shop: Shop,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    how: str,
    when: str,
) -> None:
    """Each visitor gets his page, nobody gets one that was invalidated, and soon pages are
    stored again, without a restart; each process warns once."""
    folder = tmp_path / "isr"
    if when == "checkpointed":
        _checkpoint(folder)
    elif when == "stopped":
        for site in shop.sites:
            site.close()
    (_misspell if how == "tables" else _DAMAGE[how])(folder / name)
    if when == "stopped":
        shop.restart()

    deadline = time.monotonic() + PATIENCE
    while not shop.works():
        assert time.monotonic() < deadline
    assert caplog.text.count(WARNING) <= len(shop.sites)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("pages.sqlite", "lists SET paths = '[1'"),
        ("pages.sqlite", "lists SET asked_at = 'lately'"),
        ("pages.sqlite", "clock SET value = 'x'"),
        ("work.sqlite", "failures SET error = x'ff'"),
        ("work.sqlite", "failures SET error = '[500'"),
        ("work.sqlite", "failures SET retry_at = 'soon'"),
    ],
)
def test_a_row_that_makes_no_sense_breaks_no_visit(
    make_site: MakeSite, tmp_path: Path, name: str, damage: str
) -> None:
    """SQLite sees no damage there: visitors get what the view gives them."""

    def start() -> Site:
        site = make_site()

        @site.app.get("/<name>")
        @static_page(60, paths=["/a", "/ill"], fallback=False)
        def page(name: str) -> str:
            if name == "ill":
                raise LookupError
            return name

        return site

    def visit(site: Site) -> list[int]:
        return [site.get(path).status_code for path in ("/a", "/ill", "/none")]

    site = start()
    visit(site)
    site.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "isr" / name)) as database:
        assert database.execute(f"UPDATE {damage}").rowcount > 0
        database.commit()

    site = start()
    for _ in range(2):
        known, ill, unlisted = visit(site)
        assert (known, ill) == (200, 500)
        assert unlisted in (200, 404)
        with site.app.app_context(), contextlib.suppress(StoreUnavailable):
            revalidate_path("/a")
        site.settle()


def test_a_database_that_was_emptied_under_its_processes_is_made_anew(
    make_store: MakeStore, folder: Path
) -> None:
    """SQLite takes it for a new one, throws its log away, and misses the tables: the first
    process that notices makes another database, and the others follow."""
    store, other = make_store(), make_store()
    write(store)
    write(other)
    os.truncate(folder / "pages.sqlite", 0)
    with pytest.raises(StoreUnavailable, match="no such table"):
        store.invalidate(expired=["tag:a"])
    store.invalidate(expired=["tag:a"])
    write(other, body=b"new")
    assert body(store) == body(other) == b"new"


@pytest.mark.parametrize("lost", ["clock", "pages.sqlite", "work.sqlite", ""])
def test_what_was_invalidated_in_a_new_folder_is_seen_at_once(
    make_store: MakeStore, folder: Path, lost: str
) -> None:
    """A process that has the old folder open and serves from memory looks no later than
    the process that invalidates has found the new one."""
    store, other = make_store(), make_store()
    memory = LocalCache(other, 10**8)
    other.on_restart = memory.clear
    write(store)
    stored = other.load(FOX)
    assert stored is not None
    memory.sync()
    memory.add(stored, ())
    assert memory.get(FOX) is not None
    if lost:
        (folder / lost).unlink()
    else:
        shutil.rmtree(folder)
    store.invalidate(expired=[path_tag(FOX.path)])
    assert memory.get(FOX) is None
    assert validity(other) is not FRESH


def test_a_process_whose_file_is_gone_makes_another(
    make_store: MakeStore, folder: Path
) -> None:
    """Else the others would take it for dead, and render what it renders."""
    store, other = make_store(), make_store()
    write(store)
    shutil.rmtree(folder / "processes")
    write(store)
    lease_of(store)
    assert other.busy(FOX, TAGS)
