"""The bounded copy of the pages in this process, before a real store."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from flask_isr.core.entry import Version
from flask_isr.core.freshness import Freshness
from flask_isr.core.key import PageKey
from flask_isr.core.key import path_tag
from flask_isr.core.key import prefix_tag
from flask_isr.core.key import rule_tag
from flask_isr.core.key import user_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.store import Stored
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from flask_isr.testing.store_kit.records import entry
from flask_isr.testing.store_kit.records import not_static
from tests.support import InThread

_KIB = 1024


class Process:
    """A store on a shared folder, and the memory in front of it."""

    def __init__(self, folder: Path, limit: int = 1024 * _KIB) -> None:
        self.store = SQLiteStore(folder, limit=10**9)
        self.memory = LocalCache(self.store, limit)
        self.store.on_restart = self.memory.clear

    def write(
        self, key: PageKey, body: bytes = b"a page", *, tags: t.Iterable[str] = ()
    ) -> Stored:
        """Render and store a page; this process remembers it."""
        stored = self.store.put(
            entry(key, self.store.current_version(), body, tags=tags)
        )
        assert stored is not None
        self.memory.add(stored, ())
        return stored

    def read(self, key: PageKey, arrival: Version | None = None) -> Stored | None:
        """Read a page from the store for a visitor, and remember it."""
        arrived = self.store.current_version() if arrival is None else arrival
        stored = self.store.load(key, arrived)
        if stored is not None:
            self.memory.add(stored, ())
        return stored

    def body(self, key: PageKey) -> bytes | None:
        """What a visitor gets from memory as fresh."""
        item = self.memory.get(key)
        if item is None or item.validity is not Freshness.FRESH:
            return None
        return getattr(item.record, "body", None)


MakeProcess: t.TypeAlias = t.Callable[..., Process]


@pytest.fixture
def process(tmp_path: Path) -> t.Iterator[MakeProcess]:
    """Make stand-ins for processes that share one folder."""
    made: list[Process] = []

    def make(**options: int) -> Process:
        made.append(Process(tmp_path / "isr", **options))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def test_what_was_written_is_found_again(process: MakeProcess) -> None:
    """A page is served from memory, and another path is not there."""
    here = process()
    here.write(FOX, b"fox")
    assert here.body(FOX) == b"fox"
    assert here.memory.get(OWL) is None


@pytest.mark.promise(4)
@pytest.mark.parametrize(
    "tag",
    [
        pytest.param(user_tag("animals"), id="tag"),
        pytest.param(path_tag(FOX.path), id="path"),
        pytest.param(rule_tag(FOX.rule), id="rule"),
        pytest.param(prefix_tag("/animals"), id="prefix"),
        pytest.param(prefix_tag("/"), id="everything"),
    ],
)
@pytest.mark.parametrize("how", ["stale", "expired"])
def test_what_an_invalidation_took_away_is_not_served(
    process: MakeProcess, tag: str, how: str
) -> None:
    """Once an invalidation returned, in any process, memory has no fresh copy left."""
    here, there = process(), process()
    here.write(FOX, tags=["animals"])
    there.store.invalidate(**{how: [tag]})
    assert here.body(FOX) is None


@pytest.mark.promise(4)
def test_an_invalidation_that_is_interrupted_is_carried_out_later(
    process: MakeProcess,
) -> None:
    """A server may end a request wherever it is: its page must not stay behind."""

    class Interrupted(dict[t.Any, t.Any]):
        interruptions = 1

        def __delitem__(self, key: t.Any) -> None:
            if self.interruptions:
                self.interruptions -= 1
                raise SystemExit
            super().__delitem__(key)

    here = process()
    here.write(FOX)
    variants = here.memory.variants[FOX.variants_key]
    variants.items = Interrupted(variants.items)
    here.store.invalidate(expired=[path_tag(FOX.path)])
    with pytest.raises(SystemExit):
        here.memory.sync()

    assert here.body(FOX) is None
    assert here.memory.bytes == 0


def test_another_tag_takes_nothing_away(process: MakeProcess) -> None:
    """An invalidation of other pages costs this one nothing."""
    here, there = process(), process()
    here.write(FOX, tags=["animals"])
    there.store.invalidate(expired=[user_tag("plants"), path_tag(OWL.path)])
    assert here.body(FOX) == b"a page"


def test_a_page_written_elsewhere_replaces_the_copy(process: MakeProcess) -> None:
    """A copy does not outlive a newer version that another process wrote."""
    here, there = process(), process()
    here.write(FOX, b"old")
    there.write(FOX, b"new")
    assert here.body(FOX) is None
    here.read(FOX)
    assert here.body(FOX) == b"new"


def test_a_page_that_is_not_static_any_more_is_not_served(process: MakeProcess) -> None:
    """The memory that a page is personal drops its copy in every process."""
    here, there = process(), process()
    here.write(FOX)
    there.store.put(not_static(FOX, there.store.current_version()))
    assert here.body(FOX) is None


@pytest.mark.promise(4)
def test_a_copy_read_before_an_invalidation_is_not_added_after_it(
    process: MakeProcess,
) -> None:
    """A slow reader cannot bring back what an invalidation took away meanwhile."""
    here = process()
    here.write(OWL)
    here.write(FOX, b"old")
    read_early = here.store.load(FOX, here.store.current_version())
    assert read_early is not None
    here.store.invalidate(expired=[path_tag(FOX.path)])
    assert here.body(OWL) is not None  # and by that, memory is up to date
    assert here.memory.get(FOX) is None
    here.memory.add(read_early, ())
    assert here.memory.get(FOX) is None


@pytest.mark.promise(4)
def test_a_copy_read_before_an_invalidation_goes_when_memory_syncs(
    process: MakeProcess,
) -> None:
    """Where memory has not heard of the invalidation yet, it takes the copy away then."""
    here, there = process(), process()
    there.write(FOX, b"old")
    read_early = here.store.load(FOX, here.store.current_version())
    assert read_early is not None
    there.store.invalidate(expired=[path_tag(FOX.path)])
    here.memory.add(read_early, ())
    assert here.body(FOX) is None


@pytest.mark.parametrize("how", ["stale", "expired"])
def test_what_an_early_visitor_may_see_is_not_kept_for_later_ones(
    process: MakeProcess, how: str
) -> None:
    """A page invalidated after a visitor arrived is fresh for him, and nobody else."""
    here, there = process(), process()
    arrival = here.store.current_version()
    there.write(FOX, b"old", tags=["animals"])
    there.store.invalidate(**{how: [user_tag("animals")]})
    stored = here.read(FOX, arrival)
    assert stored is not None
    assert stored.validity is Freshness.FRESH
    assert here.body(FOX) is None


def test_an_expired_page_is_not_kept(process: MakeProcess) -> None:
    """Memory holds what may be served, and no last good copies."""
    here = process()
    here.write(FOX)
    here.store.invalidate(expired=[path_tag(FOX.path)])
    assert here.read(FOX) is not None
    assert here.memory.get(FOX) is None


def test_lost_changes_void_all_copies(process: MakeProcess, tmp_path: Path) -> None:
    """A memory that is behind what the store remembers starts afresh."""
    here, there = process(), process()
    here.write(FOX)
    here.write(OWL)
    there.store.clear()
    assert here.memory.get(FOX) is None
    assert here.memory.get(OWL) is None


@pytest.mark.promise(7)
def test_bytes_are_bounded(process: MakeProcess) -> None:
    """However many pages are served, memory keeps to its limit."""
    here = process(limit=64 * _KIB)
    for number in range(100):
        here.write(PageKey("/p/<n>", f"/p/{number}"), bytes(_KIB))
        assert here.memory.bytes <= 64 * _KIB
    assert 5 < len(here.memory) < 64
    assert here.body(PageKey("/p/<n>", "/p/99")) is not None
    assert here.memory.get(PageKey("/p/<n>", "/p/0")) is None


@pytest.mark.promise(7)
def test_a_page_beyond_the_limit_is_not_kept(process: MakeProcess) -> None:
    """One huge page pushes nothing out."""
    here = process(limit=64 * _KIB)
    here.write(OWL)
    here.write(FOX, bytes(65 * _KIB))
    assert here.memory.get(FOX) is None
    assert here.body(OWL) is not None


def test_all_bytes_are_given_back(process: MakeProcess) -> None:
    """Replaced, invalidated and forgotten pages leave no bytes on the account."""
    here = process()
    here.write(FOX, b"one")
    here.write(FOX, b"two")
    here.write(OWL)
    here.store.invalidate(expired=[prefix_tag("/")])
    here.memory.sync()
    assert (here.memory.bytes, len(here.memory), here.memory.variants) == (0, 0, {})
    here.write(FOX)
    here.memory.clear()
    assert (here.memory.bytes, len(here.memory), here.memory.variants) == (0, 0, {})


def test_a_page_that_is_visited_gets_a_second_chance(process: MakeProcess) -> None:
    """A flood of pages that nobody asks for again does not push out one that is read."""
    here = process(limit=64 * _KIB)
    here.write(FOX)
    for number in range(200):
        here.write(PageKey("/p/<n>", f"/p/{number}"), bytes(_KIB))
        assert here.body(FOX) is not None


def test_variants_of_a_path_are_kept_apart(process: MakeProcess) -> None:
    """Each set of declared query values is a page of its own."""
    here = process()
    second = PageKey(FOX.rule, FOX.path, (("page", "2"),))
    for key, body in ((FOX, b"one"), (second, b"two")):
        stored = here.store.put(entry(key, here.store.current_version(), body))
        assert stored is not None
        here.memory.add(stored, ("page",))
    assert here.body(FOX) == b"one"
    assert here.body(second) == b"two"


def test_pages_that_were_served_are_reported_once(process: MakeProcess) -> None:
    """Usage is what was served since the last report."""
    here = process()
    here.write(FOX)
    here.write(OWL)
    here.memory.get(FOX)
    assert here.memory.take_used() == [FOX]
    assert here.memory.take_used() == []


def test_a_store_that_opens_again_voids_the_copies_and_blocks_nobody(
    process: MakeProcess,
) -> None:
    """Where the store was closed (or lost in a fork), the next look starts afresh."""
    here = process()
    here.write(FOX)
    here.store.close()
    InThread(here.memory.sync).result()
    here.read(FOX)
    assert here.body(FOX) == b"a page"


def test_nothing_is_served_when_the_store_does_not_say(
    process: MakeProcess, tmp_path: Path
) -> None:
    """A memory that cannot learn what changed raises instead of guessing."""
    here = process()
    here.write(FOX)
    here.store.close()
    (tmp_path / "isr").rename(tmp_path / "gone")
    (tmp_path / "isr").write_text("no folder")
    with pytest.raises(StoreUnavailable, match="did not tell what changed"):
        here.memory.get(FOX)
