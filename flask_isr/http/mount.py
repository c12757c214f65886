"""Paths with the mount prefix of the current request."""

from __future__ import annotations

from urllib.parse import unquote

from flask import has_request_context
from flask import request

# The most segments of a mount prefix that is looked for, to give advice.
_SEGMENTS = 3


def reading(path: str, prefix: str) -> str:
    """*path* as pages are stored, with *prefix*.

    ``url_for`` prepends the mount prefix of the current request. That prefix may differ
    from *prefix*, if no setting declares it.
    """
    if not has_request_context():
        return path
    mounted_at = request.root_path
    below = below_prefix(path, mounted_at)
    # If the path has both prefixes, the longer one is less likely there by chance.
    if below is None or (
        len(prefix) > len(mounted_at) and below_prefix(path, prefix) is not None
    ):
        return path
    return prefix + below


def below_prefix(path: str, prefix: str) -> str | None:
    """*path* without *prefix*; ``None`` if the path is not below the prefix.

    The path may be percent-encoded; the prefix is not.
    """
    if not prefix:
        return path
    segments = path.split("/")
    cut = len(prefix.split("/"))
    if unquote("/".join(segments[:cut])) != prefix:
        return None
    return "/" + "/".join(segments[cut:])


def cuts(path: str) -> list[tuple[str, str]]:
    """The likely splits of *path* into a mount prefix and the path below it."""
    segments = path.partition("?")[0].split("/")
    return [
        ("/".join(segments[:cut]), "/" + "/".join(segments[cut:]))
        for cut in range(2, min(len(segments), 2 + _SEGMENTS))
    ]
