"""Backends that do what a test wants of them."""

from __future__ import annotations

import typing as t

from flask_isr.stores.caching.backend import CacheBackend
from flask_isr.stores.caching.store import CachingStore
from tests.support import Clock


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


def caching_store(values: CacheBackend, clock: Clock | None = None) -> CachingStore:
    """A store on *values*, as one process has it."""
    return CachingStore(lambda: values, namespace="tests", clock=clock)
