"""What data can hold breaks no page: where it cannot be taken, the view answers."""

from __future__ import annotations

import datetime
import decimal
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import copy_current_request_context
from flask import render_template_string
from flask import session

from flask_isr import cache_life
from flask_isr import cache_tag
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import InThread
from tests.support import Site
from tests.support import cache_state

Say: t.TypeAlias = t.Callable[[], object]


class Detached:
    """A row of a session that is closed: it cannot even be shown."""

    def __repr__(self) -> str:
        """Fail, as some do."""
        raise RuntimeError("not bound to a session")


class NoZone(datetime.tzinfo):
    """A zone that knows nothing."""

    def utcoffset(self, when: datetime.datetime | None) -> None:
        """Say nothing."""

    def dst(self, when: datetime.datetime | None) -> None:
        """Say nothing."""

    def tzname(self, when: datetime.datetime | None) -> None:
        """Say nothing."""


def tags(*given: t.Any) -> Say:
    """A view says these of its tags."""
    return lambda: cache_tag(*given)


def life(**given: t.Any) -> Say:
    """A view says this of its lifetime."""
    return lambda: cache_life(**given)


#: What cannot be taken, and of what it is.
ODD: dict[str, tuple[Say, str]] = {
    "129 tags": (tags(*map(str, range(129))), "tags"),
    "300 characters": (tags("x" * 300), "tags"),
    "an empty tag": (tags(""), "tags"),
    "no tag": (tags(None), "tags"),
    "a number": (tags("good", 5), "tags"),
    "bytes": (tags(b"tag"), "tags"),
    "a list": (tags(["a", "b"]), "tags"),
    "no Unicode": (tags("caf\udce9"), "tags"),
    "a detached row": (tags(Detached()), "tags"),
    "no time left": (life(revalidate=0), "lifetime"),
    "a time that is past": (life(expire=-5), "lifetime"),
    "no number": (life(revalidate=float("nan")), "lifetime"),
    "for ever": (life(revalidate=float("inf")), "lifetime"),
    "a number that no float holds": (life(revalidate=10**400), "lifetime"),
    "a decimal": (life(revalidate=decimal.Decimal(60)), "lifetime"),
    "a text": (life(revalidate="60"), "lifetime"),
    "a moment of no zone": (life(until=datetime.datetime(2030, 1, 1)), "lifetime"),  # noqa: DTZ001
    "a moment of a zone that knows none": (
        life(until=datetime.datetime(2030, 1, 1, tzinfo=NoZone())),
        "lifetime",
    ),
    "a day": (life(until=datetime.date(2030, 1, 1)), "lifetime"),
    "a detached moment": (life(until=Detached()), "lifetime"),
}


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param, SECRET_KEY="a key")


def look(site: Site, path: str = "/page") -> tuple[int, str, str | None]:
    """Status, text and state of a page, with the work that it starts done."""
    answer = site.get(path)
    site.settle()
    return answer.status_code, answer.text, cache_state(answer)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says."""
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("what", ODD)
def test_the_view_answers(
    any_level: Site, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each visitor, nothing is stored, and one warning names the line."""
    say, word = ODD[what]
    site = any_level

    @site.app.get("/<name>")
    @static_page()
    def page(name: str) -> str:
        if name != "good":
            say()
        return name

    for name in ("page", "page", "other"):
        answer = site.get(f"/{name}")
        assert (answer.status_code, answer.text) == (200, name)
        assert answer.headers["Cache-Status"] == f"Flask-ISR; fwd=bypass; detail={word}"
    assert [look(site, "/good") for _ in range(2)] == [
        (200, "good", "MISS"),
        (200, "good", "HIT"),
    ]
    (warning,) = warnings(caplog)
    assert warning.startswith(
        "/page (rule /<name>) has @static_page, but is not stored"
    )
    assert f"its {word} cannot be used" in warning
    assert "test_odd_data.py:" in warning


