"""The keys that Flask itself signs with."""

from __future__ import annotations

from flask import Flask


def secret_keys(app: Flask) -> list[bytes]:
    """The ``SECRET_KEY`` of *app* and its fallbacks; empty if it is not set.

    The key that signs is the last one, as itsdangerous expects.
    """
    if not app.secret_key:
        return []
    keys = [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
    return [key.encode() if isinstance(key, str) else key for key in keys]
