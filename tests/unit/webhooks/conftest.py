"""Fixtures for tests of the revalidate route, its secret and its tokens."""

from __future__ import annotations

import typing as t

import pytest
from werkzeug.test import TestResponse

from tests.support.shop import Shop
from tests.unit.revalidation.conftest import impatient
from tests.unit.revalidation.conftest import plug
from tests.unit.revalidation.conftest import shop

__all__ = ["impatient", "plug", "shop"]

Make: t.TypeAlias = t.Callable[..., str]
Send: t.TypeAlias = t.Callable[..., TestResponse]


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
