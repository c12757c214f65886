"""What each backend of Flask-Caching can do, and what it cannot."""

from __future__ import annotations

import typing as t

from ...core.store import BackendLimits

#: Class name of a backend to what it can do; others are not known.
LIMITS: t.Final[t.Mapping[str, BackendLimits]] = {
    "SimpleCache": BackendLimits(
        "process",
        one_render=True,
        largest=None,
        remark="for one process: an invalidation is not seen by others",
    ),
    "FileSystemCache": BackendLimits(
        "machine",
        one_render=False,
        largest=None,
        remark="with CACHE_THRESHOLD=0 nothing is ever evicted, else writes get slow",
    ),
    "RedisCache": BackendLimits(
        "network",
        one_render=True,
        largest=512 * 1024 * 1024,
        remark="what Redis evicts or loses in a crash makes pages stale or missing",
    ),
    "RedisSentinelCache": BackendLimits(
        "network",
        one_render=True,
        largest=512 * 1024 * 1024,
        remark="reads from replicas, which learn of an invalidation a moment later",
    ),
    "RedisClusterCache": BackendLimits(
        "network",
        one_render=True,
        largest=512 * 1024 * 1024,
        remark="what Redis evicts or loses in a crash makes pages stale or missing",
    ),
    "MemcachedCache": BackendLimits(
        "network",
        one_render=True,
        largest=1024 * 1024,
        remark="one server: if clients disagree on which servers live, invalidations"
        " are lost",
    ),
    "SASLMemcachedCache": BackendLimits(
        "network",
        one_render=True,
        largest=1024 * 1024,
        remark="as MemcachedCache",
    ),
}
