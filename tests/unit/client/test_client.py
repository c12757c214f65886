"""RevalidateClient: what it sends, and what it makes of the answers."""

from __future__ import annotations

import datetime
import json
import socket
import subprocess
import sys
import time
import traceback
import typing as t
from email.utils import format_datetime
from pathlib import Path

import pytest
from werkzeug import Response

from flask_isr import ISRError
from flask_isr.client import RemoteError
from flask_isr.client import RemoteUnavailable
from flask_isr.client import RevalidateClient
from flask_isr.client import Revalidated
from tests.support import SECRET
from tests.support import Gate
from tests.support import Site
from tests.support.server import Scripted
from tests.support.server import serving
from tests.support.shop import Shop

from .conftest import Connect

PAGE = "/products/1"
DONE: dict[str, t.Any] = {"revalidated": True, "paths": [PAGE], "tags": []}


def answer(status: int, body: t.Any = None, **headers: str) -> Response:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body), status, named, content_type="application/json")


class TestAgainstTheRoute:
    """With a real site at the other end."""

    @pytest.fixture
    def shop(self, site: Site) -> Shop:
        """A site of static pages, over HTTP."""
        shop = Shop.with_route(site)
        shop.warm(PAGE)
        shop.text = "new"
        return shop

    @pytest.fixture
    def client(self, shop: Shop) -> t.Iterator[RevalidateClient]:
        """Its client."""
        with serving(shop.site.app) as address:
            yield RevalidateClient(f"{address}/api/revalidate", SECRET)

    def test_pages_are_renewed(self, shop: Shop, client: RevalidateClient) -> None:
        """And are in place when it returns."""
        result = client.revalidate([PAGE], tags=["blog"])
        assert result == Revalidated(True, (PAGE,), ("blog",))
        assert shop.see(PAGE) == ("new", "HIT")

    def test_match_and_mode(self, shop: Shop, client: RevalidateClient) -> None:
        """Are the route's."""
        client.revalidate(["/products"], match="prefix", mode="stale")
        assert shop.see(PAGE) == ("old", "STALE")

    @pytest.mark.parametrize(
        ("path", "status", "said"),
        [
            ("/nowhere", 404, "'/nowhere' is not a static page"),
            ("no path", 400, "leading slash"),
        ],
    )
    def test_the_sites_message_is_told(
        self, client: RevalidateClient, path: str, status: int, said: str
    ) -> None:
        """With its status."""
        with pytest.raises(RemoteError, match=said) as raised:
            client.revalidate([path])
        assert raised.value.status == status

    def test_failed_renders_are_told(
        self, shop: Shop, client: RevalidateClient
    ) -> None:
        """By path, with the cause."""
        shop.error = RuntimeError("the CMS is down")
        with pytest.raises(RemoteError, match="the CMS is down") as raised:
            client.revalidate([PAGE])
        assert raised.value.status == 500
        assert set(raised.value.failed) == {PAGE}

    def test_a_wrong_secret_is_told(self, shop: Shop, client: RevalidateClient) -> None:
        """401, and nothing is done."""
        wrong = RevalidateClient(client.url, "another secret of good length")
        with pytest.raises(RemoteError, match="Invalid token") as raised:
            wrong.revalidate([PAGE])
        assert raised.value.status == 401
        assert shop.see(PAGE) == ("old", "HIT")


class TestWhatIsSent:
    """The request."""

    def test_one_post_with_the_secret_as_bearer(
        self, scripted: Scripted, connect: Connect
    ) -> None:
        """And with what was named, nothing else."""
        scripted.answers = [answer(200, DONE)]
        connect().revalidate([PAGE], tags=["a"], match="path", mode="stale")
        connect().revalidate(tags=iter(["a"]))
        first, second = scripted.calls
        assert first.headers["Authorization"] == f"Bearer {SECRET}"
        assert first.path == "/api/revalidate"
        assert first.body == {
            "paths": [PAGE],
            "tags": ["a"],
            "match": "path",
            "mode": "stale",
        }
        assert second.body == {"paths": [], "tags": ["a"]}

    def test_no_netrc_takes_the_place_of_the_secret(
        self,
        scripted: Scripted,
        connect: Connect,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Whatever it has for the host."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password mine")
        monkeypatch.setenv("NETRC", str(netrc))
        scripted.answers = [answer(200, DONE)]
        connect().revalidate([PAGE])
        assert scripted.calls[0].headers["Authorization"] == f"Bearer {SECRET}"

    def test_a_secret_may_be_any_text(
        self, scripted: Scripted, connect: Connect
    ) -> None:
        """Its UTF-8 bytes are sent."""
        scripted.answers = [answer(200, DONE)]
        secret = "Schlüssel: 100 % geheim"
        connect(secret=secret).revalidate([PAGE])
        sent = scripted.calls[0].headers["Authorization"]
        assert sent.encode("latin-1").decode() == f"Bearer {secret}"

    def test_redirects_are_not_followed(
        self, scripted: Scripted, connect: Connect, address: str
    ) -> None:
        """The secret goes to the address that was named, and no other."""
        target = f"{address}/elsewhere"
        scripted.answers = [Response(status=308, headers={"Location": target})]
        with pytest.raises(RemoteError, match=r"redirects to .*/elsewhere") as raised:
            connect().revalidate([PAGE])
        assert raised.value.status == 308
        assert [call.path for call in scripted.calls] == ["/api/revalidate"]


