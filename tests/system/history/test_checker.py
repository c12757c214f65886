"""The checker finds what is wrong in a history, and nothing else."""

from __future__ import annotations

import typing as t

import pytest

from .checker import LIFETIME
from .checker import PATIENCE
from .checker import SLACK
from .checker import check
from .records import Publication
from .records import Reading
from .records import Record


def read(
    page: str,
    version: int | None,
    at: float,
    state: str = "HIT",
    status: int = 200,
    took: float = 0.01,
) -> Reading:
    """An answer to a request that was sent *at*."""
    return Reading(page, status, state, version, at, at + took)


def publish(
    page: str, version: int, at: float, *, recorded: float | None = 0.2
) -> Publication:
    """A change that was committed in a tenth of a second, and invalidated *recorded*
    seconds after it began."""
    done = None if recorded is None else at + recorded
    return Publication(page, version, at, at + 0.1, done)


E, S, T, L, M, F = (
    "/expire/a",
    "/stale/a",
    "/time/a",
    "/listed/a",
    "/missing/a",
    "/failing/a",
)

GOOD: dict[str, list[Record]] = {
    "before-it-was-recorded": [publish(E, 2, 1), read(E, 1, 1.15)],
    "new-before-it-was-recorded": [publish(E, 2, 1), read(E, 2, 1.15)],
    "new-after": [publish(E, 2, 1), read(E, 2, 1.3)],
    "never-recorded": [publish(E, 2, 1, recorded=None), read(E, 1, 9)],
    "newer-than-due": [
        publish(E, 2, 1),
        publish(E, 3, 2, recorded=None),
        read(E, 3, 3),
    ],
    "asked-before-answered-after": [publish(E, 2, 1), read(E, 1, 1.1, took=5)],
    "stale-where-that-was-asked-for": [publish(S, 2, 1), read(S, 1, 1.3, "STALE")],
    "stale-while-it-fails": [publish(F, 2, 1), read(F, 1, 1.3, "STALE")],
    "an-error-and-never-a-page": [read(F, None, 1, "BYPASS", 500)],
    "old-but-not-yet": [publish(T, 2, 1), read(T, 1, 1.1 + LIFETIME)],
    "old-and-says-so": [publish(T, 2, 1), read(T, 1, 99, "STALE")],
    "gone": [publish(M, 2, 1), read(M, None, 1.3, status=404)],
    "gone-and-back": [publish(L, 2, 1), publish(L, 3, 2), read(L, 3, 2.3)],
    "gone-at-some-moment": [
        publish(L, 2, 1, recorded=None),
        read(L, None, 2, status=404),
    ],
}

BAD: dict[str, list[Record]] = {
    "old-as-hit": [publish(E, 2, 1), read(E, 1, 1.3)],
    "old-as-miss": [publish(E, 2, 1), read(E, 1, 1.3, "MISS")],
    "old-as-bypass": [publish(E, 2, 1), read(E, 1, 1.3, "BYPASS")],
    "old-as-stale-where-it-expired": [publish(E, 2, 1), read(E, 1, 1.3, "STALE")],
    "old-by-two": [publish(E, 2, 1), publish(E, 3, 2), read(E, 2, 2.3)],
    "old-as-hit-where-stale-was-asked-for": [publish(S, 2, 1), read(S, 1, 1.3)],
    "old-as-hit-while-it-fails": [publish(F, 2, 1), read(F, 1, 1.3)],
    "an-error-in-the-place-of-a-page": [read(F, 1, 1), read(F, None, 2, "BYPASS", 500)],
    "fresh-for-ever": [publish(T, 2, 1), read(T, 1, 1.2 + LIFETIME + SLACK)],
    "there-though-gone": [publish(M, 2, 1), read(M, 1, 1.3)],
    "shows-what-is-gone": [publish(M, 2, 1), read(M, 2, 1.3)],
    "gone-though-there": [
        publish(L, 2, 1),
        publish(L, 3, 2),
        read(L, None, 2.3, status=404),
    ],
    "gone-and-never-taken-away": [read(E, None, 1, status=404)],
    "from-the-future": [publish(E, 2, 5), read(E, 2, 1)],
    "too-late": [read(E, 1, 1, took=PATIENCE + 1)],
    "neither-nor": [read(E, None, 1, status=302)],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history_is_good(name: str) -> None:
    """What the promises allow."""
    assert check(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_found(name: str) -> None:
    """Each breaks one promise, once; wherever it stands among others."""
    others: list[t.Any] = [publish("/expire/b", 2, 0), read("/expire/b", 2, 3)]

    for records in (BAD[name], [*others, *reversed(BAD[name])]):
        [violation] = check(records)
        assert violation.why


def test_an_error_is_allowed_where_the_good_page_was_of_another_release() -> None:
    """Nothing else is: old is old, whoever made it."""
    assert check(BAD["an-error-in-the-place-of-a-page"], shared=False) == []
    for name in BAD.keys() - {"an-error-in-the-place-of-a-page"}:
        assert len(check(BAD[name], shared=False)) == 1
