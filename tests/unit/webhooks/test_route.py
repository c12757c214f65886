"""The revalidate route: its answers, one by one."""

from __future__ import annotations

import time
import typing as t

import pytest
from werkzeug.test import TestResponse

from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support.shop import BEARER
from tests.support.shop import Plug
from tests.support.shop import Shop
from tests.support.shop import is_no_store

PAGE, OTHER = "/products/1", "/products/2"

Send: t.TypeAlias = t.Callable[..., TestResponse]


def in_query(shop: Shop, **targets: t.Any) -> TestResponse:
    """GET, as from the address bar."""
    query = {"secret": SECRET, **targets}
    return shop.site.get("/api/revalidate", query_string=query)


def in_post_query(shop: Shop, **targets: t.Any) -> TestResponse:
    """POST without a body."""
    return shop.post("/api/revalidate", query_string=targets, headers=BEARER)


def in_form(shop: Shop, **targets: t.Any) -> TestResponse:
    """POST of a form."""
    return shop.post("/api/revalidate", data=targets, headers=BEARER)


def in_json(shop: Shop, **targets: t.Any) -> TestResponse:
    """POST of JSON."""
    return shop.post("/api/revalidate", json=targets, headers=BEARER)


@pytest.fixture(params=[in_query, in_post_query, in_form, in_json])
def send(request: pytest.FixtureRequest) -> Send:
    """A way to say what is wanted."""
    way: Send = request.param
    return way


class TestWhenAllIsDone:
    """200."""

    def test_a_path_is_renewed_before_the_answer(self, shop: Shop, send: Send) -> None:
        """A path alone means "refresh": the very next load finds the new page."""
        shop.warm(PAGE)
        shop.text = "new"
        answer = send(shop, path=PAGE)
        assert answer.status_code == 200
        assert answer.json is not None
        assert answer.json["revalidated"] is True
        assert abs(answer.json["now"] - time.time() * 1000) < 60_000
        assert is_no_store(answer)
        assert shop.see(PAGE) == ("new", "HIT")

    def test_several_paths_and_tags_in_one_call(self, shop: Shop, send: Send) -> None:
        """Paths are rendered, tags are expired; what was not named stays."""
        shop.warm(PAGE, OTHER, "/blog/a", "/blogs")
        shop.text = "new"
        many = send is in_json
        answer = send(
            shop,
            **{"paths" if many else "path": [PAGE, "/blogs"]},
            **{"tags" if many else "tag": ["blog", "unused"]},
        )
        assert answer.status_code == 200
        assert shop.see(PAGE) == ("new", "HIT")
        assert shop.see("/blogs") == ("new", "HIT")
        assert shop.see("/blog/a") == ("new", "MISS")
        assert shop.see(OTHER) == ("old", "HIT")

    @pytest.mark.parametrize(
        ("targets", "seen"),
        [
            ({"path": PAGE, "mode": "stale"}, ("old", "STALE")),
            ({"path": "/products", "match": "prefix"}, ("new", "MISS")),
            (
                {"path": "/products", "match": "prefix", "mode": "stale"},
                ("old", "STALE"),
            ),
            (
                {
                    "path": "/products/<int:product_id>",
                    "match": "rule",
                    "mode": "expire",
                },
                ("new", "MISS"),
            ),
            ({"tag": "products"}, ("new", "MISS")),
            ({"tag": "products", "mode": "stale"}, ("old", "STALE")),
        ],
    )
    def test_match_and_mode_may_stand_where_targets_may(
        self, shop: Shop, send: Send, targets: dict[str, str], seen: tuple[str, str]
    ) -> None:
        """With "expire" as the default for tags, rules and prefixes."""
        shop.warm(PAGE)
        shop.text = "new"
        assert send(shop, **targets).status_code == 200
        assert shop.see(PAGE) == seen

    def test_targets_of_query_and_body_add_up(self, shop: Shop) -> None:
        """Nothing that was sent is silently ignored."""
        shop.warm(PAGE, OTHER)
        shop.text = "new"
        answer = shop.post(
            "/api/revalidate",
            query_string={"path": PAGE},
            json={"path": OTHER},
            headers=BEARER,
        )
        assert answer.status_code == 200
        assert [shop.see(page) for page in (PAGE, OTHER)] == [("new", "HIT")] * 2

    def test_a_path_named_twice_is_rendered_once(self, shop: Shop) -> None:
        """A CMS that fires for each field costs one render."""
        shop.warm(PAGE)
        shop.renders.clear()
        in_json(shop, paths=[PAGE, PAGE, "/products/01"])
        assert shop.renders == [PAGE]

    def test_all_is_recorded_in_one_transaction(self, shop: Shop) -> None:
        """The store's order advances by one: nobody sees one page new and another old."""
        store = shop.site.state.store
        before = store.current_version()
        in_json(shop, paths=[PAGE, OTHER], tags=["a", "b"], mode="stale")
        assert store.current_version() == int(before) + 1


def test_a_render_that_takes_long_is_pending(impatient: Shop) -> None:
    """202: the old page is expired, the sender need not wait, the background finishes."""
    impatient.warm(PAGE, OTHER)
    impatient.text = "new"
    gate = impatient.stop_next_render()
    answer = in_json(impatient, paths=[PAGE])
    assert answer.status_code == 202
    assert answer.json is not None
    assert answer.json["revalidated"] is False
    assert answer.json["pending"] == [PAGE]
    assert is_no_store(answer)
    gate.open()
    impatient.site.settle()
    assert impatient.see(PAGE) == ("new", "HIT")


