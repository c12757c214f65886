"""Fixtures for tests of invalidation."""

from __future__ import annotations

import pytest

from flask_isr.stores.sqlite import access
from tests.conftest import MakeSite
from tests.support import Site
from tests.support.catalogue import Catalogue
from tests.support.shop import Plug
from tests.support.shop import Shop


@pytest.fixture
def shop(site: Site) -> Shop:
    """A site of static pages, with the revalidate route at ``/api/revalidate``."""
    return Shop.with_route(site)


@pytest.fixture
def impatient(make_site: MakeSite) -> Shop:
    """The same, where nobody waits for a render longer than a moment."""
    return Shop.with_route(make_site(ISR_WAIT_TIMEOUT=0.05))


@pytest.fixture
def plug(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """What the store of the shop hangs on."""
    # Else a process does not ask a store again that did not answer a moment ago.
    monkeypatch.setattr(access, "_BREAK", 0.0)
    return Plug(shop.site.state.settings.folder)


@pytest.fixture
def catalogue(site: Site) -> Catalogue:
    """A site with two products, whose list was asked."""
    site.app.register_blueprint(site.isr.blueprint, url_prefix="/api")
    catalogue = Catalogue(site)
    assert (catalogue.status(1), catalogue.status(99)) == (200, 404)
    site.settle()
    assert catalogue.asked == 1
    catalogue.renders.clear()
    return catalogue
