"""Fixtures for tests of the commands."""

from __future__ import annotations

import typing as t

import pytest
from click.testing import Result

from tests.support import Site
from tests.support.shop import Shop

Run: t.TypeAlias = t.Callable[..., Result]


@pytest.fixture
def shop(site: Site) -> Shop:
    """A site of static pages."""
    return Shop(site)


@pytest.fixture
def run(site: Site) -> Run:
    """Runs ``flask isr …`` for the site, as in a process beside the server."""

    def run(*args: str, **more: t.Any) -> Result:
        return site.app.test_cli_runner().invoke(args=["isr", *args], **more)

    return run
