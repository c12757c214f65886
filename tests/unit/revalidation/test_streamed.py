"""Invalidations in a request whose answer is made while it is sent."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response
from flask import stream_with_context

from flask_isr import revalidate_path
from tests.support.shop import PAGE
from tests.support.shop import Shop
from tests.support.shop import check_new
from tests.support.shop import commit

pytestmark = pytest.mark.promise(4)


class TestAStreamedAnswer:
    """An answer that is made while it is sent ends when its body is closed."""

    @pytest.mark.parametrize("caller", ["view", "generator"])
    @pytest.mark.parametrize("length", [None, 10])
    def test_a_commit_at_the_end_of_the_generator_is_seen(
        self, shop: Shop, caller: str, length: int | None
    ) -> None:
        """The call stands in the view or in the generator; with a Content-Length or not."""

        @shop.site.app.post("/import")
        def import_all() -> Response:
            def rows() -> t.Iterator[str]:
                yield "first"
                if caller == "generator":
                    revalidate_path(PAGE)
                yield "later"
                commit(shop)

            if caller == "view":
                revalidate_path(PAGE)
            response = Response(stream_with_context(rows()))
            if length is not None:
                response.content_length = length
            return response

        shop.warm(PAGE)
        assert shop.post("/import").text == "firstlater"
        check_new(shop)

    def test_a_visitor_who_hangs_up_does_not_undo_it(self, shop: Shop) -> None:
        """The server closes the body early; what the generator commits then is seen."""

        @shop.site.app.get("/import")
        def import_all() -> Response:
            def rows() -> t.Iterator[str]:
                try:
                    revalidate_path(PAGE)
                    yield "first"
                    yield "never"
                finally:
                    commit(shop)

            return Response(stream_with_context(rows()))

        shop.warm(PAGE)
        response = shop.site.get("/import")
        assert next(response.iter_encoded()) == b"first"
        response.close()
        check_new(shop)

    def test_the_signal_is_sent_once(self, shop: Shop) -> None:
        """A call in the view is repeated at the end of the body, and told then."""
        heard = shop.hear_revalidated()
        during: list[int] = []

        @shop.site.app.post("/import")
        def import_all() -> Response:
            revalidate_path(PAGE)

            def rows() -> t.Iterator[str]:
                during.append(len(heard))
                yield "row"

            return Response(stream_with_context(rows()))

        shop.post("/import")
        assert during == [0]
        assert heard == [([PAGE], [], "expire")]
