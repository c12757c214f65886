"""By which methods the revalidate route acts."""

from __future__ import annotations

import pytest
from flask.cli import routes_command
from werkzeug.test import TestResponse

from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support import Site
from tests.support.shop import BEARER
from tests.support.shop import PAGE
from tests.support.shop import Shop
from tests.support.shop import is_no_store

OTHERS = ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def send(shop: Shop, method: str, **more: str) -> TestResponse:
    """Ask for one page by *method*, in the query."""
    client = shop.site.app.test_client(use_cookies=False)
    headers = {**BEARER, **more}
    return client.open(
        f"/api/revalidate?path={PAGE}", method=method, headers=headers, buffered=True
    )


def check_not_allowed(shop: Shop, answer: TestResponse, allowed: str) -> None:
    """The answer says what would be right, and nothing was done."""
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.mimetype == "application/json"
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("old", "HIT")


@pytest.mark.parametrize("method", OTHERS)
@pytest.mark.parametrize("off", [False, True])
def test_no_other_method_acts(make_site: MakeSite, method: str, off: bool) -> None:
    """HEAD neither: a program that looks whether a link is alive does not mean it."""
    shop = Shop.with_route(make_site(ISR_REVALIDATE_GET=not off))
    shop.warm(PAGE)
    answer = send(shop, method)
    check_not_allowed(shop, answer, "POST" if off else "GET, POST")
    if method != "HEAD":
        assert answer.json is not None
        assert f"The method is {method}" in answer.json["message"]


@pytest.mark.parametrize(
    "query", [f"secret={SECRET}&path={PAGE}", f"path={PAGE}", "", "secret=wrong"]
)
def test_get_can_be_switched_off(make_site: MakeSite, query: str) -> None:
    """Then no link works, whatever is in it, and a secret in one is not looked at."""
    shop = Shop.with_route(make_site(ISR_REVALIDATE_GET=False))
    shop.warm(PAGE)
    check_not_allowed(shop, shop.site.get(f"/api/revalidate?{query}"), "POST")
    assert send(shop, "POST").status_code == 200


def test_tokens_in_links_are_switched_off_with_it(make_site: MakeSite) -> None:
    """By POST they are good all the same."""
    shop = Shop.with_route(make_site(ISR_REVALIDATE_GET=False))
    shop.warm(PAGE)
    with shop.site.app.app_context():
        token = shop.site.isr.token(paths=[PAGE])
    link = f"/api/revalidate?path={PAGE}&token={token}"
    check_not_allowed(shop, shop.site.get(link), "POST")
    assert shop.post(link).status_code == 200


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]
)
def test_no_header_changes_the_method(make_site: MakeSite, header: str) -> None:
    """A GET stays one."""
    shop = Shop.with_route(make_site(ISR_REVALIDATE_GET=False))
    shop.warm(PAGE)
    check_not_allowed(shop, send(shop, "GET", **{header: "POST"}), "POST")


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_lists_of_routes_show_what_acts(site: Site, prefix: str) -> None:
    """``flask routes``, and what makes documentation of the URL map."""
    site.app.register_blueprint(site.isr.blueprint, url_prefix=prefix, name="cms")
    result = site.app.test_cli_runner().invoke(routes_command)
    line = next(li for li in result.stdout.splitlines() if "revalidate" in li)
    assert line.split() == ["cms.revalidate", "GET,", "POST", f"{prefix}/revalidate"]
