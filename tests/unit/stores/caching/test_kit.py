"""The store over each backend passes the kit."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from flask_isr.core.store import Store
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.caching.backend import CacheBackend
from flask_isr.stores.caching.flask_caching import private_backend
from flask_isr.stores.caching.store import CachingStore
from tests.support import Clock
from tests.support.records import FOX
from tests.support.records import entry
from tests.support.services import memcached_server
from tests.support.services import service

from ..kit import MakeStore
from ..kit import SharedStoreKit
from ..kit import body
from .values import Watched
from .values import caching_store


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
        made: list[CacheBackend] = []

        def resolve() -> CacheBackend:
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

    def check_started(self, order: tuple[str, ...], names: list[str]) -> None:
        """Its `add` is not atomic: some may be lost, and none is there twice."""
        assert order
        assert set(order) <= set(names)
        assert len(set(order)) == len(order)


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

    def start(self, store: Store, build: str) -> None:
        """Be a process of *build*; its client has connections of each thread."""
        super().start(store, build)
        assert isinstance(store, CachingStore)
        _disconnect(store._backend.values())


def test_a_page_over_memcacheds_limit_is_refused_and_not_half_there(
    memcached: int,
) -> None:
    """The server drops it without an error of its own; the store says so."""
    servers = [f"127.0.0.1:{memcached}"]
    config = {"CACHE_TYPE": "MemcachedCache", "CACHE_MEMCACHED_SERVERS": servers}
    values = private_backend(config)
    store = caching_store(values)
    with pytest.raises(StoreUnavailable, match="write a page"):
        store.put(entry(FOX, store.current_version(), bytes(2 * 1024 * 1024)))
    assert body(store) is None
    _disconnect(values)
