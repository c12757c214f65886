"""``Cache-Status``: how the cache took part in an answer (RFC 9211)."""

from __future__ import annotations

import re

from ..core.decision import ServeEntry

#: The ``Cache-Status`` field of an error, shared by all who waited for one render.
ERROR_STATUS = "Flask-ISR; fwd=uri-miss; detail=error"

# A token of RFC 8941, which needs no quotes in Cache-Status.
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*")


def cache_status(serve: ServeEntry, age: float) -> str:
    """The ``Cache-Status`` field (RFC 9211) of *serve*."""
    if serve.state == "MISS":
        parts = [f"Flask-ISR; fwd={serve.forward}"]
        if serve.stored:
            parts.append("collapsed" if serve.detail == "collapsed" else "stored")
        elif serve.detail == "off":
            parts.append("detail=off")
        return "; ".join(parts)
    parts = ["Flask-ISR", "hit"]
    limits = serve.entry.lifetime
    limit = limits.expire if limits.revalidate is None else limits.revalidate
    if limit is not None:
        left = int(limit - age)
        parts.append(f"ttl={min(left, 0) if serve.state == 'STALE' else max(left, 0)}")
    elif serve.state == "STALE":
        parts.append("ttl=0")
    if serve.detail is not None:
        parts.append(f"detail={serve.detail}")
    return "; ".join(parts)


def bypass_status(reason: str) -> str:
    """The ``Cache-Status`` field of an answer that the view gave, and why it did."""
    if reason == "method":
        return "Flask-ISR; fwd=method"
    if _TOKEN.fullmatch(reason):
        return f"Flask-ISR; fwd=bypass; detail={reason}"
    text = "".join(char for char in reason if char.isascii() and char.isprintable())
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'Flask-ISR; fwd=bypass; detail="{escaped}"'
