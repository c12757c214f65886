"""Redis and memcached themselves pass the kit, and the doctor knows their limits."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr.core.store import Store
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.caching.flask_caching import private_backend
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry
from tests.conftest import MakeSite
from tests.support.doctor import Doctor
from tests.support.services import memcached_server
from tests.unit.stores.caching.each_own import EachOwn
from tests.unit.stores.caching.each_own import disconnect
from tests.unit.stores.caching.values import caching_store


@pytest.fixture(scope="module")
def memcached() -> t.Iterator[int]:
    """The port of a memcached of our own."""
    with memcached_server() as port:
        yield port


class TestRedisCache(EachOwn):
    """The kit, on a Redis server."""

    @pytest.fixture
    def config_(self, redis: int) -> dict[str, t.Any]:
        """How the backend is found."""
        url = f"redis://127.0.0.1:{redis}/0"
        return {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": url}


class TestMemcachedCache(EachOwn):
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
        disconnect(store._backend.values())


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
    disconnect(values)


@pytest.mark.parametrize(
    ("largest", "level"), [(10 * 1024 * 1024, "warning"), (900_000, "ok")]
)
def test_what_memcached_does_not_take_is_told(
    make_site: MakeSite, memcached: int, largest: int, level: str
) -> None:
    """A page above 1 MB, unless pages are kept below that anyway."""
    servers = [f"127.0.0.1:{memcached}"]
    config = {"CACHE_TYPE": "MemcachedCache", "CACHE_MEMCACHED_SERVERS": servers}
    site = make_site(ISR_CACHE=config, ISR_PAGE_BYTES=largest)
    found = Doctor(site)
    store: t.Any = site.state.store
    disconnect(store._backend.values())
    assert (found.status, found.check("backend")[0]) == (0, level)
    assert ("it takes no page of 10.0 MiB" in found.output) == (level == "warning")
    assert "all machines that reach it" in found.check("backend")[1]
    assert "up to 1.0 MiB" in found.check("backend")[1]
