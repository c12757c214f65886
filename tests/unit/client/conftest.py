"""Fixtures for tests of the client."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr.client import RevalidateClient
from tests.support import SECRET
from tests.support.server import Scripted
from tests.support.server import serving

Connect: t.TypeAlias = t.Callable[..., RevalidateClient]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def scripted() -> Scripted:
    """A site that answers what the test says."""
    return Scripted()


@pytest.fixture
def address(scripted: Scripted) -> t.Iterator[str]:
    """Where that site is."""
    with serving(scripted) as address:
        yield address


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that clients made, in seconds."""
    return []


@pytest.fixture
def connect(address: str, pauses: list[float]) -> Connect:
    """Makes a client of that site which does not sleep."""

    def connect(**more: t.Any) -> RevalidateClient:
        url = f"{address}/api/revalidate"
        return RevalidateClient(
            url, more.pop("secret", SECRET), **{"sleep": pauses.append, **more}
        )

    return connect
