"""Pages to be stored in tests."""

from __future__ import annotations

import typing as t

from ...core.entry import Entry
from ...core.entry import PerVisitorRecord
from ...core.entry import Version
from ...core.freshness import Lifetime
from ...core.key import PageKey
from ...core.key import user_tag

FOX = PageKey("/animals/<name>", "/animals/fox")
OWL = PageKey("/animals/<name>", "/animals/owl")


def entry(
    key: PageKey,
    version: Version,
    body: bytes = b"a page",
    *,
    tags: t.Iterable[str] = (),
    began: float = 1_000_000.0,
    lifetime: Lifetime = Lifetime(),
) -> Entry:
    """A page whose render began at *version*; *tags* as the application names them."""
    return Entry(
        key=key,
        status=200,
        headers=(("Content-Type", "text/html; charset=utf-8"),),
        body=body,
        etag='"validator"',
        level="wsgi",
        version=version,
        began=began,
        lifetime=lifetime,
        tags=key.implicit_tags | set(map(user_tag, tags)),
        took=0.01,
    )


def not_static(
    key: PageKey, version: Version, reason: str = "set-cookie"
) -> PerVisitorRecord:
    """The memory that a page is not the same for everybody."""
    return PerVisitorRecord(
        key=key,
        reason=reason,
        version=version,
        began=1_000_000.0,
        probe_at=1_000_060.0,
        strikes=1,
        tags=key.implicit_tags,
    )