def test_a_render_that_fails_is_reported(shop: Shop) -> None:
    """500 names the path and the cause; the last good page is still served."""
    shop.warm(PAGE, OTHER)
    shop.error = RuntimeError("the CMS is down")
    answer = in_json(shop, path=PAGE)
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["message"] == "Error revalidating"
    assert list(answer.json["failed"]) == [PAGE]
    assert "the CMS is down" in answer.json["failed"][PAGE]
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("old", "STALE")
    assert shop.see(OTHER) == ("old", "HIT")


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({}, "Path is required"),
        ({"mode": "expire"}, "Path is required"),
        ({"path": ""}, "leading slash"),
        ({"path": "products/1"}, "leading slash"),
        ({"path": "//evil.example/products/1"}, "no host"),
        ({"path": "/products/1#top"}, "fragment"),
        ({"path": "/products/\x01"}, "control"),
        ({"path": "/" + "a" * 1024}, "1024"),
        ({"path": PAGE, "mode": "now"}, "'expire', 'stale' or 'refresh'"),
        ({"path": PAGE, "match": "regex"}, "'path', 'rule' or 'prefix'"),
        ({"path": "/products", "match": "prefix", "mode": "refresh"}, "any number"),
        ({"tag": ""}, "non-empty"),
        ({"tag": "a" * 257}, "at most 256"),
        ({"tag": "products", "mode": "refresh"}, "any number"),
        ({"tag": "products", "mode": "now"}, "'expire', 'stale' or 'refresh'"),
        ({"tag": "products", "match": "regex"}, "match"),
    ],
)
def test_a_call_that_cannot_be_understood_is_told_why(
    shop: Shop, send: Send, targets: dict[str, str], said: str
) -> None:
    """400 with a message for people; nothing is done."""
    shop.warm(PAGE)
    answer = send(shop, **targets)
    assert answer.status_code == 400
    assert answer.json is not None
    assert said in answer.json["message"]
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("old", "HIT")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
def test_json_by_another_name_is_pointed_out(shop: Shop, kind: str) -> None:
    """As curl sends it, unless it is told what it sends."""
    body = f'{{"path": "{PAGE}"}}'
    answer = shop.post("/api/revalidate", data=body, content_type=kind, headers=BEARER)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"] == (
        "Path is required; if the body is JSON, say Content-Type: application/json"
    )


@pytest.mark.parametrize("path", ["/nowhere", "/dynamic", "/api/revalidate"])
def test_a_path_that_is_no_static_page_is_not_found(
    shop: Shop, send: Send, path: str
) -> None:
    """404 says which path, and how a path is found out."""
    answer = send(shop, path=path)
    assert answer.status_code == 404
    assert answer.json is not None
    assert path in answer.json["message"]
    assert is_no_store(answer)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"paths": [PAGE, "/nowhere"]}, 404),
        ({"paths": [PAGE, "nowhere"]}, 400),
        ({"paths": [PAGE], "tags": ["products", ""]}, 400),
        ({"paths": [PAGE], "tags": ["products"], "mode": "now"}, 400),
        ({"paths": [PAGE] * 300}, 400),
    ],
)
def test_all_targets_are_checked_before_any_is_touched(
    shop: Shop, wrong: dict[str, t.Any], status: int
) -> None:
    """One wrong target, and the good ones beside it are as they were."""
    shop.warm(PAGE, OTHER)
    before = shop.site.state.store.current_version()
    assert in_json(shop, **wrong).status_code == status
    assert shop.site.state.store.current_version() == before
    assert [shop.see(page) for page in (PAGE, OTHER)] == [("old", "HIT")] * 2


def test_what_the_store_did_not_record_is_to_be_sent_again(
    shop: Shop, plug: Plug
) -> None:
    """503 with Retry-After: the sender knows that the old page stays, and for how long."""
    shop.warm(PAGE)
    shop.text = "new"
    plug.pull()
    answer = in_json(shop, path=PAGE)
    plug.push()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json is not None
    assert "not recorded" in answer.json["message"]
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("old", "HIT")


@pytest.mark.parametrize("given", [{}, BEARER])
def test_without_a_secret_in_the_settings_nobody_may(
    make_site: MakeSite, given: dict[str, str]
) -> None:
    """503 says which setting is missing; there is no default secret."""
    shop = Shop.with_route(make_site(ISR_SECRET=None))
    answer = shop.post("/api/revalidate", query_string={"path": PAGE}, headers=given)
    assert answer.status_code == 503
    assert answer.json is not None
    assert "ISR_SECRET" in answer.json["message"]
    assert is_no_store(answer)


@pytest.mark.parametrize("query", ["mode=", "match="])
def test_an_empty_word_is_no_default(shop: Shop, query: str) -> None:
    """A word that is sent must be one of the known ones."""
    path = "/products/1"
    answer = shop.post(f"/api/revalidate?path={path}&{query}", headers=BEARER)
    assert answer.status_code == 400
    assert answer.json is not None
    assert "must be" in answer.json["message"]
