"""The fixtures of the stores, for their processes; and a server that some stores need."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.services import service
from tests.unit.stores.conftest import folder
from tests.unit.stores.conftest import make_store

__all__ = ["folder", "make_store"]


@pytest.fixture(scope="module")
def redis() -> t.Iterator[int]:
    """The port of a Redis of our own."""
    options = ("--port", "{port}", "--bind", "127.0.0.1", "--save", "")
    with service("redis-server", *options) as port:
        yield port
