"""Freshness by age, and the pauses after failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_isr.core.freshness import Backoff
from flask_isr.core.freshness import Freshness
from flask_isr.core.freshness import Lifetime

FRESH, STALE, EXPIRED = Freshness.FRESH, Freshness.STALE, Freshness.EXPIRED


@pytest.mark.parametrize(
    ("lifetime", "age", "freshness"),
    [
        pytest.param(Lifetime(60, 600), 0, FRESH, id="new"),
        pytest.param(Lifetime(60, 600), 60, FRESH, id="not older than revalidate"),
        pytest.param(Lifetime(60, 600), 60.1, STALE, id="older than revalidate"),
        pytest.param(Lifetime(60, 600), 600, STALE, id="not older than expire"),
        pytest.param(Lifetime(60, 600), 600.1, EXPIRED, id="older than expire"),
        pytest.param(Lifetime(), 1e12, FRESH, id="never by time"),
        pytest.param(
            Lifetime(60), 1e12, STALE, id="stale pages may be served however old"
        ),
        pytest.param(Lifetime(None, 600), 601, EXPIRED, id="expire alone"),
        pytest.param(Lifetime(60), -1, STALE, id="clock went back"),
        pytest.param(Lifetime(60, 600), -1e9, STALE, id="clock went back far"),
        pytest.param(
            Lifetime(None, 600), -1, STALE, id="clock went back, expire alone"
        ),
        pytest.param(Lifetime(), -1, FRESH, id="clock went back, never by time"),
    ],
)
def test_age_decides_freshness(
    lifetime: Lifetime, age: float, freshness: Freshness
) -> None:
    """Stale beyond revalidate, expired beyond expire; lost time makes nothing immortal."""
    assert lifetime.freshness_at(age) is freshness


_limits = st.none() | st.floats(1, 1e6)


@given(_limits, _limits, _limits, _limits)
def test_the_lowest_lifetime_wins(
    a: float | None, b: float | None, c: float | None, d: float | None
) -> None:
    """Lowering a lifetime never makes a page live longer than either says."""
    one, other = Lifetime(a, b), Lifetime(c, d)
    lowered = one.lowered(other)
    assert lowered == other.lowered(one)
    for age in (0.5, 10.0, 1e5, 1e7):
        assert lowered.freshness_at(age) is max(
            one.freshness_at(age), other.freshness_at(age)
        )


def test_pauses_double_up_to_the_longest() -> None:
    """1 s, 2 s, 4 s and so on to 60 s, and there they stay."""
    backoff = Backoff(1.0, 60.0, lambda: 0.0)
    pauses = [backoff.pause(count) for count in range(1, 10)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert backoff.pause(10**9) == 60


@given(st.integers(1, 5000), st.floats(0, 1, exclude_max=True))
def test_jitter_shortens_a_pause_by_a_fifth_at_most(count: int, random: float) -> None:
    """Pages that failed together do not retry together, nor much earlier than they may."""
    pause = Backoff(1.0, 60.0, lambda: random).pause(count)
    full = Backoff(1.0, 60.0, lambda: 0.0).pause(count)
    assert 0.8 * full <= pause <= full


def test_freshness_is_ordered_from_good_to_bad() -> None:
    """The worse of two judgements is the greater one."""
    assert max(FRESH, STALE) is STALE
    assert max(STALE, EXPIRED, FRESH) is EXPIRED
