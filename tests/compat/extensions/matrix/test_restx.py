"""Flask-RESTX, where it makes answers in several forms."""

from __future__ import annotations

import typing as t

from flask import Response
from flask_restx import Api
from flask_restx import Resource

from flask_isr import static_page
from tests.support import Site

from .browser import outcome


def test_a_resource_in_another_form_is_made_by_the_view(site: Site) -> None:
    """Flask-RESTX chooses by ``Accept``: who wants none of what is stored asks the view."""
    api = Api(site.app)

    @api.representation("text/csv")  # type: ignore[untyped-decorator]
    def as_csv(data: t.Any, code: int, headers: t.Any = None) -> Response:
        return Response("number,1", code, headers, content_type="text/csv")

    @api.route("/page", endpoint="page")
    class Page(Resource):  # type: ignore[misc]
        """One resource."""

        def get(self) -> dict[str, int]:
            """What it holds."""
            return {"number": 1}

    views = site.app.view_functions
    views["page"] = static_page()(views["page"])

    def ask(accept: str) -> tuple[str, str]:
        answer = site.get("/page", headers={"Accept": accept})
        return answer.text.strip().replace(" ", ""), outcome(answer)

    ask("*/*")
    for _ in range(2):
        for accept in ("*/*", "application/json", "application/json, text/plain, */*"):
            assert ask(accept) == ('{"number":1}', "HIT")
        assert ask("text/csv") == ("number,1", "header")
