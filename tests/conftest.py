"""Fixtures for all tests."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Flask

from .support import Clock
from .support import Site

MakeSite: t.TypeAlias = t.Callable[..., Site]


@pytest.fixture
def clock() -> Clock:
    """The store's time, set by the test."""
    return Clock(1_000_000.0)


@pytest.fixture
def make_site(tmp_path: Path, clock: Clock) -> t.Iterator[MakeSite]:
    """Make applications; those made in one test share the folder, as processes would."""
    sites: list[Site] = []

    def make(*, app_class: type[Flask] = Flask, **config: t.Any) -> Site:
        site = Site(tmp_path, clock, config, app_class)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """An application without views."""
    return make_site()
