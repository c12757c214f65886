"""The store over backends of Flask-Caching passes the kit, and says what it cannot do."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
from cachelib import SimpleCache
from cachelib.serializers import JSONSerializer

from flask_isr.backends import LIMITS
from flask_isr.backends import BytesSerializer
from flask_isr.backends import private_backend
from flask_isr.core.freshness import Freshness
from flask_isr.core.key import path_tag
from flask_isr.core.key import user_tag
from flask_isr.core.memory import Memory
from flask_isr.errors import ConfigurationError
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.backend import Values
from flask_isr.stores.backend import probe
from flask_isr.stores.base import Busy
from flask_isr.stores.base import Lease
from flask_isr.stores.base import Store
from flask_isr.stores.caching import CachingStore

from ..records import FOX
from ..records import entry
from ..support import Clock
from .kit import EXPIRED
from .kit import FRESH
from .kit import STALE
from .kit import TAGS
from .kit import MakeStore
from .kit import SharedStoreKit
from .kit import body
from .kit import lease_of
from .kit import validity
from .kit import write
from .services import memcached_server
from .services import service


class Watched:
    """A backend in the memory of the test, which stops where the test says.

    :ivar values: key to value.
    :ivar before: called before every access, with its method and the kind of the key.
    """

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.calls = 0
        self.before: t.Callable[[str, str], object] = lambda method, kind: None

    def _note(self, method: str, key: str) -> None:
        self.calls += 1
        # "isr1", eight digits of the namespace, the kind.
        self.before(method, key[12])

    def get(self, key: str) -> bytes | None:
        """The value."""
        self._note("get", key)
        return self.values.get(key)

    def set(self, key: str, value: bytes, timeout: int | None = None) -> bool:
        """Keep it."""
        assert isinstance(value, bytes)
        assert len(key) < 64
        assert timeout is not None
        assert 0 < timeout < 2**31
        self._note("set", key)
        self.values[key] = value
        return True

    def add(self, key: str, value: bytes, timeout: int | None = None) -> bool:
        """Keep it if there is none."""
        self._note("add", key)
        return self.values.setdefault(key, value) is value

    def delete(self, key: str) -> bool:
        """Forget it."""
        self._note("delete", key)
        return self.values.pop(key, None) is not None

    def lose(self, kind: str) -> None:
        """Evict all values of one kind."""
        for key in [key for key in self.values if key[12] == kind]:
            del self.values[key]


def caching_store(values: Values, clock: Clock | None = None) -> CachingStore:
    """A store on *values*, as one process has it."""
    return CachingStore(lambda: values, namespace="tests", clock=clock)


@pytest.fixture
def watched() -> Watched:
    """A backend that the test can watch."""
    return Watched()


@pytest.fixture
def store(watched: Watched, clock: Clock) -> CachingStore:
    """A store on it."""
    return caching_store(watched, clock)


@pytest.fixture(scope="module")
def redis() -> t.Iterator[int]:
    """The port of a Redis of our own."""
    options = ("--port", "{port}", "--bind", "127.0.0.1", "--save", "")
    with service("redis-server", *options) as port:
        yield port


@pytest.fixture(scope="module")
def memcached() -> t.Iterator[int]:
    """The port of a memcached of our own."""
    with memcached_server() as port:
        yield port


class TestWatched(SharedStoreKit):
    """The kit, over a plain dictionary."""

    @pytest.fixture
    def make_store(self, watched: Watched, clock: Clock) -> MakeStore:
        """Instances on one backend."""
        return lambda: caching_store(watched, clock)


class TestSimpleCache(SharedStoreKit):
    """The kit, in the memory of one process."""

    @pytest.fixture
    def make_store(self, clock: Clock) -> MakeStore:
        """Instances on one backend."""
        values = private_backend({"CACHE_TYPE": "SimpleCache"})
        return lambda: caching_store(values, clock)


def _disconnect(values: t.Any) -> None:
    client = getattr(values, "_client", None)
    if client is not None:
        client.disconnect_all()


class _EachOwn(SharedStoreKit):
    config: t.ClassVar[dict[str, t.Any]]

    @pytest.fixture
    def config_(self) -> dict[str, t.Any]:
        """How the backend is found."""
        raise NotImplementedError

    @pytest.fixture
    def make_store(
        self, config_: dict[str, t.Any], clock: Clock, request: pytest.FixtureRequest
    ) -> t.Iterator[MakeStore]:
        """Instances, each with a backend object of its own, as processes have."""
        made: list[Values] = []

        def resolve() -> Values:
            made.append(private_backend(config_))
            return made[-1]

        def make() -> CachingStore:
            return CachingStore(resolve, namespace=request.node.name, clock=clock)

        yield make
        for values in made:
            _disconnect(values)


class TestFileSystemCache(_EachOwn):
    """The kit, in a folder."""

    @pytest.fixture
    def config_(self, tmp_path: Path) -> dict[str, t.Any]:
        """How the backend is found."""
        return {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(tmp_path / "pages")}


class TestRedisCache(_EachOwn):
    """The kit, on a Redis server."""

    @pytest.fixture
    def config_(self, redis: int) -> dict[str, t.Any]:
        """How the backend is found."""
        url = f"redis://127.0.0.1:{redis}/0"
        return {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": url}


class TestMemcachedCache(_EachOwn):
    """The kit, on a memcached server."""

    @pytest.fixture
    def config_(self, memcached: int) -> dict[str, t.Any]:
        """How the backend is found."""
        servers = [f"127.0.0.1:{memcached}"]
        return {"CACHE_TYPE": "MemcachedCache", "CACHE_MEMCACHED_SERVERS": servers}


def test_a_page_over_memcacheds_limit_is_refused_and_not_half_there(
    memcached: int,
) -> None:
    """The server drops it without an error of its own; the store says so."""
    servers = [f"127.0.0.1:{memcached}"]
    config = {"CACHE_TYPE": "MemcachedCache", "CACHE_MEMCACHED_SERVERS": servers}
    values = private_backend(config)
    store = caching_store(values)
    with pytest.raises(StoreUnavailable, match="write a page"):
        store.put(entry(FOX, store.arrival(), bytes(2 * 1024 * 1024)))
    assert body(store) is None
    _disconnect(values)


# -- invalidation wins ----------------------------------------------------------------


@pytest.mark.parametrize("how", ["stale", "expired"])
@pytest.mark.parametrize("when", ["get", "set"])
@pytest.mark.parametrize("kind", ["a", "e", "g", "p"])
def test_an_invalidation_at_any_moment_of_a_write_is_seen(
    watched: Watched, store: CachingStore, kind: str, when: str, how: str
) -> None:
    """Between any two steps of a write another process invalidates a tag that the render
    found late: the page is never fresh."""
    mark = store.arrival()
    other = caching_store(watched)
    done: list[str] = []

    def strike(method: str, at: str) -> None:
        if (method, at) == (when, kind) and not done:
            done.append(at)
            watched.before = lambda method, kind: None
            other.invalidate(**{how: [user_tag("late")]})

    watched.before = strike
    store.put(entry(FOX, mark, tags=["late"]))
    watched.before = lambda method, kind: None
    if not done:
        other.invalidate(**{how: [user_tag("late")]})
    assert validity(store) is not FRESH
    assert validity(other) is not FRESH


@pytest.mark.parametrize("step", range(12))
def test_what_is_read_during_an_invalidation_is_not_fresh_after_it(
    watched: Watched, store: CachingStore, step: int
) -> None:
    """Another process reads the page into its memory between any two steps: once the
    call has returned, its memory does not serve it."""
    write(store)
    other = caching_store(watched)
    memory = Memory(other, 10**8)
    memory.sync()
    calls = 0

    def read(method: str, kind: str) -> None:
        nonlocal calls
        calls += 1
        if calls != step:
            return
        watched.before = lambda method, kind: None
        stored = other.load(FOX)
        assert stored is not None
        memory.get(FOX)
        memory.sync()
        memory.add(stored, ())
        watched.before = read

    watched.before = read
    store.invalidate(expired=[path_tag(FOX.path)])
    watched.before = lambda method, kind: None
    item = memory.get(FOX)
    assert item is None or item.validity is not FRESH
    assert validity(other) is EXPIRED


@pytest.mark.parametrize("how", ["stale", "expired"])
@pytest.mark.parametrize("step", range(12))
def test_what_is_written_during_an_invalidation_is_not_fresh_after_it(
    watched: Watched, store: CachingStore, step: int, how: str
) -> None:
    """A render that began before, with a tag that it found late, is written between any
    two steps of the invalidation of that tag."""
    other = caching_store(watched)
    write(store, tags=["late"])
    mark = other.arrival()
    calls = 0

    def end(method: str, kind: str) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            watched.before = lambda method, kind: None
            other.put(entry(FOX, mark, tags=["late"]))
            watched.before = end

    watched.before = end
    store.invalidate(**{how: [user_tag("late")]})
    watched.before = lambda method, kind: None
    assert validity(store) is not FRESH
    assert validity(other) is not FRESH


def test_a_page_that_is_invalidated_while_it_is_written_does_not_stay_in_memory(
    watched: Watched, store: CachingStore
) -> None:
    """Memory has learnt of the invalidation when the page, judged before, comes to it."""
    memory = Memory(store, 10**8)
    memory.sync()
    other = caching_store(watched)

    def strike(method: str, kind: str) -> None:
        if (method, kind) == ("set", "p"):
            watched.before = lambda method, kind: None
            other.invalidate(expired=[path_tag(FOX.path)])
            memory.sync()

    lease = lease_of(store)
    watched.before = strike
    stored = store.put(entry(FOX, lease.mark))
    assert stored is not None
    memory.add(stored, ())
    assert memory.get(FOX) is None


def remembering(store: CachingStore) -> Memory:
    """A memory that has the page."""
    write(store)
    memory = Memory(store, 10**8)
    memory.sync()
    stored = store.load(FOX)
    assert stored is not None
    memory.add(stored, ())
    assert memory.get(FOX) is not None
    return memory


def test_memory_serves_as_long_as_nothing_happens(
    watched: Watched, store: CachingStore
) -> None:
    """A hit costs one look at the order, and no page is read for it."""
    memory = remembering(store)
    before = watched.calls
    assert memory.get(FOX) is not None
    assert watched.calls == before + 1


def test_a_lease_takes_the_page_out_of_memory(store: CachingStore) -> None:
    """Who gets it looks into the backend first: another process may have been faster."""
    memory = remembering(store)
    lease_of(store)
    assert memory.get(FOX) is None


def test_the_end_of_a_lease_takes_the_page_out_of_memory(store: CachingStore) -> None:
    """Who waited for another process looks for what that wrote."""
    memory = remembering(store)
    assert not store.busy(FOX, TAGS)
    assert memory.get(FOX) is None


def test_who_overwrites_a_lease_has_it(watched: Watched, store: CachingStore) -> None:
    """Where `add` is not atomic, two may succeed at once: the first one gives way."""
    looks = itertools.count()

    def overwrite(method: str, kind: str) -> None:
        if (method, kind) == ("get", "l") and next(looks) == 1:
            watched.lose("l")
            lease_of(caching_store(watched))

    watched.before = overwrite
    assert isinstance(store.acquire(FOX, TAGS, 60.0), Busy)


def test_two_stamps_that_are_seen_in_the_wrong_order_have_no_number(
    watched: Watched, store: CachingStore
) -> None:
    """A thread that was slow to tell what it read is not believed: what it judged by may
    be over."""
    store.changes(None)
    slow = caching_store(watched)
    depth = 0

    def overtake(method: str, kind: str) -> None:
        nonlocal depth
        if method == "get" and kind == "g" and depth == 0:
            depth += 1
            slow.invalidate(expired=["x"])
            store.changes(None)
            slow.invalidate(expired=["x"])

    known = store.changes(None).order
    watched.before = overtake
    assert store.announced() < 0
    assert store.announced() > known


@pytest.mark.parametrize(
    ("lost", "found"),
    [("a", STALE), ("e", FRESH), ("g", FRESH), ("ae", STALE), ("aeg", STALE)],
)
def test_lost_stamps_make_no_page_fresh(
    watched: Watched, store: CachingStore, lost: str, found: Freshness
) -> None:
    """What was evicted cannot be told from what was invalidated."""
    write(store)
    for kind in lost:
        watched.lose(kind)
    store.invalidate(expired=["something else"])
    assert validity(store) is found


def test_an_expired_page_whose_stamps_were_lost_is_not_fresh(
    watched: Watched, store: CachingStore
) -> None:
    """Neither while they are missing, nor when others have made new ones."""
    write(store)
    store.invalidate(expired=[path_tag(FOX.path)])
    watched.lose("e")
    assert validity(store) is EXPIRED
    watched.lose("a")
    assert validity(store) is STALE
    store.acquire(FOX, TAGS, 60.0)
    assert validity(store) is EXPIRED


def test_a_render_whose_tags_were_known_is_told_what_concerned_it(
    store: CachingStore,
) -> None:
    """Under a lease that named its tags, an invalidation of others leaves it fresh, and
    one of its own expires it."""
    first = lease_of(store)
    store.invalidate(expired=[user_tag("something else")])
    stored = store.put(entry(FOX, first.mark))
    assert stored is not None
    assert stored.validity is FRESH
    store.invalidate(expired=[path_tag(FOX.path)])
    store.abandon(first)
    second = store.acquire(FOX, TAGS, 60.0)
    assert isinstance(second, Lease)
    store.invalidate(expired=[path_tag(FOX.path)])
    stored = store.put(entry(FOX, second.mark))
    assert stored is not None
    assert stored.validity is EXPIRED


def test_a_list_that_changed_is_known_to_all_at_once(
    watched: Watched, store: CachingStore
) -> None:
    """A path that was added is not 404 in another process for a second."""
    other = caching_store(watched)
    store.put_list("animals", ["/animals/fox"], store.tick())
    known = other.changes(None).order
    store.put_list("animals", ["/animals/fox", "/animals/owl"], store.tick())
    assert other.announced() != known


# -- backends that fail ---------------------------------------------------------------


class Broken:
    """A backend that raises on every call."""

    calls = 0

    def _fail(self, *args: t.Any) -> t.NoReturn:
        self.calls += 1
        raise OSError("connection refused")

    get = set = add = delete = _fail


class Mute:
    """A backend that drops everything and says that all went well."""

    def get(self, key: str) -> None:
        """Nothing."""

    def set(self, key: str, value: t.Any, timeout: int | None = None) -> bool:
        """As if."""
        return True

    add = set

    def delete(self, key: str) -> bool:
        """As if."""
        return True


@pytest.mark.parametrize("values", [Broken(), Mute()], ids=["broken", "mute"])
@pytest.mark.parametrize(
    "do",
    [
        pytest.param(lambda store: store.invalidate(expired=["t"]), id="expire"),
        pytest.param(lambda store: store.invalidate(stale=["t"]), id="stale"),
        pytest.param(lambda store: store.clear(), id="clear"),
        pytest.param(lambda store: store.arrival(), id="arrival"),
        pytest.param(lambda store: store.changes(None), id="changes"),
        pytest.param(lambda store: store.acquire(FOX, TAGS, 60.0), id="acquire"),
        pytest.param(lambda store: store.put(entry(FOX, "mark")), id="put"),
        pytest.param(lambda store: store.put_list("l", ["/a"], "mark"), id="list"),
    ],
)
def test_what_could_not_be_written_is_not_pretended(
    values: Values, do: t.Callable[[Store], object]
) -> None:
    """An error of the backend, and silence, become StoreUnavailable at the caller."""
    store = caching_store(values)
    with pytest.raises(StoreUnavailable):
        do(store)
    assert store.announced() != store.announced()


def test_visitors_do_not_wait_for_a_slow_backend_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a long wait in vain they are refused at once for a second; an invalidation
    tries all the same."""
    broken = Broken()
    now = 0.0

    def slow(*args: t.Any) -> t.NoReturn:
        nonlocal now
        now += 3.0
        broken._fail()

    monkeypatch.setattr("flask_isr.stores.backend.time.monotonic", lambda: now)
    monkeypatch.setattr(broken, "get", slow)
    store = caching_store(broken)
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            store.load(FOX)
    assert broken.calls == 1
    with pytest.raises(StoreUnavailable):
        store.invalidate(expired=["t"])
    assert broken.calls == 2


