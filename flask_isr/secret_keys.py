"""The keys that Flask itself signs with."""

from __future__ import annotations

from flask import Flask


def secret_keys(app: Flask) -> list[bytes]:
    """``SECRET_KEY`` of *app* with its fallbacks, the key that signs last, as itsdangerous
    takes them; empty where it is not set."""
    if not app.secret_key:
        return []
    keys = [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
    return [key.encode() if isinstance(key, str) else key for key in keys]
