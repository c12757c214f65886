"""The files of the embedded store: private, replaceable, healed when damaged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
import typing as t
from pathlib import Path

import pytest

from flask_isr.core.key import PageKey
from flask_isr.core.key import path_tag
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.sqlite.folder import OpenFolder
from flask_isr.stores.sqlite.shared_counter import SharedCounter
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.helpers import EXPIRED
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import TAGS
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry
from tests.support import InThread
from tests.unit.stores.conftest import MakeStore


@pytest.fixture
def generous_umask() -> t.Iterator[None]:
    """A process that makes its files readable for everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("generous_umask")
@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_files_are_private_to_their_owner(make_store: MakeStore, folder: Path) -> None:
    """Whatever the umask: nobody else reads pages, logs of the database, or leases."""
    store = make_store()
    write(store)
    lease_of(store)
    store.invalidate(expired=[path_tag(FOX.path)])
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {
        "pages.sqlite",
        "pages.sqlite-wal",
        "pages.sqlite-shm",
        "work.sqlite",
        "work.sqlite-wal",
        "clock",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


@pytest.mark.parametrize("database", ["pages.sqlite", "work.sqlite"])
@pytest.mark.parametrize("damage", ["garbage", "half"])
def test_a_corrupt_database_is_set_aside_and_healed(
    make_store: MakeStore,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    database: str,
    damage: str,
) -> None:
    """The first one to notice is told; after him the store works, and is empty."""
    store = make_store()
    for _ in range(20):
        write(store, body=bytes(10_000))
    store.close()
    path = folder / database
    data = path.read_bytes()
    if damage == "garbage":
        path.write_bytes(b"no database at all" * 1000)
    else:
        path.write_bytes(data[: len(data) // 2 // 4096 * 4096])
    outcome: list[str] = []
    for _ in range(3):
        try:
            write(store, body=b"new")
            lease_of(store)
            outcome.append("works")
            break
        except StoreUnavailable:
            outcome.append("unavailable")
    assert outcome[-1] == "works"
    assert body(store) == b"new"
    assert "is damaged and set aside" in caplog.text
    assert (folder / f"{database}.corrupt").exists()


def test_damage_deep_in_a_database_is_set_aside_when_it_is_met(
    make_store: MakeStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder opens, some pages are broken: the one that shows it heals them all."""
    store = make_store()
    keys = [PageKey("/p/<n>", f"/p/{number}") for number in range(100)]
    for key in keys:
        write(store, key, bytes(10_000))
    store.close()
    path = folder / "pages.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 4] + b"\xff" * (len(data) - len(data) // 4))
    store.current_version()
    with pytest.raises(StoreUnavailable, match="malformed"):
        [store.load(key) for key in keys]
    assert "is damaged and set aside" in caplog.text
    write(store, keys[0], b"new")
    assert body(store, keys[0]) == b"new"
    assert store.load(keys[1]) is None


def test_setting_aside_harms_no_database_that_was_healed_already(
    make_store: MakeStore, folder: Path
) -> None:
    """Of two processes that find the damage one heals it, and the other does not throw
    away what was written since."""
    writer, store, other = make_store(), make_store(), make_store()
    for one in (store, other):
        one.current_version()
    for _ in range(20):
        write(writer, body=bytes(10_000))
    garbage = b"no database at all" * 10_000
    for suffix in ("", "-wal"):
        (folder / f"pages.sqlite{suffix}").write_bytes(garbage)
    with pytest.raises(StoreUnavailable, match=r"malformed|not a database"):
        store.load(FOX)
    write(store, body=b"healed")
    with pytest.raises(StoreUnavailable, match=r"malformed|not a database"):
        other.load(FOX)
    assert body(make_store()) == body(other) == b"healed"


def test_a_folder_removed_while_it_is_open_is_made_anew(
    make_store: MakeStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A write notices at once: nothing is written into files that nobody finds."""
    restarts: list[str] = []
    store = make_store()
    write(store, body=b"gone with the folder")
    store.on_restart = lambda: restarts.append("restart")
    shutil.rmtree(folder)
    write(store, body=b"new")
    assert restarts == ["restart"]
    assert "was replaced or deleted" in caplog.text
    assert body(store) == b"new"
    assert body(make_store()) == b"new"


@pytest.mark.parametrize("write_something", [True, False], ids=["write", "lease"])
def test_processes_meet_again_in_a_folder_that_was_replaced(
    make_store: MakeStore, folder: Path, write_something: bool
) -> None:
    """Each process that writes or asks for a lease finds the new folder."""
    store, other = make_store(), make_store()
    write(store)
    write(other)
    folder.rename(folder.with_name("moved away"))
    if write_something:
        store.invalidate(expired=[path_tag(FOX.path)])
    else:
        lease_of(store)
    other.put(entry(FOX, other.current_version(), b"new"))
    assert body(other) == body(store) == b"new"


def test_a_folder_that_was_closed_opens_no_files_of_the_next(folder: Path) -> None:
    """A thread that has it still would write there, and announce it where nobody looks."""
    before = OpenFolder.open(folder)
    before.close()
    shutil.rmtree(folder)
    after = OpenFolder.open(folder)
    with (
        pytest.raises(sqlite3.ProgrammingError, match="closed meanwhile"),
        before.durable.write(),
    ):
        pytest.fail("it opened the new folder")
    after.close()


def test_a_render_of_the_folder_before_is_never_fresh_in_the_new_one(
    make_store: MakeStore, folder: Path
) -> None:
    """The invalidations that it missed are lost with the old folder: it counts as old."""
    store = make_store()
    mark = store.current_version()
    shutil.rmtree(folder)
    store.put(entry(FOX, mark, b"began before"))
    assert validity(store) is not FRESH


def test_a_render_of_a_folder_with_a_later_clock_is_not_stored(
    make_store: MakeStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the wall clock set back meanwhile, its mark would be ahead of everything."""
    store = make_store()
    mark = store.current_version()
    shutil.rmtree(folder)
    monkeypatch.setattr(time, "time_ns", lambda: 10**9)
    assert store.put(entry(FOX, mark, b"began before")) is None
    assert store.load(FOX) is None


def test_a_folder_that_cannot_be_opened_is_unavailable_and_says_why(
    tmp_path: Path,
) -> None:
    """Every method raises the one error that callers expect, naming what was tried."""
    file = tmp_path / "isr"
    file.write_text("a file where the folder should be")
    store = SQLiteStore(file, limit=1000)
    attempts: dict[str, t.Callable[[], object]] = {
        "tell its order": store.current_version,
        "tell what changed": lambda: store.changes(None),
        "read a page": lambda: store.load(FOX),
        "judge a page": lambda: store.validity_of(1, FOX.implicit_tags, 2),
        "write a page": lambda: store.put(entry(FOX, 1)),
        "record the invalidation": lambda: store.invalidate(expired=["t"]),
        "give a lease": lambda: store.acquire(FOX, FOX.implicit_tags, 60.0),
        "look at a lease": lambda: store.busy(FOX, TAGS),
        "read a failure": lambda: store.failure(FOX),
        "read a list": lambda: store.closed_list("animals"),
        "write a list": lambda: store.put_list("animals", [], 1),
        "list its pages": lambda: list(store.overview()),
        "note usage": lambda: store.used([FOX]),
        "tidy up": store.maintain,
        "clear": store.clear,
    }
    for doing, attempt in attempts.items():
        with pytest.raises(StoreUnavailable, match=f"did not {doing}") as caught:
            attempt()
        assert caught.value.doing == doing
    assert store.now() > 0
    assert store.change_counter() == -1


def test_many_threads_open_a_new_folder_at_once(make_store: MakeStore) -> None:
    """Instances that meet in an empty folder all end up with the same store."""
    keys = [PageKey("/p/<n>", f"/p/{number}") for number in range(8)]
    stores = {key: make_store() for key in keys}
    threads = [
        InThread(lambda k=key, s=store: write(s, k))  # type: ignore[misc]
        for key, store in stores.items()
    ]
    for thread in threads:
        thread.result()
    for store in stores.values():
        assert {validity(store, key) for key in keys} == {FRESH}
    stores[keys[0]].invalidate(expired=[path_tag(key.path) for key in keys])
    for key, store in stores.items():
        assert validity(store, key) is EXPIRED


def test_files_of_processes_that_are_gone_are_swept_up(
    make_store: MakeStore, folder: Path
) -> None:
    """The folder does not fill with one file for each process that ever was."""
    store = make_store()
    write(store)
    for number in range(5):
        (folder / "processes" / f"{number}-gone").touch()
    store.maintain()
    assert len(list((folder / "processes").iterdir())) == 1
    store.close()
    assert list((folder / "processes").iterdir()) == []


def test_a_word_that_does_not_fit_is_no_store(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes a part of its page and no more is full, and no fault of ours."""
    folder.mkdir()
    pwrite = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda file, data, at: pwrite(file, data[:100], at))
        with pytest.raises(OSError, match="No space left"):
            SharedCounter(folder / "clock")

    SharedCounter(folder / "clock").write(5)
    assert SharedCounter(folder / "clock").read() == 5
