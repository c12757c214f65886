"""Which store keeps the pages of an application."""

from __future__ import annotations

import typing as t

from flask import Flask

from ..config import Settings
from ..core.store import Store
from ..errors import ConfigurationError
from ..secret_keys import secret_keys
from .caching.backend import CacheBackend
from .caching.signature import Signature
from .caching.store import CachingStore
from .sqlite.store import SQLiteStore

if t.TYPE_CHECKING:
    from flask_caching import Cache


def select_store(
    app: Flask,
    settings: Settings,
    cache: Cache | None,
    clock: t.Callable[[], float] | None,
) -> Store:
    """The store that *settings* ask for, or that *cache* gives.

    :raises ConfigurationError: where they contradict each other, or the backend cannot
        keep pages.
    """
    config = settings.cache
    if cache is None and config is None:
        if settings.sign:
            raise ConfigurationError(
                "ISR_SIGN is on, and pages are kept in the embedded store: its files are"
                " private to their owner, and not signed. Remove ISR_SIGN, or keep pages"
                " in a backend of Flask-Caching."
            )
        return SQLiteStore(settings.folder, limit=settings.store_bytes, clock=clock)
    if cache is not None and config is not None:
        raise ConfigurationError(
            "both ISR(cache=…) and ISR_CACHE say where pages are kept; give one of them."
        )
    # They import Flask-Caching and cachelib, which the embedded store does without.
    from .caching.flask_caching import private_backend
    from .caching.flask_caching import shared_backend

    def resolve() -> CacheBackend:
        if config is not None:
            return private_backend(config)
        assert cache is not None
        return shared_backend(app, cache)

    # What one module calls its applications tells them apart.
    store = CachingStore(
        resolve,
        namespace=f"{app.import_name} {app.name}",
        clock=clock,
        signature=Signature(lambda: secret_keys(app)) if settings.sign else None,
    )
    if config is not None or cache in app.extensions.get("cache", {}):
        store.check()
    return store
