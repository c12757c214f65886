"""A store on a backend that the test can watch."""

from __future__ import annotations

import pytest

from flask_isr.stores.caching.store import CachingStore
from tests.support import Clock

from .values import Watched
from .values import caching_store


@pytest.fixture
def watched() -> Watched:
    """A backend that the test can watch."""
    return Watched()


@pytest.fixture
def store(watched: Watched, clock: Clock) -> CachingStore:
    """A store on it."""
    return caching_store(watched, clock)
