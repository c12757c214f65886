"""Files of the embedded store that vanish while it is open, and files that may."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest

from flask_isr.core.key import path_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.sqlite import access
from flask_isr.stores.sqlite import files
from flask_isr.stores.sqlite.database import Database
from flask_isr.stores.sqlite.files import FILES
from flask_isr.stores.sqlite.liveness import Liveness
from flask_isr.stores.sqlite.shared_counter import SharedCounter
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.helpers import FRESH
from flask_isr.testing.store_kit.helpers import STALE
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import validity
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from tests.unit.stores.conftest import MakeStore

# They wait for a disk, or for processes that end.
pytestmark = pytest.mark.slow

ALARM = "were taken away while they were in use"


def in_memory(store: SQLiteStore) -> LocalCache:
    """The memory of a process that serves a page from *store*."""
    memory = LocalCache(store, 10**8)
    store.on_restart = memory.clear
    memory.sync()
    stored = store.load(FOX)
    assert stored is not None
    memory.add(stored, ())
    assert memory.get(FOX) is not None
    return memory


@pytest.mark.slow
@pytest.mark.parametrize("lost", FILES)
@pytest.mark.parametrize("more", ["idle", "busy"])
def test_whoever_comes_next_shares_its_files_with_those_who_are_there(
    make_store: MakeStore, folder: Path, lost: str, more: str
) -> None:
    """Also if connections of a process are in use when it looks: SQLite gives each new one
    of that process the files of the old ones."""
    stores = [make_store(), make_store()]
    write(stores[0])
    memories = [in_memory(store) for store in stores]
    with contextlib.ExitStack() as stack:
        if more == "busy":
            for store in stores:
                opened = store._access.opened()
                for database in (opened.pages, opened.work):
                    stack.enter_context(database.read())
        (folder / lost).unlink()
        new = make_store()
        new.invalidate(expired=[path_tag(FOX.path)])
        if lost == "clock":
            # Nobody can tell them by a word that they do not map: they look themselves,
            # while the new one waits.
            for memory in memories:
                memory.sync()
        assert [memory.get(FOX) for memory in memories] == [None, None]
        write(new, body=b"new")
    assert [body(store) for store in (*stores, new)] == [b"new"] * 3
    stores[0].invalidate(expired=[path_tag(FOX.path)])
    assert validity(new) is not FRESH


@pytest.mark.parametrize("lost", ["work.sqlite-wal", "work.sqlite-shm"])
def test_pages_stay_where_the_other_database_was_torn(
    make_store: MakeStore, folder: Path, lost: str
) -> None:
    """What is set aside are leases and failures."""
    store, other = make_store(), make_store()
    write(store, body=b"kept")
    other.current_version()
    (folder / lost).unlink()
    assert body(make_store()) == b"kept"
    store.next_version()
    assert body(store) == body(other) == b"kept"


def test_what_sqlite_removes_and_makes_by_itself_is_no_loss(
    make_store: MakeStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs are emptied, processes end and begin, the last one and the first, and errors
    close connections: nothing is set aside, and nobody begins afresh."""
    store, other = make_store(), make_store()
    write(store, body=b"kept")
    other.current_version()
    before = files.identity(folder)
    for each in (store, other):
        each.maintain()
        opened = each._access.opened()
        for database in (opened.pages, opened.durable, opened.work):
            for _ in range(3):
                with contextlib.suppress(LookupError), database.read():
                    raise LookupError
        assert files.identity(folder) == before
    store.close()
    assert files.identity(folder) == before
    write(other, body=b"kept")
    assert files.identity(folder) == before
    other.close()
    assert not (folder / "pages.sqlite-wal").exists()
    assert body(store) == body(other) == b"kept"
    assert validity(store) is FRESH
    assert caplog.text == ""


