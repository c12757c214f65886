"""The judge of answers finds what is wrong with them."""

from __future__ import annotations

from flask import Response

from flask_isr import static_page

from .support import Site
from .support import lint


def test_a_wrong_answer_fails_its_test(site: Site) -> None:
    """Each time that a test gets it, and also when the page comes from the store."""

    @site.app.get("/")
    @static_page()
    def page() -> Response:
        return Response("page", headers={"Content-Language": "no language"})

    for _ in range(2):
        site.get("/")
        (fault,) = lint.judge(lint.take(), allowed=())
        assert fault.startswith("GET /: BAD_SYNTAX")


def test_what_one_test_allows_is_found_in_another(site: Site) -> None:
    """Answers of one shape are looked at once only where nothing was found."""

    @site.app.get("/")
    @static_page()
    def page() -> Response:
        return Response("page", headers={"Content-Language": "no language"})

    site.get("/")
    answers = lint.take()

    assert lint.judge(answers, allowed=("BAD_SYNTAX_DETAILED",)) == []
    assert lint.judge(answers, allowed=()) != []


def test_a_body_that_is_not_what_its_headers_say_is_found() -> None:
    """Bodies are read, and decoded."""
    headers = [
        ("X-ISR-Cache", "HIT"),
        ("Cache-Control", "no-store"),
        ("Content-Type", "text/plain"),
        ("Content-Encoding", "gzip"),
        ("Content-Length", "9"),
    ]
    exchange = lint.Exchange("GET", "/", [], 200, headers, b"not in that coding")

    names = {note.partition(" ")[0] for note in lint.lint(exchange)}

    assert {"CL_INCORRECT", "BAD_GZIP"} <= names
