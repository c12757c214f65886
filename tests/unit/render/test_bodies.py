"""Streamed, huge, broken and empty bodies."""

from __future__ import annotations

import io
import itertools
import typing as t

import pytest
from flask import Response
from flask import send_file
from flask import stream_with_context

from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other, and stores 1,000 bytes at most."""
    return make_site(ISR_SERVE=request.param, ISR_PAGE_BYTES=1000)


class TestWhole:
    """However a view hands out its body, the page has all of it."""

    def test_a_streamed_body(self, any_level: Site) -> None:
        """A generator is read to its end, once, and closed."""
        events: list[str] = []

        @any_level.app.get("/")
        @static_page()
        def page() -> Response:
            def pieces() -> t.Iterator[str]:
                events.append("opened")
                yield "ä"
                yield ""
                yield "b"
                events.append("closed")

            return Response(stream_with_context(pieces()))

        answers = [any_level.get("/") for _ in range(2)]

        assert [answer.text for answer in answers] == ["äb", "äb"]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
        assert events == ["opened", "closed"]
        assert answers[1].headers["Content-Length"] == "3"

    def test_a_file(self, any_level: Site) -> None:
        """``send_file`` is stored with its type and name, and the file is closed."""
        files: list[io.BytesIO] = []

        @any_level.app.get("/")
        @static_page()
        def page() -> Response:
            files.append(io.BytesIO(b"data"))
            return send_file(files[-1], "text/csv", download_name="list.csv")

        answers = [any_level.get("/") for _ in range(2)]

        assert [answer.data for answer in answers] == [b"data", b"data"]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
        assert answers[1].headers["Content-Type"].startswith("text/csv")
        assert "list.csv" in answers[1].headers["Content-Disposition"]
        assert [file.closed for file in files] == [True]

    def test_bytes_of_any_value(self, any_level: Site) -> None:
        """A binary body comes back byte by byte."""
        body = bytes(range(256))
        any_level.app.add_url_rule("/", "page", static_page()(lambda: body))

        assert [any_level.get("/").data for _ in range(2)] == [body, body]


BREAKING: dict[str, t.Callable[[], t.Any]] = {}


def breaking(view: t.Callable[[], t.Any]) -> t.Callable[[], t.Any]:
    """Register a way in which a body can be no page."""
    BREAKING[view.__name__] = view
    return view


@breaking
def breaks_midway() -> Response:
    """A generator that raises after its first piece."""

    def pieces() -> t.Iterator[str]:
        yield "half a "
        raise RuntimeError("the database went away")

    return Response(pieces())


@breaking
def cut_short() -> Response:
    """A body shorter than its length says."""
    return Response(iter(["half a"]), headers={"Content-Length": "100"})


@breaking
def empty() -> str:
    """Nothing."""
    return ""


@breaking
def empty_stream() -> Response:
    """A stream without a piece."""
    return Response(iter(()))


@breaking
def no_content() -> tuple[str, int]:
    """A status that promises no body."""
    return "", 204


@pytest.mark.promise(3)
class TestBroken:
    """A body that is no page never takes the place of one."""

    @pytest.mark.parametrize("name", BREAKING)
    def test_the_last_good_page_stays(
        self, any_level: Site, clock: Clock, name: str
    ) -> None:
        """A broken render leaves the stored page, which is served until one succeeds."""
        views: t.Iterator[t.Callable[[], t.Any]] = iter(
            [lambda: "good", BREAKING[name], lambda: "better"]
        )

        @any_level.app.get("/")
        @static_page(60)
        def page() -> t.Any:
            return next(views)()

        any_level.get("/")
        clock.advance(61)
        texts = []
        for _ in range(3):
            texts.append(any_level.get("/").text)
            any_level.settle()
            clock.advance(2)

        assert texts == ["good", "good", "better"]

    @pytest.mark.parametrize("name", BREAKING)
    def test_it_recovers_within_seconds(
        self, any_level: Site, clock: Clock, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A page that was broken for everybody is tried again soon: it is not taken for
        one that works for its visitors only."""
        works = [False]

        @any_level.app.get("/")
        @static_page()
        def page() -> t.Any:
            return "good" if works[0] else BREAKING[name]()

        try:
            any_level.get("/")
        except RuntimeError:
            assert name == "breaks_midway"
        works[0] = True
        clock.advance(1.5)

        assert cache_state(any_level.get("/")) == "MISS"
        assert "not the same for everybody" not in caplog.text