def test_a_lease_that_nobody_gave_back_does_not_bar_the_page(
    watched: Watched, store: CachingStore
) -> None:
    """FileSystemCache refuses to add where an expired file lies: it is taken away."""
    lease_of(store)
    key = next(key for key in watched.values if key[12] == "l")
    watched.values[key] = b"an expired file"
    lease_of(store)


def test_damaged_values_count_as_missing(
    watched: Watched, store: CachingStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever somebody else wrote under our keys, it is neither served nor raised."""
    write(store)
    store.put_list("l", ["/a"], store.tick())
    for damage in (b"", b"\xff", b"[]", b"FISV1\xff\xff\xff\xff{", b"[1,2,3,4,5,6,7]"):
        for key in watched.values:
            if key[12] in "pnlf":
                watched.values[key] = damage
        assert store.load(FOX) is None
        assert store.closed_list("l") is None
        assert store.failure(FOX) is None
    assert "not readable" in caplog.text


@pytest.mark.parametrize("kinds", ["g", "a", "e", "gae"])
def test_damaged_stamps_are_stamps(
    watched: Watched, store: CachingStore, kinds: str
) -> None:
    """They are compared, and need not be text; a later invalidation replaces them."""
    mark = write(store)
    for key in watched.values:
        if key[12] in kinds:
            watched.values[key] = b"\xff"
    lease_of(store)
    assert store.judge(mark, TAGS, store.arrival()) in Freshness
    write(store, body=b"new")
    assert (validity(store), body(store)) == (FRESH, b"new")
    store.invalidate(expired=[path_tag(FOX.path)])
    assert validity(store) is EXPIRED


def test_values_that_are_no_bytes_count_as_missing(
    watched: Watched, store: CachingStore
) -> None:
    """A text, or an object that a pickle became."""
    write(store)
    for key in watched.values:
        watched.values[key] = t.cast(bytes, "text")
    assert store.load(FOX) is None


# -- the probe, and where backends come from ------------------------------------------


def test_the_probe_finds_nothing_wrong_with_a_good_backend(watched: Watched) -> None:
    """It leaves nothing behind either."""
    assert probe(watched, 100_000) == []
    assert watched.values == {}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param(Broken(), "reach:", id="broken"),
        pytest.param(Mute(), "bytes: a value of 1 bytes", id="mute"),
        pytest.param(SimpleCache(), "", id="simple"),
    ],
)
def test_the_probe_says_what_is_wrong(values: Values, found: str) -> None:
    """One line for each thing that the backend does not do."""
    complaints = probe(values, 10)
    assert any(found in line for line in complaints) or not found
    assert bool(complaints) == bool(found)


def test_the_probe_finds_a_serializer_that_drops_bytes() -> None:
    """JSON keeps no bytes, and says that all went well."""
    values = SimpleCache()
    values.serializer = JSONSerializer()  # type: ignore[assignment]
    assert any("bytes" in line for line in probe(values, 10))


def test_a_private_cache_never_unpickles() -> None:
    """Its serializer takes bytes and numbers, and nothing else."""
    serializer = BytesSerializer()
    for value in (b"", b"page", 7):
        assert serializer.loads(serializer.dumps(value)) == value
    with pytest.raises(TypeError):
        serializer.dumps({"a": 1})
    assert serializer.loads(b"!pickle") is None
    assert serializer.loads(b"ix") is None
    values: t.Any = private_backend({"CACHE_TYPE": "SimpleCache"})
    assert isinstance(values.serializer, BytesSerializer)


@pytest.mark.parametrize("name", ["NullCache", "NoSuchCache", "FileSystemCache"])
@pytest.mark.filterwarnings("ignore:Flask-Caching")
def test_a_backend_that_cannot_keep_pages_is_refused(name: str) -> None:
    """NullCache, what does not exist, and a folder without a name."""
    with pytest.raises(ConfigurationError, match=name):
        private_backend({"CACHE_TYPE": name})


def test_what_backends_cannot_do_is_stated() -> None:
    """The table has every backend of Flask-Caching that can be used."""
    from flask_caching import backends

    refused = {"BaseCache", "NullCache", "SpreadSASLMemcachedCache"}
    assert set(LIMITS) == set(backends.__all__) - refused
