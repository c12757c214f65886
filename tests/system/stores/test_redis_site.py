"""Applications whose processes share a Redis: what holds on any backend holds there."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from tests.unit.stores.caching.test_site import data
from tests.unit.stores.caching.test_site import gates
from tests.unit.stores.caching.test_site import sites
from tests.unit.stores.caching.test_site import test_a_page_is_shared
from tests.unit.stores.caching.test_site import (
    test_a_render_that_an_invalidation_overtakes_is_not_fresh_anywhere,
)
from tests.unit.stores.caching.test_site import (
    test_after_an_invalidation_no_process_serves_what_was,
)

__all__ = [
    "data",
    "gates",
    "sites",
    "test_a_page_is_shared",
    "test_a_render_that_an_invalidation_overtakes_is_not_fresh_anywhere",
    "test_after_an_invalidation_no_process_serves_what_was",
]

_databases = itertools.count(1)


@pytest.fixture
def config(redis: int) -> dict[str, t.Any]:
    """The settings of a site whose processes share a backend."""
    url = f"redis://127.0.0.1:{redis}/{next(_databases)}"
    return {"ISR_CACHE": {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": url}}
