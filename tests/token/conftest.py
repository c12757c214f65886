"""Fixtures for tests of tokens."""

from __future__ import annotations

import typing as t

import pytest
from werkzeug.test import TestResponse

from ..revalidation.shop import Shop
from ..support import Site

Make: t.TypeAlias = t.Callable[..., str]
Send: t.TypeAlias = t.Callable[..., TestResponse]


@pytest.fixture
def shop(site: Site) -> Shop:
    """A site of static pages, with the revalidate route at ``/api/revalidate``."""
    return Shop.with_route(site)


@pytest.fixture
def make(shop: Shop) -> Make:
    """Makes a token of the site."""

    def make(**arguments: t.Any) -> str:
        with shop.site.app.app_context():
            return shop.site.isr.token(**arguments)

    return make


@pytest.fixture
def send(shop: Shop) -> Send:
    """Calls the revalidate route with this query."""

    def send(**query: t.Any) -> TestResponse:
        return shop.post("/api/revalidate", query_string=query)

    return send