def test_a_process_that_is_just_ending_is_waited_for(
    make_store: MakeStore,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The interpreter may close its databases a moment before the kernel knows."""
    store = make_store()
    write(store, body=b"kept")
    store.close()
    ending = Liveness(folder / "processes")

    def end(seconds: float) -> None:
        ending.close()

    monkeypatch.setattr(time, "sleep", end)
    assert body(make_store()) == b"kept"
    assert caplog.text == ""


def test_who_comes_while_the_last_one_closes_finds_all_that_it_had(
    make_store: MakeStore,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A process does not seem to live while its databases are closed one by one."""
    store, next_one = make_store(), make_store()
    write(store, body=b"kept")
    close = Database.close
    found: list[bytes | None] = []

    def close_and_come(database: Database) -> None:
        close(database)
        if not found and not (folder / "pages.sqlite-wal").exists():
            found.append(None)
            found[:] = [body(next_one)]

    with monkeypatch.context() as patch:
        patch.setattr(Database, "close", close_and_come)
        store.close()
    assert found == [b"kept"]
    assert caplog.text == ""


def test_a_folder_whose_files_are_being_replaced_is_not_opened(
    make_store: MakeStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process must know by number what it has open."""
    monkeypatch.setattr(access, "_BREAK", 0.0)
    hold = Database.hold

    def hold_and_replace(database: Database) -> None:
        hold(database)
        if database._path.name == "work.sqlite":
            copy = folder / "copy"
            copy.touch()
            copy.rename(database._path)

    store = make_store()
    with monkeypatch.context() as patch:
        patch.setattr(Database, "hold", hold_and_replace)
        with pytest.raises(StoreUnavailable, match="is replacing its files"):
            store.invalidate(expired=[path_tag(FOX.path)])
    store.invalidate(expired=[path_tag(FOX.path)])
    write(store, body=b"new")
    assert body(make_store()) == b"new"


def test_one_that_has_no_files_and_lives_on_is_not(
    make_store: MakeStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It has others open, that nobody finds."""
    store = make_store()
    write(store)
    store.close()
    with contextlib.closing(Liveness(folder / "processes")):
        assert make_store().load(FOX) is None
    assert ALARM in caplog.text
    assert (folder / "pages.sqlite.corrupt").exists()


def test_a_log_without_its_database_is_not_taken_for_that_of_the_next(
    make_store: MakeStore, folder: Path
) -> None:
    """Whether or not anybody had it open."""
    store = make_store()
    write(store)
    data = (folder / "pages.sqlite-wal").read_bytes()
    store.close()
    (folder / "pages.sqlite").unlink()
    (folder / "pages.sqlite-wal").write_bytes(data)
    assert make_store().load(FOX) is None
    assert (folder / "pages.sqlite.corrupt-wal").read_bytes() == data


def test_a_write_into_files_that_are_replaced_meanwhile_is_none(
    make_store: MakeStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not pretend: nobody else would see it."""
    store = make_store()
    write(store)
    announce = SharedCounter.write

    def lose(word: SharedCounter, clock: int) -> None:
        announce(word, clock)
        (folder / "pages.sqlite-shm").unlink(missing_ok=True)

    with monkeypatch.context() as patch:
        patch.setattr(SharedCounter, "write", lose)
        with pytest.raises(StoreUnavailable, match="replaced meanwhile"):
            store.invalidate(expired=[path_tag(FOX.path)])
    store.invalidate(expired=[path_tag(FOX.path)])
    assert validity(store) is not FRESH


@pytest.mark.slow
@pytest.mark.promise(4, 6)
@pytest.mark.parametrize("lost", ["pages.sqlite-wal", "clock", "both"])
def test_where_commits_may_be_missing_no_page_is_fresh(
    make_store: MakeStore, folder: Path, lost: str
) -> None:
    """The last process was killed, and its log taken away, with what it had invalidated:
    the word tells. Without the word nobody can tell."""
    store = make_store()
    write(store, body=b"old")
    store.maintain()
    store.invalidate(expired=[path_tag(FOX.path)])
    store._access.after_fork()
    for path in (folder / "processes").iterdir():
        # As if it had been killed: the connections, which stay open, lead nowhere.
        path.unlink()
    killed = folder.with_name("killed")
    killed.mkdir()
    for name in ("pages.sqlite", "pages.sqlite-wal", "work.sqlite", "clock"):
        if name != lost and not (
            lost == "both" and name in ("clock", "pages.sqlite-wal")
        ):
            (killed / name).write_bytes((folder / name).read_bytes())
    killed.chmod(0o700)
    new = SQLiteStore(killed, limit=10**9, clock=lambda: 1_000_000.0)
    with contextlib.closing(new):
        assert body(new) == b"old"
        assert validity(new) is not FRESH
        if lost != "clock":
            assert validity(new) is STALE
        write(new, body=b"new")
        assert validity(new) is FRESH


def test_the_look_at_all_files_is_cheap(make_store: MakeStore, folder: Path) -> None:
    """It happens once a second, and with each write: eight files."""
    store = make_store()
    opened = store._access.opened()
    looked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        lstat = os.lstat

        def look(path: str) -> os.stat_result:
            looked.append(path)
            return lstat(path)

        patch.setattr(os, "lstat", look)
        assert opened.is_current(folder)
    assert len(looked) == len(FILES)
