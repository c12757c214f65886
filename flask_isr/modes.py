"""The modes in which pages give way, and the ways in which a path matches pages."""

from __future__ import annotations

import typing as t

MatchKind: t.TypeAlias = t.Literal["path", "rule", "prefix"]

Mode: t.TypeAlias = t.Literal["expire", "stale", "refresh"]

MATCHES: t.Final[tuple[MatchKind, ...]] = ("path", "rule", "prefix")

MODES: t.Final[tuple[Mode, ...]] = ("expire", "stale", "refresh")
