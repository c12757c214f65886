"""Pages for the tests of the heart and the stores."""

from __future__ import annotations

import typing as t

from flask_isr.core.entry import Entry
from flask_isr.core.entry import Mark
from flask_isr.core.entry import NotStatic
from flask_isr.core.freshness import Lifetime
from flask_isr.core.key import PageKey
from flask_isr.core.key import user_tag

FOX = PageKey("/animals/<name>", "/animals/fox")
OWL = PageKey("/animals/<name>", "/animals/owl")


def entry(
    key: PageKey,
    mark: Mark,
    body: bytes = b"a page",
    *,
    tags: t.Iterable[str] = (),
    began: float = 1_000_000.0,
    lifetime: Lifetime = Lifetime(),
) -> Entry:
    """A page whose render began at *mark*; *tags* as the application names them."""
    return Entry(
        key=key,
        status=200,
        headers=(("Content-Type", "text/html; charset=utf-8"),),
        body=body,
        etag='"validator"',
        level="wsgi",
        mark=mark,
        began=began,
        lifetime=lifetime,
        tags=key.implicit_tags | set(map(user_tag, tags)),
        took=0.01,
    )


def not_static(key: PageKey, mark: Mark, reason: str = "set-cookie") -> NotStatic:
    """The memory that a page is not the same for everybody."""
    return NotStatic(
        key=key,
        reason=reason,
        mark=mark,
        began=1_000_000.0,
        probe_at=1_000_060.0,
        strikes=1,
        tags=key.implicit_tags,
    )