class TestWhatComesBack:
    """The answer."""

    def test_what_is_pending_is_told(
        self, scripted: Scripted, connect: Connect
    ) -> None:
        """All is expired; some renders go on."""
        body = {**DONE, "revalidated": False, "pending": [PAGE]}
        scripted.answers = [answer(202, body)]
        result = connect().revalidate([PAGE])
        assert result == Revalidated(False, (PAGE,), (), (PAGE,))

    @pytest.mark.lint_allows("CREATED_WITHOUT_LOCATION")
    @pytest.mark.parametrize(
        "response",
        [
            Response("<h1>Welcome</h1>", 200, content_type="text/html"),
            answer(200, {}),
            answer(200, []),
            answer(200, None),
            answer(200, {"revalidated": "yes"}),
            answer(200, {"revalidated": False}),
            answer(201, DONE),
            Response(status=204),
            Response("[" * 100_000, 200),
            Response(json.dumps(DONE) + " " * 1_100_000, 200),
            Response("Bad gateway", 502),
        ],
        ids=lambda response: f"{response.status_code} {response.data[:20]!r}",
    )
    def test_what_the_route_does_not_say_is_no_success(
        self, scripted: Scripted, connect: Connect, response: Response
    ) -> None:
        """A page at the wrong address also answers 200."""
        scripted.answers = [response]
        with pytest.raises(RemoteError, match="is the address right") as raised:
            connect().revalidate([PAGE])
        assert raised.value.status == response.status_code
        assert len(scripted.calls) == 1


