"""What the Engine asks of a store."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .entry import Record
from .entry import Version
from .freshness import Freshness
from .key import PageKey
from .outcome import SealedError

#: Of those met under one name, so many are remembered.
MET: t.Final = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was read.

    :param validity: what the invalidations of its tags say for the visitor who asked;
        its age is not part of it.
    :param current: the same for a visitor who arrives when it was read: one who arrived
        earlier may take what the others may not.
    :param order: the store's change number when it was read.
    :param written: the store's change number when it was written.
    """

    record: Record
    validity: Freshness
    current: Freshness
    order: int
    written: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to render one page.

    :param version: the store's order when the lease was given; the render began after it.
    :param began: the store's time when it was given, in seconds.
    :param deadline: the store's time when it is void, in seconds.
    """

    key: PageKey
    token: str
    version: Version
    began: float
    deadline: float


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """Somebody else holds the lease of the page.

    :param deadline: the store's time when it is void at the latest, in seconds.
    """

    deadline: float


@dataclass(frozen=True, slots=True)
class LeaseExpired:
    """The lease of the page has passed its deadline, and its holder still lives."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Failure:
    """The last renders of a page did not give a page.

    :param kind: ``"failed"``, or ``"declined"`` for an answer that the view must give.
    :param count: how many in a row.
    :param at: the store's time of the last one, in seconds.
    :param retry_at: the store's time of the next attempt, in seconds.
    :param error: the error answer to share, where there was one.
    """

    kind: t.Literal["failed", "declined"]
    cause: str
    count: int
    at: float
    retry_at: float
    error: SealedError | None = None


