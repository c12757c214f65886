"""Where a secret could show up, and does not; how it is compared."""

from __future__ import annotations

import hmac
import logging
import traceback
import typing as t

import pytest
from werkzeug import Response
from werkzeug.debug import DebuggedApplication
from werkzeug.test import Client

from flask_isr import signals
from flask_isr.client import RemoteError
from flask_isr.client import RevalidateClient
from flask_isr.webhooks.tokens import Tokens
from tests.conftest import MakeSite
from tests.support import CommandRunner
from tests.support.server import Scripted
from tests.support.server import serving
from tests.support.shop import PAGE
from tests.support.shop import Shop

CANARY = "canary-7f3a9c-which-must-not-be-seen"
OLD_CANARY = "canary-old-2b81-which-must-not-be-seen"
ROUTE = "/api/revalidate"

WAYS: dict[str, t.Callable[[str], dict[str, t.Any]]] = {
    "bearer": lambda secret: {"headers": {"Authorization": f"Bearer {secret}"}},
    "header": lambda secret: {"headers": {"X-Revalidate-Secret": secret}},
    "query": lambda secret: {"query_string": {"secret": secret}},
    "json": lambda secret: {"json": {"secret": secret}},
}


@pytest.fixture
def shop(make_site: MakeSite) -> Shop:
    """A shop whose secrets are easily found."""
    return Shop.with_route(make_site(ISR_SECRET=[OLD_CANARY, CANARY]))


@pytest.fixture(autouse=True)
def _all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def check_clean(*said: object) -> None:
    """No canary is in what was said."""
    for text in map(str, said):
        assert "canary" not in text


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("secret", [CANARY, OLD_CANARY, f"{CANARY}-but-wrong"])
def test_signals_tell_nothing_of_the_sender(
    shop: Shop, way: t.Callable[[str], dict[str, t.Any]], secret: str
) -> None:
    """Receivers may log all that they get."""
    heard: list[dict[str, t.Any]] = []

    def hear(sender: t.Any, **said: t.Any) -> None:
        heard.append(said)

    for signal in (
        signals.page_rendered,
        signals.render_failed,
        signals.stale_served,
        signals.revalidated,
    ):
        signal.connect(hear, shop.site.app)
    request = way(secret)
    part = request.get("json") or request.setdefault("query_string", {})
    part |= {"path": PAGE}
    answers = [shop.post(ROUTE, **request)]
    shop.error = RuntimeError("the CMS is down")
    answers.append(shop.post(ROUTE, **request))
    right = secret in (CANARY, OLD_CANARY)
    assert [answer.status_code for answer in answers] == (
        [200, 500] if right else [401, 401]
    )
    assert bool(heard) == right
    check_clean(heard, *(answer.text for answer in answers))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_page_of_the_debugger_shows_none(
    shop: Shop,
    way: t.Callable[[str], dict[str, t.Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A fault of the package itself, in debug mode: page and log have the traceback."""

    def broken(*args: t.Any) -> t.NoReturn:
        raise ArithmeticError("a fault")

    monkeypatch.setattr(type(shop.site.state.revalidator), "path", broken)
    shop.site.app.debug = True
    client = Client(DebuggedApplication(shop.site.app))
    request = way(CANARY)
    part = request.get("json") or request.setdefault("query_string", {})
    part |= {"path": PAGE}
    answer = client.post(ROUTE, **request)
    assert answer.status_code == 500
    assert "ArithmeticError" in answer.text
    check_clean(answer.text, caplog.text)
    shop.site.app.debug = False
    answer = client.post(ROUTE, **request)
    assert answer.status_code == 500
    check_clean(answer.text, caplog.text)


def test_no_repr_shows_one(shop: Shop) -> None:
    """Of anything that the extension keeps."""
    state = shop.site.state
    client = RevalidateClient("https://shop.example/api/revalidate", CANARY)
    tokens = Tokens(state.settings.secrets, state.clock)
    parts = [state, state.settings, tokens, shop.site.isr, client]
    check_clean(*map(repr, parts), *map(repr, vars(state).values()))


@pytest.mark.parametrize("args", [
    ["routes"],
    ["pages"],
    ["pages", "--json"],
    ["show", PAGE],
    ["build"],
    ["doctor"],
    ["secret"],
    ["revalidate", PAGE],
    ["revalidate", "/nowhere"],
    ["revalidate", PAGE, "--remote", "http://127.0.0.1:9/api/revalidate"],
    ["revalidate", PAGE, "--remote", "no address"],
    ["clear", "--yes"],
], ids=" ".join)  # fmt: skip
def test_no_command_prints_one(
    shop: Shop, args: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it does its work or not."""
    shop.warm(PAGE)
    result = CommandRunner(shop.site.app).invoke(args=["isr", *args])
    printed = result.stdout + result.stderr
    assert printed
    assert result.exc_info is not None
    check_clean(printed, caplog.text, repr(result.exception))


def test_the_client_puts_none_in_logs_and_tracebacks(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At DEBUG, where urllib3 logs each address: right and wrong secrets, 503, and a
    server that is not there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    raised: list[RemoteError] = []

    def call(address: str, secret: str) -> None:
        client = RevalidateClient(f"{address}{ROUTE}", secret, sleep=lambda _: None)
        try:
            client.revalidate([PAGE])
        except RemoteError as error:
            raised.append(error)

    with serving(shop.site.app) as address:
        call(address, CANARY)
        assert not raised
        call(address, f"{CANARY}-but-wrong")
    call(address, CANARY)
    with serving(Scripted([Response(status=503)])) as address:
        call(address, CANARY)
    assert [error.status for error in raised] == [401, None, 503]
    assert "urllib3" in caplog.text
    for error in raised:
        shown = traceback.TracebackException.from_exception(error)
        check_clean(*shown.format(), repr(error), vars(error))
    check_clean(caplog.text)


@pytest.mark.parametrize("secret", [CANARY, OLD_CANARY, "wrong", "", "é", "\0"])
def test_each_secret_is_compared_in_constant_time(
    shop: Shop, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As bytes, and to the end of the list also where one matched before; the time that
    it takes depends on the length of the right one only, which is the second."""
    compared: list[tuple[t.Any, t.Any]] = []

    def compare(given: t.Any, right: t.Any) -> bool:
        compared.append((given, right))
        return digests_equal(given, right)

    digests_equal = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    shop.post(ROUTE, json={"path": PAGE, "secret": secret})
    given = secret.encode()
    assert compared == [(given, OLD_CANARY.encode()), (given, CANARY.encode())]
