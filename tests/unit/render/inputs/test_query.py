"""Query parameters that a page reads and does not declare."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response
from flask import render_template_string
from flask import request
from flask import stream_with_context
from flask import url_for
from werkzeug.datastructures import MultiDict

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site

from .conftest import Log
from .conftest import View
from .conftest import add


class TestQuery:
    """All ways to a query parameter."""

    @pytest.mark.parametrize(
        "read",
        [
            lambda: request.args.get("page"),
            lambda: request.args.get("page", 1, type=int),
            lambda: request.args.getlist("page"),
            lambda: "page" in request.args,
            lambda: request.values.get("page"),
            lambda: request.values.getlist("page"),
            lambda: "page" in request.values,
            lambda: request.args.get("page") if not request.args else "",
            lambda: render_template_string("{{ request.args.page }}"),
            lambda: render_template_string("{{ request.args['page'] }}"),
        ],
    )
    def test_one(self, site: Site, log: Log, read: View) -> None:
        """Its name is told, and how to declare it."""
        add(site, lambda: str(read()) + ".")
        site.get("/page?page=2")

        [warning] = log.reads
        assert '@static_page(query=["page"])' in warning
        assert "all query parameters" not in warning
        assert "<lambda>" not in warning

    @pytest.mark.parametrize(
        "read",
        [
            lambda: dict(request.args),
            lambda: next(iter(request.args), "none"),
            lambda: list(request.args.items()),
            lambda: list(request.args.items(multi=True)),
            lambda: list(request.args.values()),
            lambda: list(request.args.keys()),
            lambda: list(request.args.lists()),
            lambda: list(request.args.listvalues()),
            lambda: request.args.to_dict(flat=False),
            lambda: MultiDict(request.args),
            lambda: request.args.copy() or "none",
            lambda: bool(request.args),
            lambda: url_for("/page", **request.args),  # type: ignore[arg-type]
            lambda: list(request.values.items()),
        ],
    )
    def test_all(self, make_site: MakeSite, log: Log, read: View) -> None:
        """A page that looks at all of them and declares none is told so; one that
        declares some means those."""
        site = make_site()
        add(site, lambda: str(read()) + ".", "/page")
        add(site, lambda: str(read()) + ".", "/declared", query=["q"])
        site.get("/page?page=2")
        site.get("/declared?page=2&q=1")

        [warning] = log.reads
        assert warning.startswith("/page ")
        assert "reads all query parameters" in warning
        assert '@static_page(query=["…"])' in warning

    def test_what_is_declared_is_no_fault(self, any_level: Site, log: Log) -> None:
        """Whether the visitor sent it or not."""
        add(any_level, lambda: request.args.get("page", "1"), query=["page"])

        assert any_level.get("/page?page=2").text == "2"
        assert any_level.get("/page").text == "1"
        assert not log.reads

    def test_a_stream(self, site: Site, log: Log) -> None:
        """What is read while the body is made counts as the view's."""

        def view() -> Response:
            def body() -> t.Iterator[str]:
                yield request.args.get("page", "1")

            return Response(stream_with_context(body()))

        add(site, view)
        site.get("/page")

        [warning] = log.reads
        assert "in body()" in warning
        assert "rendering()" not in warning

    def test_an_async_view(self, site: Site, log: Log) -> None:
        """It runs on a thread of its own."""

        @site.app.get("/page")
        @static_page()
        async def page() -> str:
            return request.args.get("page", "1")

        site.get("/page")
        [warning] = log.reads
        assert "in page()" in warning
