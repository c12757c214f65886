"""The kit for backends that processes share, each with an object of its own."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr.stores.caching.backend import CacheBackend
from flask_isr.stores.caching.flask_caching import private_backend
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit import SharedStoreKit
from flask_isr.testing.store_kit.helpers import MakeStore
from tests.support import Clock


def disconnect(values: t.Any) -> None:
    """End the connections of a client of memcached."""
    client = getattr(values, "_client", None)
    if client is not None:
        client.disconnect_all()


class EachOwn(SharedStoreKit):
    """The kit, over a backend that each process reaches by itself."""

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
            disconnect(values)
