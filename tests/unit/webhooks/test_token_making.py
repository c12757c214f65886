"""What ``ISR.token`` takes, and what it gives."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from flask_isr import ISR
from flask_isr import NotAStaticPage
from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support.shop import Shop

from .conftest import Make
from .conftest import Send

PAGE = "/products/1"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"paths": [], "tags": []},
        {"paths": PAGE},
        {"paths": 1},
        {"tags": "products"},
        {"tags": b"products"},
        {"paths": [1]},
        {"paths": ["products/1"]},
        {"paths": ["https://example.com/products/1"]},
        {"paths": [f"{PAGE}#top"]},
        {"tags": [""]},
        {"tags": [None]},
        {"tags": ["a"] * 257},
        {"paths": [PAGE], "lifetime": 0},
        {"paths": [PAGE], "lifetime": -1},
        {"paths": [PAGE], "lifetime": float("nan")},
        {"paths": [PAGE], "lifetime": "3600"},
        {"paths": [PAGE], "lifetime": True},
    ],
    ids=str,
)
def test_wrong_arguments_are_told_when_it_is_made(
    make: Make, arguments: dict[str, t.Any]
) -> None:
    """ValueError, and not a link that does nothing."""
    with pytest.raises(ValueError, match=r"must be|no tag|needs|at most|fragment"):
        make(**arguments)


@pytest.mark.parametrize("path", ["/nowhere", "/dynamic", "/products/<int:product_id>"])
def test_a_path_of_no_static_page_is_told(make: Make, path: str) -> None:
    """Here and not at the first click."""
    with pytest.raises(NotAStaticPage):
        make(paths=[PAGE, path])


def test_without_a_secret_there_is_no_token(make_site: MakeSite) -> None:
    """Nothing could sign it."""
    shop = Shop(make_site(ISR_SECRET=None))
    with shop.site.app.app_context(), pytest.raises(ValueError, match="ISR_SECRET"):
        shop.site.isr.token(paths=[PAGE])


def test_it_is_of_the_current_application(shop: Shop, send: Send) -> None:
    """Whichever ISR object is asked; outside of an application there is none."""
    with pytest.raises(RuntimeError):
        shop.site.isr.token(paths=[PAGE])
    with shop.site.app.app_context():
        token = ISR().token(paths=[PAGE])
    assert send(token=token, path=PAGE).status_code == 200


def test_it_can_stand_in_a_url_and_does_not_show_the_secret(make: Make) -> None:
    """No character needs to be escaped."""
    token = make(paths=["/blog/é"], tags=["späte Ernte & mehr"])
    assert token.isascii()
    assert token.translate(str.maketrans("", "", "-_.")).isalnum()
    assert SECRET not in token


def test_a_lifetime_may_be_a_timedelta(shop: Shop, make: Make, send: Send) -> None:
    """As all times."""
    token = make(tags=["blog"], lifetime=datetime.timedelta(minutes=1))
    assert send(token=token, tag="blog").status_code == 200
    shop.site.clock.advance(61)
    assert send(token=token, tag="blog").status_code == 401
