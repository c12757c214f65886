"""Servers that send the headers of an answer from within their ``start_response``."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response
from flask import request
from flask import stream_with_context
from werkzeug.test import create_environ

from flask_isr import revalidate_path
from tests.support import InThread
from tests.support.shop import PAGE
from tests.support.shop import Shop
from tests.support.shop import check_new
from tests.support.shop import commit

pytestmark = pytest.mark.promise(4)

Headers: t.TypeAlias = list[tuple[str, str]]


class EarlyServer:
    """One request to a server of that kind, whose visitor acts upon the headers.

    :param act: what he does as soon as he has them.
    :param closes: whether the server closes the body, as it should.
    :ivar heads: status and headers of each time that something was started.
    :ivar body: all that was sent after them.
    """

    def __init__(
        self,
        shop: Shop,
        path: str,
        method: str = "POST",
        *,
        act: t.Callable[[], object] = lambda: None,
        closes: bool = True,
    ) -> None:
        self.heads: list[tuple[str, Headers]] = []
        self.body = b""
        self._act = act
        chunks = shop.site.app.wsgi_app(
            create_environ(path, method=method), self._start_response
        )
        for chunk in chunks:
            self.body += chunk
        if closes:
            t.cast(t.Any, chunks).close()

    def _start_response(
        self, status: str, headers: Headers, exc_info: t.Any = None
    ) -> t.Callable[[bytes], object]:
        self.heads.append((status, headers))
        InThread(self._act).result()
        return self._write

    def _write(self, data: bytes) -> None:
        self.body += data


@pytest.fixture
def edited(shop: Shop) -> Shop:
    """A shop with views that change its text, which is committed behind them."""

    @shop.site.app.route("/edit/<int:status>", methods=["GET", "POST"])
    def edit(status: int) -> Response:
        revalidate_path(PAGE)
        return Response("" if status == 204 else "saved", status)

    @shop.site.app.post("/noted/<int:status>")
    def note(status: int) -> Response:
        return Response("" if status == 204 else "saved", status)

    @shop.site.app.post(PAGE)
    def write() -> Response:
        return Response(status=204)

    @shop.site.app.teardown_request
    def end(error: BaseException | None) -> None:
        if request.endpoint in ("edit", "note", "write"):
            commit(shop)
        if request.endpoint == "note":
            revalidate_path(PAGE)

    shop.warm(PAGE)
    return shop


@pytest.mark.parametrize("status", [200, 204, 303])
@pytest.mark.parametrize(
    ("path", "method"),
    [("/edit/{}", "POST"), ("/edit/{}", "GET"), ("/noted/{}", "POST"), (PAGE, "POST")],
    ids=["view", "by-get", "teardown", "own-page"],
)
def test_the_headers_go_out_when_the_page_gave_way(
    edited: Shop, path: str, method: str, status: int
) -> None:
    """Whoever named the page: a view, its teardown, or the request by its URL. The change
    is committed after ``start_response`` was called by Flask."""
    seen: list[str] = []

    server = EarlyServer(
        edited,
        path.format(status),
        method,
        act=lambda: seen.append(edited.see(PAGE)[0]),
    )

    assert seen == ["new"]
    assert len(server.heads) == 1
    check_new(edited)


@pytest.mark.parametrize("closes", [True, False])
def test_an_answer_that_is_made_while_it_is_sent_is_not_kept_back(
    shop: Shop, closes: bool
) -> None:
    """Its headers go out ahead of it, and the page gives way at its end: also for a
    server that closes no body."""
    order: list[str] = []

    @shop.site.app.post("/import")
    def import_all() -> Response:
        revalidate_path(PAGE)

        def rows() -> t.Iterator[str]:
            order.append("first row")
            yield "first"
            commit(shop)
            yield "last"

        return Response(stream_with_context(rows()))

    shop.warm(PAGE)
    server = EarlyServer(
        shop, "/import", act=lambda: order.append("headers"), closes=closes
    )
    assert order == ["headers", "first row"]
    assert server.body == b"firstlast"
    check_new(shop)


@pytest.mark.parametrize("fails", [False, True])
def test_answers_of_ones_own_kind_are_sent_as_they_are(shop: Shop, fails: bool) -> None:
    """One that uses the ``write`` of old has its bytes behind its headers; one that
    replaces itself by an error, while it is kept back, is that error alone."""

    class Written(Response):
        def __call__(self, environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
            write = start_response("200 OK", [("X-Answer", "saved")])
            commit(shop)
            if fails:
                start_response("500 Oh", [("X-Answer", "no")], (None, None, None))
            else:
                write(b"sa")
            return [b"ved"]

    @shop.site.app.post("/edit")
    def edit() -> Response:
        revalidate_path(PAGE)
        return Written()

    shop.warm(PAGE)
    server = EarlyServer(shop, "/edit", closes=False)
    status, field = ("500 Oh", "no") if fails else ("200 OK", "saved")
    assert server.heads == [(status, [("X-Answer", field)])]
    assert server.body == (b"ved" if fails else b"saved")
    check_new(shop)
