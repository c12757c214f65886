"""What every store must do."""

from __future__ import annotations

import dataclasses

import pytest

from ...core.deployment import NEWER_BUILD_GRACE
from ...core.entry import Record
from ...core.freshness import Freshness
from ...core.freshness import Lifetime
from ...core.key import PageKey
from ...core.key import path_tag
from ...core.key import prefix_tag
from ...core.key import rule_tag
from ...core.key import user_tag
from ...core.store import BackingOff
from ...core.store import LeaseExpired
from ...core.store import LeaseHeld
from ...core.store import Store
from ..clock import Clock
from .helpers import EXPIRED
from .helpers import FRESH
from .helpers import RECORDS
from .helpers import STALE
from .helpers import TAGS
from .helpers import MakeStore
from .helpers import advance
from .helpers import body
from .helpers import failure_of
from .helpers import lease_of
from .helpers import validity
from .helpers import write
from .records import FOX
from .records import OWL
from .records import entry
from .records import not_static


class StoreKit:
    """What every store must do.

    A subclass gives the fixture ``make_store``: a function without arguments that makes a
    store on one place, whose time is that of the fixture ``clock``.

    .. code-block:: python

        from flask_isr.testing.store_kit import StoreKit


        class TestMyStore(StoreKit):
            @pytest.fixture
            def make_store(self, clock, tmp_path):
                return lambda: MyStore(tmp_path, clock=clock)
    """

    @pytest.fixture
    def clock(self) -> Clock:
        """The time of the stores; it stands still until a test advances it."""
        return Clock(1_000_000.0)

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        """One instance of the store."""
        return make_store()

    # -- what it is -------------------------------------------------------------------

    def test_it_says_what_it_can_do(self, store: Store) -> None:
        """Without asking anybody; and it lists pages exactly if it says so."""
        capabilities = store.capabilities
        assert capabilities.place
        write(store)
        assert bool(list(store.overview())) is capabilities.lists

    def test_it_is_prepared_before_anything_is_stored(self, store: Store) -> None:
        """It raises nothing if it can keep pages."""
        store.prepare()
        assert store.load(FOX) is None

    def test_its_backend_is_examined_if_it_has_one(self, store: Store) -> None:
        """Nothing is tried if no size is given."""
        examination = store.examine(None)
        assert (examination is not None) is store.capabilities.backend
        if examination is not None:
            assert (examination.faults, examination.takes_largest) == ([], True)

    def test_it_can_be_told_whom_to_call_when_it_begins_afresh(
        self, store: Store
    ) -> None:
        """It may do so at its first use, and not for what is written later."""
        calls: list[None] = []
        store.on_restart = lambda: calls.append(None)
        write(store)
        calls.clear()
        write(store, OWL)
        assert calls == []

    # -- records ----------------------------------------------------------------------

    def test_nothing_is_stored_at_first(self, store: Store) -> None:
        """A new store has no page, no failure, no lease and no list."""
        assert store.load(FOX, store.current_version()) is None
        assert store.failure(FOX) is None
        assert not store.busy(FOX, TAGS)
        assert store.closed_list("animals") is None
        assert store.list_version("animals") is None
        assert list(store.overview()) == []

    def test_a_page_is_read_as_it_was_written(self, store: Store) -> None:
        """Every field comes back, and it is fresh."""
        record = entry(
            FOX, store.current_version(), bytes(range(256)), tags=["ünï çode"]
        )
        assert store.put(record) is not None
        stored = store.load(FOX, store.current_version())
        assert stored is not None
        assert stored.record == record
        assert stored.validity is FRESH
        assert store.load(OWL, store.current_version()) is None

    def test_the_memory_that_a_page_is_personal_takes_its_place(
        self, store: Store
    ) -> None:
        """A page and the memory that it is not static are never stored together."""
        write(store)
        record = not_static(FOX, store.current_version())
        assert store.put(record) is not None
        stored = store.load(FOX, store.current_version())
        assert stored is not None
        assert stored.record == record

    def test_a_key_with_the_same_row_number_is_another_page(self, store: Store) -> None:
        """The whole key is compared on read: a collision is a miss, not a mix-up."""
        twin = PageKey(OWL.rule, OWL.path)
        object.__setattr__(twin, "id", FOX.id)
        write(store)
        assert store.load(twin, store.current_version()) is None

    def test_of_two_renders_the_newer_stays(self, store: Store) -> None:
        """Whichever is written last, the one that began later is kept."""
        early = store.current_version()
        advance(store)
        write(store, body=b"new")
        assert store.put(entry(FOX, early, b"old")) is None
        assert body(store) == b"new"
        write(store, body=b"newer")
        assert body(store) == b"newer"

    def test_a_render_that_began_as_late_replaces_the_page(self, store: Store) -> None:
        """If two renders saw the same state of the data, the last to arrive is taken."""
        version = store.current_version()
        for text in (b"one", b"two"):
            assert store.put(entry(FOX, version, text)) is not None
            assert body(store) == text

    # -- order and validity -----------------------------------------------------------

    @pytest.mark.parametrize(
        "tag",
        [
            pytest.param(path_tag(FOX.path), id="path"),
            pytest.param(FOX.own_tags[1], id="variant"),
            pytest.param(rule_tag(FOX.rule), id="rule"),
            pytest.param(prefix_tag("/animals"), id="prefix"),
            pytest.param(user_tag("mammals"), id="tag"),
        ],
    )
    @pytest.mark.parametrize(
        ("how", "found"),
        [("stale", STALE), ("expired", EXPIRED)],
        ids=["stale", "expired"],
    )
    def test_an_invalidation_concerns_the_pages_with_its_tag(
        self, store: Store, tag: str, how: str, found: Freshness
    ) -> None:
        """Each kind of tag reaches the page, and no page that lacks it."""
        other = PageKey("/plants/<name>", "/plants/oak")
        write(store, tags=["mammals"])
        write(store, other, tags=["trees"])
        store.invalidate(**{how: [tag]})
        assert validity(store) is found
        assert validity(store, other) is FRESH
        write(store, tags=["mammals"])
        assert validity(store) is FRESH

    def test_expired_outweighs_stale(self, store: Store) -> None:
        """In either order of the two, the page must be rendered before it is served."""
        for calls in (["stale", "expired"], ["expired", "stale"]):
            write(store, tags=["a", "b"])
            store.invalidate(**{calls[0]: [user_tag("a")]})
            store.invalidate(**{calls[1]: [user_tag("b")]})
            assert validity(store) is EXPIRED
            store.invalidate(stale=[user_tag("b")], expired=[user_tag("b")])
            assert validity(store) is EXPIRED

    def test_many_tags_are_invalidated_in_one_step(self, store: Store) -> None:
        """One call, any number of tags, both ways at once."""
        keys = [PageKey("/n/<n>", f"/n/{number}") for number in range(200)]
        for number, key in enumerate(keys):
            write(store, key, tags=[str(number)])
        store.invalidate(
            expired=[user_tag(str(n)) for n in range(100)],
            stale=[user_tag(str(n)) for n in range(100, 200)],
        )
        assert [validity(store, key) for key in keys] == [EXPIRED] * 100 + [STALE] * 100

    def test_a_render_that_an_invalidation_overtook_is_not_fresh(
        self, store: Store
    ) -> None:
        """The version is that of the render's beginning: an invalidation during the render
        counts, also by a tag that was not known at the beginning."""
        for tag in ("known", "discovered late"):
            version = store.current_version()
            store.invalidate(expired=[user_tag(tag)])
            stored = store.put(entry(FOX, version, tags=[tag]))
            assert stored is not None
            assert stored.validity is not FRESH
            assert validity(store) is not FRESH

    def test_a_render_satisfies_those_who_came_before_the_invalidation(
        self, store: Store
    ) -> None:
        """Pages are judged by arrival: good for an early visitor, void for a late one."""
        arrival = store.current_version()
        version = store.current_version()
        assert store.validity_of(version, TAGS, arrival) is FRESH
        store.invalidate(expired=[path_tag(FOX.path)])
        late = store.current_version()
        assert store.validity_of(version, TAGS, arrival) is FRESH
        assert store.validity_of(version, TAGS, late) is EXPIRED
        assert store.validity_of(late, TAGS, late) is FRESH

    def test_each_tick_is_a_point_of_its_own(self, store: Store) -> None:
        """Two versions given in turn differ, and what comes after is after both."""
        early, late = store.next_version(), store.next_version()
        assert early != late
        store.invalidate(expired=[path_tag(FOX.path)])
        assert store.validity_of(late, TAGS, store.current_version()) is EXPIRED
        assert (
            store.validity_of(store.next_version(), TAGS, store.current_version())
            is FRESH
        )

    # -- leases and failures ----------------------------------------------------------

    def test_a_lease_is_given_once(self, store: Store, clock: Clock) -> None:
        """One may render a page; the next is told until when they need not ask."""
        lease = lease_of(store)
        assert (lease.began, lease.deadline) == (clock.now, clock.now + 60)
        assert store.busy(FOX, TAGS)
        assert not store.busy(OWL, OWL.implicit_tags)
        assert store.acquire(FOX, TAGS, 60.0) == LeaseHeld(lease.deadline)
        lease_of(store, OWL)

    @pytest.mark.parametrize("how", ["release", "abandon"])
    def test_a_lease_given_back_is_free(self, store: Store, how: str) -> None:
        """After a success, or if it was abandoned, the next one may render."""
        getattr(store, how)(lease_of(store))
        assert not store.busy(FOX, TAGS)
        lease_of(store)

    def test_a_lease_over_its_deadline_is_overdue(
        self, store: Store, clock: Clock
    ) -> None:
        """The next one who asks is given the lease, and gives it back as failed."""
        lease = lease_of(store)
        clock.advance(59.9)
        assert isinstance(store.acquire(FOX, TAGS, 60.0), LeaseHeld)
        clock.advance(0.1)
        assert not store.busy(FOX, TAGS)
        overdue = store.acquire(FOX, TAGS, 60.0)
        assert overdue == LeaseExpired(lease)
        failure = failure_of(clock)
        store.fail(overdue.lease, failure)
        assert store.acquire(FOX, TAGS, 60.0) == BackingOff(failure)

    def test_a_lease_is_void_when_the_page_expired_after_it(self, store: Store) -> None:
        """A render with expired data does not hold up others; one with stale data does."""
        first = lease_of(store)
        store.invalidate(stale=[path_tag(FOX.path)])
        assert isinstance(store.acquire(FOX, TAGS, 60.0), LeaseHeld)
        store.invalidate(expired=[path_tag(FOX.path)])
        second = lease_of(store)
        assert second.token != first.token
        assert store.validity_of(second.version, TAGS, store.current_version()) is FRESH

    @pytest.mark.parametrize("how", ["release", "abandon", "fail"])
    def test_a_void_lease_takes_nothing_from_its_successor(
        self, store: Store, clock: Clock, how: str
    ) -> None:
        """A late holder neither ends the lease of another nor records a failure."""
        first = lease_of(store)
        store.invalidate(expired=[path_tag(FOX.path)])
        second = lease_of(store)
        if how == "fail":
            store.fail(first, failure_of(clock))
        else:
            getattr(store, how)(first)
        assert store.acquire(FOX, TAGS, 60.0) == LeaseHeld(second.deadline)
        store.abandon(second)
        lease_of(store)

    def test_a_page_that_failed_rests(self, store: Store, clock: Clock) -> None:
        """No lease is given until the pause is over; the failure is read back whole."""
        failure = failure_of(clock, pause=8, count=4)
        store.fail(lease_of(store), failure)
        assert not store.busy(FOX, TAGS)
        assert store.failure(FOX) == failure
        assert store.acquire(FOX, TAGS, 60.0) == BackingOff(failure)
        lease_of(store, OWL)
        clock.advance(7.9)
        assert store.acquire(FOX, TAGS, 60.0) == BackingOff(failure)
        clock.advance(0.1)
        lease_of(store)

    def test_a_success_forgets_the_failure(self, store: Store, clock: Clock) -> None:
        """After a page was written, nothing is left of the failures before."""
        store.fail(lease_of(store), failure_of(clock))
        clock.advance(1)
        store.release(lease_of(store))
        assert store.failure(FOX) is None

    @pytest.mark.parametrize("how", ["stale", "expired"])
    def test_invalidating_the_page_itself_voids_its_failure(
        self, store: Store, clock: Clock, how: str
    ) -> None:
        """Perhaps the cause was mended: the next visitor tries at once."""
        store.fail(lease_of(store), failure_of(clock, pause=60))
        store.invalidate(**{how: [rule_tag(FOX.rule), path_tag(OWL.path)]})
        assert isinstance(store.acquire(FOX, TAGS, 60.0), BackingOff)
        store.invalidate(**{how: [path_tag(FOX.path)]})
        lease_of(store)

    def test_a_failure_of_the_future_holds_up_nobody(
        self, store: Store, clock: Clock
    ) -> None:
        """If the clock was set back, a page does not rest until that time comes again."""
        store.fail(lease_of(store), failure_of(clock, pause=60))
        clock.advance(-3600)
        lease_of(store)

    # -- closed lists -----------------------------------------------------------------

    def test_a_list_is_read_as_it_was_written(self, store: Store, clock: Clock) -> None:
        """A list has its paths, and when the application was asked; it may be empty."""
        store.put_list(
            "animals", ["/animals/fox", "/animals/%C3%A9lan"], store.next_version()
        )
        listed = store.closed_list("animals")
        assert listed is not None
        assert listed.paths == {"/animals/fox", "/animals/%C3%A9lan"}
        assert listed.asked_at == clock.now
        store.put_list("plants", [], store.next_version())
        listed = store.closed_list("plants")
        assert listed is not None
        assert listed.paths == frozenset()

    def test_the_version_of_a_list_changes_with_it(self, store: Store) -> None:
        """The holder of a copy sees by the version that there is a newer list."""
        store.put_list("animals", ["/animals/fox"], store.next_version())
        first = store.list_version("animals")
        write(store)
        assert first is not None
        assert store.list_version("animals") == first
        store.put_list("animals", ["/animals/owl"], store.next_version())
        assert store.list_version("animals") != first

    def test_an_older_list_does_not_replace_a_newer_one(self, store: Store) -> None:
        """The answer to the later question counts, in whatever order they come."""
        early = store.next_version()
        store.put_list(
            "animals", ["/animals/fox", "/animals/owl"], store.next_version()
        )
        store.put_list("animals", ["/animals/owl"], early)
        listed = store.closed_list("animals")
        assert listed is not None
        assert listed.paths == {"/animals/fox", "/animals/owl"}

    def test_a_path_that_a_new_list_lacks_is_expired(self, store: Store) -> None:
        """A page that is gone is not served any more; the others stay fresh."""
        store.put_list("animals", [FOX.path, OWL.path], store.next_version())
        write(store, FOX)
        write(store, OWL)
        store.put_list("animals", [OWL.path], store.next_version())
        assert validity(store, FOX) is EXPIRED
        assert validity(store, OWL) is FRESH

    # -- looking into it --------------------------------------------------------------

    def test_clearing_leaves_nothing_to_serve(self, store: Store) -> None:
        """No page, no lease; a render that was running then is not fresh afterwards."""
        version = write(store)
        lease_of(store)
        store.clear()
        assert store.load(FOX, store.current_version()) is None
        assert not store.busy(FOX, TAGS)
        store.put(entry(FOX, version, b"began before"))
        assert validity(store) is not FRESH

    # -- builds -----------------------------------------------------------------------

    def test_builds_are_in_the_order_in_which_they_started_last(
        self, store: Store
    ) -> None:
        """Each build is listed once; one that comes back, by a rollback or a worker that
        is started late, is the latest."""
        seen = []
        for build in ("a", "a", "b", "a", "c"):
            store.meet_build("shop", build)
            seen.append("".join(store.builds("shop")))
        assert seen == ["a", "a", "ab", "ba", "bac"]

    def test_builds_of_another_application_do_not_count(self, store: Store) -> None:
        """The deployment of another application does not make a process that starts after
        it later than its siblings."""
        assert list(store.builds("one")) == []
        store.meet_build("one", "a")
        store.meet_build("two", "b")
        assert [list(store.builds(site)) for site in ("one", "two")] == [["a"], ["b"]]

    def _replace(self, store: Store, there: Record, new: Record, pause: float) -> bool:
        """Put *there*, and *new* after *pause* seconds; whether *new* took the place."""
        version = store.current_version()
        start = 1_000_000.0
        for record, began in ((there, start), (new, start + pause)):
            done = store.put(dataclasses.replace(record, version=version, began=began))
        return done is not None

    @pytest.mark.parametrize("new", RECORDS)
    @pytest.mark.parametrize("there", RECORDS)
    @pytest.mark.parametrize(
        ("builds", "pause", "replaced"),
        [
            (("late", "early"), 0.0, False),
            (("late", "early"), NEWER_BUILD_GRACE - 1, False),
            (("late", "early"), NEWER_BUILD_GRACE, True),
            (("early", "late"), 0.0, True),
            (("unknown", "late"), 0.0, True),
            (("late", "late"), 0.0, True),
            (("late", None), 0.0, True),
            ((None, "early"), 0.0, True),
        ],
    )
    def test_what_a_later_build_made_stays_for_a_while(
        self,
        store: Store,
        there: Record,
        new: Record,
        builds: tuple[str | None, str | None],
        pause: float,
        replaced: bool,
    ) -> None:
        """A page, or the memory that it is not static: by names, whichever process of a
        build made it; and not for ever, since the later build may be gone."""
        for build in ("early", "late"):
            store.meet_build(FOX.namespace, build)
        first = dataclasses.replace(there, build=builds[0])
        second = dataclasses.replace(new, build=builds[1])
        assert self._replace(store, first, second, pause) is replaced

    @pytest.mark.parametrize("how", ["stale", "expired"])
    @pytest.mark.parametrize("there", RECORDS)
    def test_what_was_invalidated_bars_no_earlier_build(
        self, store: Store, there: Record, how: str
    ) -> None:
        """There may be no process of the later build any more that renders the page."""
        for build in ("early", "late"):
            store.meet_build(FOX.namespace, build)
        version = store.current_version()
        store.put(dataclasses.replace(there, version=version, build="late"))
        store.invalidate(**{how: [path_tag(FOX.path)]})
        new = dataclasses.replace(
            entry(FOX, store.current_version(), b"new"), build="early"
        )
        assert store.put(new) is not None
        assert body(store) == b"new"
        assert validity(store) is FRESH

    def test_a_page_that_is_too_old_bars_no_earlier_build(self, store: Store) -> None:
        """A page that may not be served without a render needs no protection."""
        for build in ("early", "late"):
            store.meet_build(FOX.namespace, build)
        lives = dataclasses.replace(
            entry(FOX, "", lifetime=Lifetime(5, 10)), build="late"
        )
        new = dataclasses.replace(entry(FOX, "", b"new"), build="early")
        for pause, replaced in ((10.0, False), (11.0, True)):
            assert self._replace(store, lives, new, pause) is replaced

    def test_a_store_that_was_closed_opens_again(self, store: Store) -> None:
        """Closing releases what is open, and loses nothing."""
        write(store, body=b"kept")
        store.close()
        store.close()
        assert body(store) == b"kept"
        assert validity(store) is FRESH