@pytest.mark.parametrize("renewed", ["by time", "by its path", "by a tag"])
def test_data_that_outgrow_a_limit_take_the_page_down(
    any_level: Site, clock: Clock, renewed: str
) -> None:
    """What was stored when they were fewer is not shown any more; when they are fewer
    again, the page is stored."""
    site = any_level
    rows = [*range(127)]

    @site.app.get("/page")
    @static_page(60, tags=["rows"])
    def page() -> str:
        cache_tag(*(f"row:{row}" for row in rows))
        return f"{len(rows)} rows"

    def renew() -> None:
        clock.advance(61)
        with site.app.app_context():
            if renewed == "by its path":
                revalidate_path("/page")
            elif renewed == "by a tag":
                revalidate_tag("row:5")
        site.settle()
        if renewed == "by time":
            look(site)

    assert [look(site)[1:] for _ in range(2)] == [
        ("127 rows", "MISS"),
        ("127 rows", "HIT"),
    ]
    rows.append(127)
    renew()
    assert [look(site)[1:] for _ in range(2)] == [("128 rows", "BYPASS")] * 2
    rows.pop()
    with site.app.app_context():
        revalidate_path("/page")
    site.settle()
    assert [look(site)[1:] for _ in range(2)] == [
        ("127 rows", "MISS"),
        ("127 rows", "HIT"),
    ]


@pytest.mark.parametrize(
    "given",
    [
        [str(number) for number in range(129)],
        ["x" * 300],
        [""],
        [None],
        "news",
        b"news",
        None,
        5,
    ],
    ids=lambda given: repr(given)[:20],
)
def test_a_callable_may_give_what_is_no_tag(
    any_level: Site, clock: Clock, given: t.Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Also of a page that is stored: it does not stay for want of tags."""
    site = any_level
    found: list[t.Any] = [["good"]]

    @site.app.get("/page")
    @static_page(60, tags=lambda: found[0])
    def page() -> str:
        return f"{len(found)}"

    assert look(site)[1:] == ("1", "MISS")
    found.insert(0, given)
    clock.advance(61)
    look(site)

    for _ in range(2):
        answer = site.get("/page")
        assert (answer.status_code, answer.text) == (200, "2")
        assert answer.headers["Cache-Status"] == "Flask-ISR; fwd=bypass; detail=tags"
    (warning,) = warnings(caplog)
    assert "its tags cannot be used: the tags of the static page 'page': " in warning


def test_wherever_it_is_said(any_level: Site, caplog: pytest.LogCaptureFixture) -> None:
    """In a thread, in a template, in a body that is made while it is sent."""
    site = any_level
    site.app.jinja_env.globals["cache_tag"] = cache_tag

    @site.app.get("/thread")
    @static_page()
    def thread() -> str:
        InThread(copy_current_request_context(lambda: cache_tag(""))).result()
        return "page"

    @site.app.get("/template")
    @static_page()
    def template() -> str:
        return render_template_string("page{{ cache_tag('') or '' }}")

    @site.app.get("/stream")
    @static_page()
    def stream() -> Response:
        def pieces() -> t.Iterator[str]:
            yield "page"
            cache_tag("")

        return Response(pieces())

    for name in ("thread", "template", "stream"):
        assert [look(site, f"/{name}") for _ in range(2)] == [
            (200, "page", "BYPASS")
        ] * 2
    assert len(warnings(caplog)) == 3


def test_a_visitor_of_his_own_is_not_bothered(any_level: Site) -> None:
    """Whom the view answers, and whom a view without a page answers."""
    site = any_level

    @site.app.get("/log-in")
    def log_in() -> str:
        session["user"] = "bob"
        cache_tag("")
        cache_life(revalidate=-1)
        return "hello"

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        if "user" in session:
            cache_tag(*map(str, range(129)))
            cache_life(revalidate=-1)
        return str(session.get("user"))

    bob = site.app.test_client()
    assert bob.get("/log-in").status_code == 200
    site.get("/page")
    assert bob.get("/page").text == "bob"
    assert cache_state(site.get("/page")) == "HIT"


def test_an_error_counts_first(any_level: Site, clock: Clock) -> None:
    """A source that is ill says odd things: the last good page stays. What a view says on
    purpose is not stored either."""
    site = any_level
    status = [200]

    @site.app.get("/page")
    @static_page(60)
    def page() -> str:
        if status[0] != 200:
            cache_tag("")
            abort(status[0])
        return "page"

    look(site)
    status[0] = 503
    clock.advance(61)
    assert [look(site) for _ in range(2)] == [(200, "page", "STALE")] * 2
    status[0] = 404
    clock.advance(61)
    look(site)
    for _ in range(2):
        code, _, state = look(site)
        assert (code, state) == (404, "BYPASS")


def test_where_the_extension_is_off(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """In development the page is there, and the warning too."""
    site = make_site(ISR_ENABLED=False)

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        cache_tag("")
        return "page"

    assert [look(site) for _ in range(2)] == [(200, "page", "BYPASS")] * 2
    assert len(warnings(caplog)) == 1
