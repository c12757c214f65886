"""Any backend of Flask-Caching, by get, set, add and delete alone."""

from __future__ import annotations

import hashlib
import os
import time
import typing as t
from dataclasses import dataclass

from ...errors import ConfigurationError
from ...errors import StoreUnavailable
from .signature import Signature

# Seconds that a value is kept, a year: what never expires is evicted first by
# SimpleCache and FileSystemCache.
_KEPT = 365 * 24 * 3600

# Seconds of waiting in vain after which visitors do not ask the backend, and for how long.
# Some memcached clients raise nothing: they wait, and then say that there is nothing.
_SLOW = 0.2
_SILENT = 1.0
_BREAK = 1.0

# Seconds between looks at whether a value has arrived: a replica may be a moment behind.
_PATIENCE = 0.001, 0.005, 0.02


class CacheBackend(t.Protocol):
    """What is used of a backend: the part of cachelib's BaseCache that all can do."""

    def get(self, key: str) -> t.Any:
        """The value, or ``None``."""

    def set(self, key: str, value: t.Any, timeout: int | None = None) -> t.Any:
        """Keep the value."""

    def add(self, key: str, value: t.Any, timeout: int | None = None) -> t.Any:
        """Keep the value if there is none."""

    def delete(self, key: str) -> t.Any:
        """Forget the value."""


class Backend:
    """The values of one application in a backend.

    :param resolve: gives the backend; called at first use, and again after a fork.
    :param namespace: tells applications apart that share the backend; not all of them
        apply a key prefix.
    :param signature: signs the values; ``None`` where nobody else writes to the backend.
    """

    def __init__(
        self,
        resolve: t.Callable[[], CacheBackend],
        namespace: str,
        signature: Signature | None = None,
    ) -> None:
        self._resolve = resolve
        self._signature = signature
        self._prefix = f"isr1{_digest(namespace, 4)}"
        self._values: CacheBackend | None = None
        self._pid = 0
        self.down_until = float("-inf")

    def values(self) -> CacheBackend:
        """The backend itself.

        :raises ConfigurationError: where it is one that cannot keep pages.
        """
        values, pid = self._values, os.getpid()
        if values is None or pid != self._pid:
            values = self._values = self._resolve()
            self._pid = pid
        return values

    def sign(self, kind: str, name: str, value: bytes) -> bytes:
        """*value* as it is kept."""
        if self._signature is None:
            return value
        return self._signature.sign(self.key(kind, name), value)

    def verified(self, kind: str, name: str, kept: t.Any) -> bytes | None:
        """The value that is kept, if it is one of ours."""
        if not isinstance(kept, bytes) or self._signature is None:
            return kept if isinstance(kept, bytes) else None
        return self._signature.verified(self.key(kind, name), kept)

    def key(self, kind: str, name: str) -> str:
        """An address that every backend takes: short, of fixed length, plain ASCII."""
        return f"{self._prefix}{kind}{_digest(name, 16)}"

    def session(self, doing: str, *, bypass_breaker: bool = False) -> BackendSession:
        """The way to the values for one piece of work.

        :param doing: what :exc:`StoreUnavailable` says was tried.
        :param bypass_breaker: try also if the backend did not answer a moment ago.
            Visitors do not: each of them would wait for it, one after the other.
        """
        return BackendSession(self, doing, bypass_breaker)


@dataclass(frozen=True, slots=True)
class BackendSession:
    """Reads and writes values; whatever the backend raises becomes StoreUnavailable."""

    _backend: Backend
    doing: str
    bypass_breaker: bool

    def get(self, kind: str, name: str) -> bytes | None:
        """The bytes that are kept; ``None`` for anything else, or of anybody else."""
        return self._backend.verified(kind, name, self._call("get", kind, name))

    def set(self, kind: str, name: str, value: bytes) -> None:
        """Keep *value*, unless the backend drops it without a word."""
        signed = self._backend.sign(kind, name, value)
        done = self._call("set", kind, name, signed, _KEPT)
        # Some answer None when all went well.
        if done is not None and not done:
            raise self.refused(f"it refused {len(value)} bytes")

    def add(self, kind: str, name: str, value: bytes) -> bool:
        """Keep *value* if there is none; whether it was so."""
        signed = self._backend.sign(kind, name, value)
        return bool(self._call("add", kind, name, signed, _KEPT))

    def delete(self, kind: str, name: str) -> None:
        """Forget the value. What backends answer to this says nothing."""
        self._call("delete", kind, name)

    def create(self, kind: str, name: str, value: bytes) -> bytes:
        """Keep *value* if there is none; what is kept then."""
        self.add(kind, name, value)
        for pause in _PATIENCE:
            kept = self.get(kind, name)
            if kept is not None:
                return kept
            time.sleep(pause)
        # An expired file bars every `add` of FileSystemCache.
        self.replace(kind, name, value)
        return value

    def replace(self, kind: str, name: str, value: bytes) -> None:
        """Keep *value*, and see that it, or one that came later, is there."""
        before = self.get(kind, name)
        self.set(kind, name, value)
        for pause in (*_PATIENCE, None):
            kept = self.get(kind, name)
            if kept == value or (kept is not None and kept != before):
                return
            if pause is not None:
                time.sleep(pause)
        raise self.refused("it did not keep what was written")

    def refused(self, why: str) -> StoreUnavailable:
        """The error that says what was tried, and why it was in vain."""
        return StoreUnavailable(self.doing, why)

    def _call(self, method: str, kind: str, name: str, *args: t.Any) -> t.Any:
        backend = self._backend
        started = time.monotonic()
        if not self.bypass_breaker and started < backend.down_until:
            raise self.refused("it did not answer a moment ago")
        try:
            value = getattr(backend.values(), method)(backend.key(kind, name), *args)
        except ConfigurationError:
            raise
        except Exception as error:
            self._note(started, _SLOW)
            raise StoreUnavailable(self.doing, error) from error
        if not value:
            self._note(started, _SILENT)
        return value

    def _note(self, started: float, patience: float) -> None:
        now = time.monotonic()
        if now - started > patience:
            self._backend.down_until = now + _BREAK


def probe(values: CacheBackend, largest: int) -> list[str]:
    """Try a backend out: what it does not do as a store of pages needs it.

    :param largest: bytes of the largest page that should fit.
    """
    backend = Backend(lambda: values, f"probe {os.getpid()} {time.time()}")
    session = backend.session("answer the probe", bypass_breaker=True)
    found: list[str] = []
    try:
        for size in (1, largest):
            data = os.urandom(1) * size
            try:
                session.replace("?", str(size), data)
            except StoreUnavailable as error:
                found.append(f"bytes: a value of {size} bytes: {error}")
            else:
                if session.get("?", str(size)) != data:
                    found.append(f"bytes: a value of {size} bytes comes back changed")
            session.delete("?", str(size))
            if session.get("?", str(size)) is not None:
                found.append("delete: a deleted value is still there")
        session.delete("?", "lock")
        if not session.add("?", "lock", b"1"):
            found.append("add: a value that is not there cannot be added")
        if session.add("?", "lock", b"2"):
            found.append("add: a value that is there is added again")
        session.delete("?", "lock")
    except StoreUnavailable as error:
        found.append(f"reach: {error}")
    return found


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