class TestTryingAgain:
    """What may be better a moment later."""

    @pytest.mark.lint_allows("BAD_SYNTAX")
    def test_503_is_tried_again(
        self, scripted: Scripted, connect: Connect, pauses: list[float]
    ) -> None:
        """After what the site asks for, or a pause that doubles."""
        scripted.answers = [
            answer(503, Retry_After="7"),
            answer(503, Retry_After="soon"),
            answer(503),
            answer(200, DONE),
        ]
        assert connect(retries=3).revalidate([PAGE]).complete
        assert pauses == [7.0, 1.0, 2.0]

    def test_a_date_is_understood(
        self, scripted: Scripted, connect: Connect, pauses: list[float]
    ) -> None:
        """In the past: at once."""
        now = datetime.datetime.now(datetime.UTC)
        dates = [
            now - datetime.timedelta(hours=1),
            now + datetime.timedelta(seconds=20),
        ]
        scripted.answers = [
            *(answer(503, Retry_After=format_datetime(d, usegmt=True)) for d in dates),
            answer(200, DONE),
        ]
        connect().revalidate([PAGE])
        assert pauses[0] == 0
        assert 0 < pauses[1] <= 20

    def test_not_for_ever(
        self, scripted: Scripted, connect: Connect, pauses: list[float]
    ) -> None:
        """The last message is told."""
        scripted.answers = [answer(503, {"message": "It was not recorded."})]
        with pytest.raises(RemoteUnavailable, match="not recorded") as raised:
            connect(retries=2).revalidate([PAGE])
        assert raised.value.status == 503
        assert (len(scripted.calls), len(pauses)) == (3, 2)

    def test_no_site_makes_it_wait_for_long(
        self, scripted: Scripted, connect: Connect, pauses: list[float]
    ) -> None:
        """One that asks for an hour is left alone."""
        scripted.answers = [answer(503, Retry_After="3600")]
        with pytest.raises(RemoteUnavailable):
            connect().revalidate([PAGE])
        assert (len(scripted.calls), pauses) == (1, [])

    @pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 502])
    def test_other_answers_are_final(
        self, scripted: Scripted, connect: Connect, status: int
    ) -> None:
        """Asking again would not change them."""
        scripted.answers = [answer(status, {"message": "no"})]
        with pytest.raises(RemoteError, match="no"):
            connect().revalidate([PAGE])
        assert len(scripted.calls) == 1

    def test_a_message_is_cut(self, scripted: Scripted, connect: Connect) -> None:
        """A line of a log has an end, whatever a site says."""
        scripted.answers = [answer(400, {"message": "x" * 5000})]
        with pytest.raises(RemoteError) as raised:
            connect().revalidate([PAGE])
        assert str(raised.value).count("x") == 500

    def test_a_site_that_is_not_there_is_tried_again(self) -> None:
        """With a pause between; it is told that nobody answers."""
        pauses: list[float] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        client = RevalidateClient(
            f"http://127.0.0.1:{port}/api/revalidate", SECRET, sleep=pauses.append
        )
        with pytest.raises(RemoteUnavailable, match="refused") as raised:
            client.revalidate([PAGE])
        assert raised.value.status is None
        assert pauses == [0.5, 1.0]

    def test_an_answer_that_does_not_come_is_not_waited_for(
        self, pauses: list[float]
    ) -> None:
        """The site may be at work still, so that it is not asked twice."""
        gate, calls = Gate(), []

        def silent(environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
            calls.append(environ["PATH_INFO"])
            gate.pass_through()
            start_response("200 OK", [])
            return [b""]

        started = time.monotonic()
        with serving(silent) as address:
            client = RevalidateClient(address, SECRET, timeout=0.1, sleep=pauses.append)
            with pytest.raises(RemoteUnavailable, match=r"no answer within 0\.1 s"):
                client.revalidate([PAGE])
            assert time.monotonic() - started < 4
            gate.open()
        assert (len(calls), pauses) == (1, [])


class TestTheSecretIsNotShown:
    """In nothing that ends up in a log."""

    def test_repr_shows_the_address_only(self, connect: Connect) -> None:
        """It is enough to tell clients apart."""
        client = connect()
        assert repr(client) == f"RevalidateClient({client.url!r})"

    @pytest.mark.parametrize(
        "response",
        [
            answer(400, {"message": f"Bearer {SECRET}?\x1b[2J", "detail": SECRET}),
            answer(500, {"message": "no", "detail": SECRET, "failed": {PAGE: SECRET}}),
            answer(503, {"message": SECRET}),
            Response(status=302, headers={"Location": f"/?secret={SECRET}"}),
        ],
        ids=lambda response: str(response.status_code),
    )
    def test_a_site_that_repeats_it_is_not_repeated(
        self, scripted: Scripted, connect: Connect, response: Response
    ) -> None:
        """Nor are characters that a terminal obeys."""
        scripted.answers = [response]
        with pytest.raises(ISRError) as raised:
            connect(retries=0).revalidate([PAGE])
        shown = "".join(traceback.format_exception(raised.value))
        assert SECRET not in shown + repr(vars(raised.value)) + repr(raised.value)
        assert "\x1b" not in str(raised.value)

    def test_no_error_of_the_library_hangs_on(self) -> None:
        """Those hold the request, with its headers."""
        client = RevalidateClient("http://127.0.0.1:9/", SECRET, retries=0)
        with pytest.raises(RemoteUnavailable) as raised:
            client.revalidate([PAGE])
        assert (raised.value.__cause__, raised.value.__context__) == (None, None)


class TestArguments:
    """Mistakes are told before anything is sent."""

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "/api/revalidate",
            "shop.example/api/revalidate",
            "ftp://shop.example/",
            "https://",
            f"https://me:{SECRET}@shop.example/",
            f"https://shop.example/?secret={SECRET}",
            "https://shop.example/#a",
            "https://shop.example/\n",
            "http://[",
            None,
            b"https://shop.example/",
        ],
    )
    def test_a_url_is_checked(self, url: t.Any) -> None:
        """And not shown: it may hold a password."""
        with pytest.raises(ValueError, match="address of the revalidate") as raised:
            RevalidateClient(url, SECRET)
        assert SECRET not in str(raised.value)

    @pytest.mark.parametrize(
        "secret", ["", None, f"{SECRET}\n", f"{SECRET}\r\nA: b", 1]
    )
    def test_a_secret_is_checked(self, secret: t.Any) -> None:
        """And not shown."""
        with pytest.raises(ValueError, match="the secret must be") as raised:
            RevalidateClient("https://shop.example/", secret)
        assert SECRET not in str(raised.value)

    @pytest.mark.parametrize(
        "more",
        [
            {"timeout": 0},
            {"timeout": None},
            {"retries": -1},
            {"retries": 1.5},
            {"retries": True},
        ],
        ids=str,
    )
    def test_bounds_are_checked(self, connect: Connect, more: dict[str, t.Any]) -> None:
        """There is no waiting for ever."""
        with pytest.raises(ValueError, match=next(iter(more))):
            connect(**more)

    @pytest.mark.parametrize(
        "named", [{}, {"paths": []}, {"paths": PAGE}, {"tags": "products"}], ids=str
    )
    def test_targets_are_checked(
        self, scripted: Scripted, connect: Connect, named: dict[str, t.Any]
    ) -> None:
        """A string is no list of strings."""
        with pytest.raises(ValueError, match=r"path or tag|list of strings"):
            connect().revalidate(**named)
        assert scripted.calls == []


@pytest.mark.slow
def test_the_http_library_is_imported_when_it_is_needed() -> None:
    """An application that calls nobody starts without it."""
    code = (
        "import sys, flask_isr.client, flask_isr.cli; print('requests' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