@dataclass(frozen=True, slots=True)
class BackingOff:
    """Nobody may render the page yet: the last attempt failed."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Changes:
    """What was written since a change number.

    :param order: the change number up to which this tells.
    :param complete: false where the store has forgotten some: all copies are void then.
    :param records: ids of pages that were written or dropped, with the number of that.
    :param stale: tags made stale, with the number of the last time.
    :param expired: tags expired, with the number of the last time.
    """

    order: int
    complete: bool
    records: t.Mapping[int, int]
    stale: t.Mapping[str, int]
    expired: t.Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Listed:
    """A closed list: the paths that exist.

    :param asked_at: the store's time when the application was asked, in seconds.
    """

    paths: frozenset[str]
    asked_at: float


@dataclass(frozen=True, slots=True)
class Overview:
    """One stored page, without its body, for those who look into the store.

    :param size: bytes of the body.
    """

    record: Record
    validity: Freshness
    size: int
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class BackendLimits:
    """What a backend can and cannot do for Flask-ISR.

    :param reach: who shares the pages: one ``"process"``, all of a ``"machine"``, or all
        in the ``"network"``.
    :param one_render: whether a page is rendered once across processes.
    :param largest: bytes of the largest value by default; ``None``: no limit of its own.
    :param remark: what else to know.
    """

    reach: t.Literal["process", "machine", "network"]
    one_render: bool
    largest: int | None
    remark: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What a try of a store's backend showed.

    :param backend: what it is called.
    :param faults: what it does not do as pages need it, for people.
    :param takes_largest: whether it takes a page of the size that was asked for.
    :param limits: what it can do at best; ``None``: it is not known.
    """

    backend: str
    faults: list[str]
    takes_largest: bool
    limits: BackendLimits | None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do, and where it is.

    :param place: what it is called in messages.
    :param lists: whether it can tell all that it keeps, and how many pages it forgets.
    :param backend: whether it keeps pages in a service or a library that
        :meth:`Store.examine` can try.
    :param folder: where its files are; ``None``: it has none of its own.
    """

    place: str
    lists: bool
    backend: bool = False
    folder: Path | None = None


class Store(t.Protocol):
    """Keeps pages and the order of invalidations for all processes that share it.

    Every method but :meth:`now` and :meth:`change_counter` may raise
    :exc:`~flask_isr.errors.StoreUnavailable`; :attr:`capabilities` raises nothing. All are
    safe to call from several threads, greenlets and, after a fork, processes.
    """

    #: Called when what was known of the pages is void: the store began afresh.
    on_restart: t.Callable[[], None]

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and where it is; asks nobody."""

    def prepare(self) -> None:
        """Called once, when the application is complete.

        :raises ConfigurationError: if the store cannot keep its pages.
        """

    def examine(self, largest: int | None) -> Examination | None:
        """Try the backend out, for ``flask isr doctor``; ``None`` if there is none.

        :param largest: bytes of a page that it should take; ``None``: nothing is tried,
            and only its limits are told.
        """

    def now(self) -> float:
        """The store's time in seconds, the same for all who share the store. Never
        raises."""

    def change_counter(self) -> int:
        """The change number that was announced last; equal to that of the last
        :meth:`changes` when nothing can have changed since. No system call."""

    def changes(self, since: int | None) -> Changes:
        """What was written after *since*; ``None`` gives the number and nothing else."""

    def current_version(self) -> Version:
        """The order now: what a visitor who arrives now must not fall behind."""

    def next_version(self) -> Version:
        """A new point in the order, which nobody else has."""

    def load(self, key: PageKey, arrival: Version | None = None) -> Stored | None:
        """The record of *key*, judged for a visitor who arrived at *arrival*, or now."""

    def validity_of(
        self, version: Version, tags: t.Collection[str], arrival: Version
    ) -> Freshness:
        """What invalidations say of a render that began at *version*.

        Expired when one of *tags* expired after *version*, and the render did not begin
        after *arrival*; stale when one was made stale after it.
        """

    def put(self, record: Record) -> Stored | None:
        """Store *record*, unless one with a newer version is there, or one of a later build
        that :func:`~.deployment.is_protected`: ``None`` then."""

    def invalidate(
        self, *, stale: t.Collection[str] = (), expired: t.Collection[str] = ()
    ) -> Version:
        """Make every page that carries one of these tags stale or expired, in one
        transaction. When it returns it is durable and holds for all processes."""

    def acquire(
        self, key: PageKey, tags: t.Collection[str], lifetime: float
    ) -> Lease | LeaseHeld | BackingOff | LeaseExpired:
        """The lease of *key* for *lifetime* seconds, or why not.

        A lease is void when its holder's process is gone, or one of *tags* expired after
        it was given. One whose deadline has passed is overdue: whoever finds it calls
        :meth:`fail` with it. A failure stands until its ``retry_at``, or until the page
        itself was invalidated.
        """

    def release(self, lease: Lease) -> None:
        """Give the lease back after a success, which also forgets earlier failures."""

    def abandon(self, lease: Lease) -> None:
        """Give the lease back without a word about the page."""

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Give the lease back and record the failure, unless the lease is another's now."""

    def failure(self, key: PageKey) -> Failure | None:
        """The last failure of *key*, if neither a success nor an invalidation of the page
        itself followed."""

    def forget_failure(self, key: PageKey) -> None:
        """Have the next attempt at *key* made at once, whatever the last one gave."""

    def busy(self, key: PageKey, tags: t.Collection[str]) -> bool:
        """Whether a lease of *key* stands; *tags* as for :meth:`acquire`."""

    def meet_build(self, namespace: str, build: str) -> None:
        """Make *build* the latest of *namespace*, also if it comes back after another."""

    def builds(self, namespace: str) -> t.Sequence[str]:
        """The builds of *namespace*, the latest last; the earliest may be forgotten."""

    def meet(self, name: str, id: str, note: str) -> list[tuple[str, str]]:
        """Remember *note* of *id* as the last one of those met under *name*, of which a
        few are kept: until :meth:`clear`, at most.

        :return: id and note of those that were met before, the last one last.
        """

    def met(self, name: str) -> list[tuple[str, str]]:
        """Id and note of those that were met under *name*, the last one last."""

    def closed_list(self, name: str) -> Listed | None:
        """The closed list called *name*, if one was stored."""

    def list_version(self, name: str) -> Version | None:
        """Changes whenever the list called *name* does; ``None`` where there is none."""

    def put_list(self, name: str, paths: t.Collection[str], version: Version) -> bool:
        """Store the closed list *name*, unless one with a newer version is there. Pages of
        paths that it lacks now expire with it. A store with an order keeps a path that was
        invalidated after *version*: whoever was asked before that may not have known it.

        :param version: what :meth:`next_version` gave before the application was asked.
        :return: whether the list that is there now is as new as this one.
        """

    def variants(self, path: str, limit: int) -> list[Record]:
        """The stored records of one path, at most *limit*."""

    def overview(self) -> t.Iterator[Overview]:
        """All that is stored, in the order of the paths."""

    def used(self, keys: t.Collection[PageKey]) -> None:
        """Pages that were served since the last report; what is not used goes first."""

    def maintain(self) -> None:
        """Bring the store below its limits and tidy up. Slow: never on a visitor's time."""

    def clear(self) -> int:
        """Forget all pages in all processes; how many they were."""

    def close(self) -> None:
        """Let go of files and locks; the store may be used again afterwards."""
