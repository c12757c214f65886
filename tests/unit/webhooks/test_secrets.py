"""Who may revalidate: where the secret may stand, and that it shows up nowhere."""

from __future__ import annotations

import logging
import typing as t

import pytest
from werkzeug.test import TestResponse

from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support.shop import Plug
from tests.support.shop import Shop
from tests.support.shop import check_refused
from tests.support.shop import is_no_store

PAGE = "/products/1"
NEXT_SECRET = "the secret that replaces it one day"

Way: t.TypeAlias = t.Callable[[str], dict[str, t.Any]]

WAYS: dict[str, Way] = {
    "bearer": lambda secret: {"headers": {"Authorization": f"Bearer {secret}"}},
    "lower-case bearer": lambda secret: {
        "headers": {"Authorization": f"bearer {secret}"}
    },
    "header": lambda secret: {"headers": {"X-Revalidate-Secret": secret}},
    "query": lambda secret: {"query_string": {"path": PAGE, "secret": secret}},
    "json": lambda secret: {"json": {"path": PAGE, "secret": secret}},
}


def send(shop: Shop, method: str = "POST", **request: t.Any) -> TestResponse:
    """Ask for one page to be made stale."""
    request.setdefault("query_string", {"path": PAGE})
    client = shop.site.app.test_client(use_cookies=False)
    return client.open("/api/revalidate", method=method, buffered=True, **request)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_secret_may_stand_here(shop: Shop, way: Way, method: str) -> None:
    """In a header, in the query, or in JSON; by GET and by POST."""
    shop.warm(PAGE)
    assert send(shop, method, **way(SECRET)).status_code == 200


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "secret",
    [
        "",
        " ",
        "wrong",
        SECRET[:-1],
        SECRET + "x",
        SECRET.upper(),
        "é",
        "\u20ac",
        "a\0b",
        "%",
        "x" * 1_000_000,
    ],
    ids=lambda secret: repr(secret)[:20],
)
def test_a_wrong_secret_is_refused_whatever_it_is(
    shop: Shop, way: Way, secret: str
) -> None:
    """401, and no more said; never an error."""
    shop.warm(PAGE)
    answer = send(shop, **way(secret))
    if answer.status_code == 413:
        assert len(secret) > 1000
        assert is_no_store(answer)
        return
    check_refused(shop, answer)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": SECRET},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": f"Bearer{SECRET}"},
        {"Cookie": f"secret={SECRET}"},
    ],
    ids=str,
)
def test_no_secret_is_a_wrong_secret(shop: Shop, headers: dict[str, str]) -> None:
    """Nothing, the wrong scheme, or a place that a browser fills in by itself."""
    shop.warm(PAGE)
    check_refused(shop, send(shop, headers=headers))


@pytest.mark.parametrize(
    "sent", ["\xff", "%FF", "%ED%A0%80", "%00", "+", "", "a&secret=b"]
)
def test_bytes_that_are_no_text_are_refused(shop: Shop, sent: str) -> None:
    """A query may hold any bytes."""
    shop.warm(PAGE)
    check_refused(shop, send(shop, query_string=f"path={PAGE}&secret={sent}"))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_secret_hides_what_is_there(shop: Shop, method: str) -> None:
    """Whether a path exists, a body is well formed or a target is missing is not told."""
    requests: list[dict[str, t.Any]] = [
        {"query_string": {"path": "/nowhere"}},
        {"query_string": {"path": "no path"}},
        {"query_string": {}},
        {"data": "{", "content_type": "application/json"},
    ]
    for request in requests:
        assert send(shop, method, **request).json == {"message": "Invalid token"}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_of_a_list_of_secrets_each_is_good(make_site: MakeSite, way: Way) -> None:
    """While they are changed, senders have the old one or the new one."""
    shop = Shop.with_route(make_site(ISR_SECRET=[NEXT_SECRET, SECRET]))
    shop.warm(PAGE)
    check_refused(shop, send(shop, **way("one that is gone since long")))
    assert send(shop, **way(NEXT_SECRET)).status_code == 200
    assert send(shop, **way(SECRET)).status_code == 200


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_secret_may_be_any_text(make_site: MakeSite, way: Way) -> None:
    """It is compared as the bytes of its UTF-8 form."""
    secret = "Schlüssel: 100 % geheim & 'gut'"
    shop = Shop.with_route(make_site(ISR_SECRET=secret))
    sent = secret
    if "headers" in way(secret):
        # A header holds bytes; WSGI has them decoded as latin-1.
        sent = secret.encode().decode("latin-1")
    assert send(shop, **way(sent)).status_code == 200


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_answer_log_or_repr_shows_a_secret(
    shop: Shop, plug: Plug, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    """Not when all is well, not in an error, not when a wrong one is sent."""
    wrong = "a wrong secret, which may be the right one of another site"
    caplog.set_level(logging.DEBUG)
    shop.warm(PAGE)
    answers = [send(shop, **way(SECRET)), send(shop, **way(wrong))]
    shop.error = RuntimeError("the CMS is down")
    answers.append(send(shop, **way(SECRET)))
    plug.pull()
    answers.append(send(shop, **way(SECRET)))
    plug.push()
    assert [answer.status_code for answer in answers] == [200, 401, 500, 503]
    state = shop.site.state
    said = [repr(state.settings), repr(state), repr(shop.site.isr), caplog.text]
    said += [f"{answer.headers}{answer.text}" for answer in answers]
    for text in said:
        assert SECRET not in text
        assert wrong not in text


def test_a_bad_request_does_not_show_the_secret(shop: Shop) -> None:
    """The message repeats what is wrong of a path, and nothing else of the request."""
    for path in ("/nowhere", "no path", ""):
        for way in WAYS.values():
            request = way(SECRET)
            part = request.get("query_string") or request.get("json")
            if part is not None:
                part["path"] = path
            else:
                request["query_string"] = {"path": path}
            answer = send(shop, **request)
            assert answer.status_code in (400, 404)
            assert SECRET not in answer.text
