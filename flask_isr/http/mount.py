"""Paths with the mount prefix of the current request."""

from __future__ import annotations

from urllib.parse import unquote

from flask import has_request_context
from flask import request

# Segments that a mount prefix is looked for in, for advice.
_SEGMENTS = 3


def reading(path: str, prefix: str) -> str:
    """*path* as pages are stored, with *prefix*.

    ``url_for`` puts the prefix before it by which the current request came. That may be
    another one than *prefix*, where nothing declares it.
    """
    if not has_request_context():
        return path
    mounted_at = request.root_path
    below = below_prefix(path, mounted_at)
    # Of two prefixes that it has, the longer one is there less likely by chance.
    if below is None or (
        len(prefix) > len(mounted_at) and below_prefix(path, prefix) is not None
    ):
        return path
    return prefix + below


def below_prefix(path: str, prefix: str) -> str | None:
    """*path*, percent-encoded or not, without *prefix*, which is not; ``None`` where it
    is not below that."""
    if not prefix:
        return path
    segments = path.split("/")
    cut = len(prefix.split("/"))
    if unquote("/".join(segments[:cut])) != prefix:
        return None
    return "/" + "/".join(segments[cut:])


def cuts(path: str) -> list[tuple[str, str]]:
    """*path* as a mount prefix and what is below it, in all likely ways."""
    segments = path.partition("?")[0].split("/")
    return [
        ("/".join(segments[:cut]), "/" + "/".join(segments[cut:]))
        for cut in range(2, min(len(segments), 2 + _SEGMENTS))
    ]
