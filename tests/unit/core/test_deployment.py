"""Which of two builds is the later one, and how long what it made is protected."""

from __future__ import annotations

import pytest

from flask_isr.core.deployment import NEWER_BUILD_GRACE
from flask_isr.core.deployment import is_later
from flask_isr.core.deployment import is_protected
from flask_isr.core.freshness import Freshness
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import entry


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        ("b", "a", True),
        ("a", "b", False),
        ("a", "a", False),
        ("a", "unknown", False),
        ("unknown", "a", False),
        ("unknown", "another", False),
        ("a", None, False),
        (None, "a", False),
    ],
)
def test_a_build_that_is_not_known_is_not_compared(
    one: str | None, other: str | None, later: bool
) -> None:
    """Of two, at most one is the later one."""
    assert is_later(one, other, ["a", "b"]) is later


@pytest.mark.parametrize("age", [-1.0, NEWER_BUILD_GRACE])
def test_a_page_of_another_time_is_not_protected(age: float) -> None:
    """Neither an old one, nor one of the future, after the clock was set back."""
    page = entry(FOX, 1)
    assert is_protected(page, Freshness.FRESH, page.began)
    assert not is_protected(page, Freshness.FRESH, page.began + age)
