"""What becomes of a stored page when its view answers with another status, by time."""

from __future__ import annotations

import itertools
import re
import typing as t
from http import HTTPStatus
from pathlib import Path

import pytest
from flask import Response
from flask import abort
from werkzeug.exceptions import HTTPException

from flask_isr import rendering
from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state
from tests.support import lint

DOCUMENT = Path(__file__).parents[3] / "docs" / "http.rst"

#: The source is ill, or not ready: the last good page stays.
STAYS = [204, 205, 206, 304, 408, 424, 425, 429, *range(500, 512), 599]

#: Stored in the place of the page.
STORED = [404, 410, 451]

#: For the visitor who asks: the view answers, and the page that was open is taken down.
GOES = [
    *(201, 202, 203, 207, 208, 226, 299),
    *(300, 301, 302, 303, 307, 308),
    *(400, 401, 402, 403, 405, 406, 407, 409),
    *(411, 412, 413, 414, 415, 416, 417, 418, 419, 420, 421, 422, 423),
    *(426, 428, 431, 440, 444, 449, 450, 460, 494, 499),
]

Give: t.TypeAlias = t.Callable[[int], t.Any]


class ClosedError(Exception):
    """What a view raises, for an error handler to make an answer of."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def returned(status: int) -> Response:
    """The view returns it."""
    headers = {"Location": "/log-in"} if 300 <= status < 400 else {}
    return Response("" if status in (204, 205, 304) else "closed", status, headers)


def aborted(status: int) -> t.NoReturn:
    """The view aborts with a whole answer."""
    abort(returned(status))


def raised(status: int) -> t.NoReturn:
    """The view raises what an error handler of the application knows."""
    raise ClosedError(status)


def by_its_code(status: int) -> t.NoReturn:
    """The view aborts with a status, as ``abort(status)`` does where it knows that."""
    error = HTTPException("closed")
    error.code = status
    raise error


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param)


class Paywall:
    """A page that is open until its view gives another status.

    :ivar status: that; 200 is open.
    """

    def __init__(self, site: Site, give: Give) -> None:
        self.site = site
        self.status = 200
        count = itertools.count(1)

        @site.app.errorhandler(ClosedError)
        def closed(error: ClosedError) -> Response:
            return returned(error.status)

        @site.app.get("/page")
        @static_page(60)
        def page() -> t.Any:
            if self.status != 200:
                return give(self.status)
            return f"open {next(count)}"

    def ask(self) -> tuple[int, str, str | None]:
        """Status, text and state of a visit, with the work that it starts done."""
        answer = self.site.get("/page")
        if self.status not in set(HTTPStatus):
            # httplint knows no others.
            lint.take()
        self.site.settle()
        return answer.status_code, answer.text, cache_state(answer)


# Statuses that an answer to a plain GET has no reason for.
@pytest.mark.lint_allows(
    "CREATED_SAFE_METHOD",
    "CREATED_WITHOUT_LOCATION",
    "STATUS_406_WITHOUT_NEGOTIATION",
    "STATUS_412_WITHOUT_PRECONDITION",
    "STATUS_416_WITHOUT_RANGE",
    "STATUS_417_WITHOUT_EXPECT",
    "STATUS_IM_A_TEAPOT",
    "STATUS_URI_TOO_LONG",
)
@pytest.mark.parametrize(
    ("status", "give"),
    [
        *((status, returned) for status in [*STAYS, *STORED, *GOES]),
        *(
            (status, give)
            for status in (400, 402, 404, 409, 423, 424, 429, 503)
            for give in (aborted, raised, by_its_code)
        ),
    ],
)
def test_an_open_page_and_what_its_view_answers_later(
    site: Site, clock: Clock, status: int, give: Give
) -> None:
    """By time alone, as for a paywall: each status by its kind, however it is given."""
    wall = Paywall(site, give)
    assert wall.ask() == (200, "open 1", "MISS")
    wall.status = status
    clock.advance(61)
    assert wall.ask() == (200, "open 1", "STALE")
    clock.advance(2)

    code, text, state = wall.ask()
    if status in STAYS:
        assert (code, text, state) == (200, "open 1", "STALE")
    elif status in STORED:
        assert (code, state) == (status, "HIT")
    else:
        assert (code, state) == (status, "BYPASS")
        wall.status = 200
        assert wall.ask()[2] == "BYPASS"
        with site.app.app_context():
            revalidate_path("/page")
        wall.ask()
        assert wall.ask()[2] == "HIT"


@pytest.mark.parametrize("status", [400, 402, 409, 423])
def test_at_both_levels(any_level: Site, clock: Clock, status: int) -> None:
    """Nobody is shown the open page any more, nor after an invalidation."""
    wall = Paywall(any_level, aborted)
    wall.ask()
    wall.status = status
    with any_level.app.app_context():
        revalidate_path("/page", mode="stale")
    wall.ask()
    assert [wall.ask()[::2] for _ in range(3)] == [(status, "BYPASS")] * 3


@pytest.mark.parametrize(
    ("status", "made", "kind"),
    [
        (402, 200, GOES),
        (401, 200, GOES),
        (409, 404, GOES),
        (423, 200, GOES),
        (429, 200, STAYS),
        (503, 404, STAYS),
        (503, 402, STAYS),
        (404, 402, GOES),
        (404, 503, STAYS),
        (410, 404, STORED),
    ],
)
def test_what_the_view_asked_for_counts(
    site: Site, clock: Clock, status: int, made: int, kind: list[int]
) -> None:
    """Whatever an error handler makes of it, such as a page to log in with status 200."""

    @site.app.errorhandler(HTTPException)
    def handle(error: Exception) -> Response:
        return returned(made)

    wall = Paywall(site, by_its_code)
    wall.ask()
    wall.status = status
    clock.advance(61)
    wall.ask()
    clock.advance(2)
    state = {id(STAYS): "STALE", id(STORED): "HIT", id(GOES): "BYPASS"}[id(kind)]
    assert wall.ask()[::2] == (200 if kind is STAYS else made, state)


@pytest.mark.parametrize("status", [402, 404, 409, 423])
def test_a_hook_after_the_view_may_close_a_page(
    any_level: Site, clock: Clock, status: int
) -> None:
    """It makes another status of the open page."""
    closed: list[bool] = []

    @any_level.app.after_request
    def close(response: Response) -> Response:
        return returned(status) if closed else response

    wall = Paywall(any_level, returned)
    wall.ask()
    closed.append(True)
    clock.advance(61)
    wall.ask()
    clock.advance(2)
    # The hook's own answer, which says nothing of the page.
    assert wall.ask() == (status, "closed", None)


@pytest.mark.parametrize("status", [400, 404, 405, 423])
def test_a_hook_before_the_view_leaves_the_page(
    make_site: MakeSite, clock: Clock, status: int
) -> None:
    """What turns a render away before the view says nothing of the page; for visitors the
    hook runs each time, unless it is marked as one that stored pages do not need."""
    site = make_site()
    closed: list[bool] = []

    @site.app.before_request
    @site.isr.skip_on_hit
    def close() -> Response | None:
        return returned(status) if closed and rendering() else None

    wall = Paywall(site, returned)
    wall.ask()
    closed.append(True)
    clock.advance(61)
    wall.ask()
    clock.advance(2)
    assert wall.ask()[::2] == (200, "STALE")


def test_a_page_that_was_never_open_is_answered_by_its_view(
    any_level: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Each time, with one warning that says why."""
    wall = Paywall(any_level, aborted)
    wall.status = 402
    assert [wall.ask() for _ in range(3)] == [(402, "closed", "BYPASS")] * 3
    assert (
        caplog.text.count("it answers with status 402, which depends on who asks") == 1
    )


def test_the_documentation_has_these_statuses() -> None:
    """Each in the row that it belongs to."""
    text = DOCUMENT.read_text()
    start = text.index("What becomes of a status")
    table = text[start : text.index("\n\n\n", start + 100)]
    rows = table.split("   * - ")[2:]
    kinds = [STORED, STAYS, GOES]
    for kind, row in zip(kinds, rows[1:4], strict=True):
        named = set(
            map(int, re.findall(r"\b[2-5]\d\d\b", row.partition("\n     - ")[0]))
        )
        assert named <= {*kind, 418}, row
        assert named