@pytest.mark.promise(7)
class TestLimit:
    """A page over ``ISR_PAGE_BYTES`` is answered by the view, and reading stops there."""

    def test_the_limit_itself_is_stored(self, any_level: Site) -> None:
        """A page of exactly that size is stored."""
        any_level.app.add_url_rule("/", "page", static_page()(lambda: "x" * 1000))

        assert [cache_state(any_level.get("/")) for _ in range(2)] == ["MISS", "HIT"]

    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    def test_a_byte_more_is_not(
        self, any_level: Site, streamed: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A larger page is whole for each visitor, never stored, and named once."""

        @any_level.app.get("/")
        @static_page()
        def page() -> Response:
            return Response(iter(["x"] * 1001) if streamed else "x" * 1001)

        answers = [any_level.get("/") for _ in range(3)]

        assert [len(answer.data) for answer in answers] == [1001] * 3
        assert [cache_state(answer) for answer in answers] == ["BYPASS"] * 3
        assert caplog.text.count("larger than ISR_PAGE_BYTES") == 1

    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    @pytest.mark.parametrize(("size", "state"), [(1000, "HIT"), (1001, "BYPASS")])
    def test_what_counts_is_what_would_be_stored(
        self, make_site: MakeSite, streamed: bool, size: int, state: str
    ) -> None:
        """Where hooks run on each hit, that is the body before they make it smaller."""
        site = make_site(ISR_SERVE="view", ISR_PAGE_BYTES=1000)

        @site.app.get("/")
        @static_page()
        def page() -> Response:
            return Response(iter(["x"] * size) if streamed else "x" * size)

        @site.app.after_request
        def shorten(response: Response) -> Response:
            response.set_data(str(len(response.get_data())))
            return response

        site.get("/")
        answer = site.get("/")

        assert (answer.text, cache_state(answer)) == (str(size), state)

    @pytest.mark.lint_allows("FIELD_TOO_LARGE", "FIELD_SECTION_TOO_LARGE")
    @pytest.mark.parametrize(
        ("length", "states"), [(32_000, "HIT"), (33_000, "BYPASS")]
    )
    def test_headers_have_a_limit_too(
        self, any_level: Site, length: int, states: str
    ) -> None:
        """They are sent with each answer, and kept in the memory of each process."""

        @any_level.app.get("/")
        @static_page()
        def page() -> Response:
            return Response("page", headers={"X-Long": "x" * length})

        any_level.get("/")
        answer = any_level.get("/")

        assert (len(answer.headers["X-Long"]), cache_state(answer)) == (length, states)

    def test_an_endless_body_is_not_read_on(self, any_level: Site) -> None:
        """Of an endless stream no more is read than the limit."""
        pieces = itertools.count()
        stop = [False]

        @any_level.app.get("/")
        @static_page()
        def page() -> Response:
            def endless() -> t.Iterator[bytes]:
                while not stop[0]:
                    next(pieces)
                    yield b"x" * 100

            stop[0] = next(pieces) > 0
            return Response(endless())

        any_level.get("/")

        assert next(pieces) < 20

    def test_a_page_that_outgrew_the_limit_is_current(self, any_level: Site) -> None:
        """A stored page whose new version is too large gives way to the view."""
        size = [10]
        any_level.app.add_url_rule("/", "page", static_page()(lambda: "x" * size[0]))
        any_level.get("/")
        size[0] = 2000
        with any_level.app.app_context():
            revalidate_path("/")
        any_level.settle()

        answers = [any_level.get("/") for _ in range(2)]

        assert [len(answer.data) for answer in answers] == [2000, 2000]
