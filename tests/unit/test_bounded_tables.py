"""What the parts remember for themselves has a number, and no more is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from pathlib import Path

import pytest
from flask import Flask

from flask_isr.background.runner import InlineRunner
from flask_isr.background.threads import Job
from flask_isr.core import leased_render
from flask_isr.core.key import PageKey
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.maintenance import Maintenance
from flask_isr.core.outcome import SealedError
from flask_isr.pages import fingerprint
from flask_isr.pages import hosts
from flask_isr.pages.hosts import Hosts
from flask_isr.stores.caching import stamps
from flask_isr.stores.caching.codec import read_failure
from flask_isr.stores.caching.codec import write_failure
from flask_isr.stores.caching.stamps import StampSequence
from flask_isr.stores.memory import MemoryStore
from flask_isr.stores.sqlite import database
from flask_isr.stores.sqlite import order
from flask_isr.stores.sqlite.database import Database
from flask_isr.testing.store_kit.helpers import failure_of
from flask_isr.testing.store_kit.helpers import lease_of
from flask_isr.testing.store_kit.helpers import write
from tests.unit.core.conftest import MakeProcess
from tests.unit.core.conftest import gates
from tests.unit.core.conftest import make_process
from tests.unit.core.conftest import source
from tests.unit.stores.conftest import MakeStore
from tests.unit.stores.conftest import folder
from tests.unit.stores.conftest import make_store

from ..support import Clock

__all__ = ["folder", "gates", "make_process", "make_store", "source"]

pytestmark = pytest.mark.promise(7)

_MIB = 1024 * 1024

FEW = 3
PAGES = [PageKey("/p/<n>", f"/p/{number}") for number in range(10)]


def test_leases_that_cannot_be_given_back(
    make_process: MakeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is gone: they end by their deadline, and a few are given back as soon as
    their pages are asked for."""
    monkeypatch.setattr(leased_render, "_KEPT", FEW)
    process = make_process()
    leases = [lease_of(process.store, page) for page in PAGES]
    process.store.close()
    (tmp_path / "isr").rename(tmp_path / "gone")
    (tmp_path / "isr").write_text("a file where the folder was")
    for lease in leases:
        process.engine._leased_render.give_back(lease)
    assert [*process.engine._leased_render._kept] == [page.id for page in PAGES[:FEW]]
    (tmp_path / "isr").unlink()


def test_writes_of_a_process_over_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond their number, its copies from before are all taken for old."""
    monkeypatch.setattr(stamps, "_REMEMBERED", FEW)
    sequence = StampSequence()
    sight = sequence.see(lambda: "stamp")
    for page in PAGES:
        sequence.wrote(page.id)
    assert len(sequence._written) == FEW
    assert not sequence.changes(sequence.see(lambda: "stamp"), sight.order).complete


def test_changes_since_the_last_look(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of very many a process is not told one by one: it forgets all its copies."""
    monkeypatch.setattr(order, "_MANY_CHANGES", FEW)
    store = make_store()
    since = write(store)
    for page in PAGES[:FEW]:
        write(store, page)
    assert len(store.changes(int(since) + 1).records) == FEW
    write(store, PAGES[FEW])
    told = store.changes(int(since) + 1)
    assert (told.complete, told.records) == (False, {})


def test_connections_that_nobody_uses(
    make_store: MakeStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crowd, most are closed."""
    monkeypatch.setattr(database, "_IDLE", FEW)
    write(make_store())
    pool = Database(folder / "pages.sqlite", "NORMAL", 1.0, threading.Lock())
    with contextlib.ExitStack() as crowd:
        for _ in PAGES:
            crowd.enter_context(pool.read())
    assert len(pool._idle) == FEW
    pool.close()


def test_routers_of_hosts_that_a_pattern_trusts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Strangers can make up any number of these hosts."""
    monkeypatch.setattr(hosts, "_ROUTERS", FEW)
    app = Flask("site", host_matching=True, static_host="site.test")
    app.config["TRUSTED_HOSTS"] = [".site.test"]
    known = Hosts(app, "", needed=True)
    for number in range(10):
        known.router(f"host{number}.site.test")
    assert known.router.cache_info().currsize == FEW


def test_files_that_tell_one_build_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application beside a huge folder starts all the same."""
    monkeypatch.setattr(fingerprint, "_FILES", FEW)
    read: list[str] = []

    def content(path: Path) -> bytes:
        read.append(path.name)
        return b"content"

    monkeypatch.setattr(fingerprint, "_content", content)
    for number in range(10):
        (tmp_path / f"module{number}.py").touch()
    fingerprint.digest_of(Flask("site", root_path=str(tmp_path)))
    assert len(read) == FEW


@pytest.mark.parametrize(
    ("size", "shared"), [(64 * 1024, True), (64 * 1024 + 1, False)]
)
def test_error_answers_in_a_backend(clock: Clock, size: int, shared: bool) -> None:
    """A larger one is not shared by those who wait: each runs the view."""
    error = SealedError(500, (), bytes(size))
    failure = dataclasses.replace(failure_of(clock), error=error)
    found = read_failure(write_failure(failure, "mark"))
    assert found is not None
    assert (found[0].error is not None, found[0].cause) == (shared, failure.cause)


@pytest.mark.parametrize(
    ("size", "times"),
    [pytest.param(1000, 64, id="small"), pytest.param(4 * _MIB, 4, id="large")],
)
def test_writes_between_two_looks_at_the_store(size: int, times: int) -> None:
    """After so many pages, or so many bytes, it is brought back within its limits."""
    looks: list[int] = []

    class Store(MemoryStore):
        def maintain(self) -> None:
            looks.append(1)

    store = Store()
    kept = Maintenance(store, LocalCache(store, 1000), InlineRunner())
    for _ in range(3 * times):
        kept.wrote(size)
    assert len(looks) == 3


def test_reports_of_what_is_read() -> None:
    """The store is told once a minute, however many visitors there are."""
    reports: list[Job] = []

    class Runner(InlineRunner):
        def submit(self, job: Job) -> bool:
            reports.append(job)
            return True

    store = MemoryStore()
    kept = Maintenance(store, LocalCache(store, 1000), Runner())
    for now in range(1_000_000, 1_000_130):
        kept.report_usage(now)
    assert len(reports) == 2
