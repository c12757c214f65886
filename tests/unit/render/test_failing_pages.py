"""Pages whose render fails: with a last good copy, and with nothing stored."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Flask
from flask import Response
from flask import abort
from flask import g
from flask import request
from flask import session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import ServiceUnavailable

from flask_isr import rendering
from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Gate
from tests.support import InThread
from tests.support import Site
from tests.support import cache_state


class Source:
    """What a view gets its data from: broken or not, and it counts renders.

    :ivar gate: where renders stop, if it is set.
    :ivar complaint: what it says when it is broken.
    """

    def __init__(self) -> None:
        self.broken = True
        self.complaint = "no database"
        self.renders = 0
        self.gate: Gate | None = None

    def __call__(self) -> str:
        """The view."""
        if rendering():
            self.renders += 1
            if self.gate is not None:
                self.gate.pass_through()
        if self.broken:
            raise RuntimeError(self.complaint)
        return "good"


@pytest.fixture
def source() -> Source:
    """The page's source."""
    return Source()


@pytest.fixture(params=["wsgi", "view"])
def failing(
    request: pytest.FixtureRequest, make_site: MakeSite, source: Source
) -> Site:
    """A site with a page of the source, and an error page that names its visitor."""
    site = make_site(ISR_SERVE=request.param)
    site.app.add_url_rule("/", "page", static_page(60)(source))
    site.app.register_error_handler(500, _error_page)
    return site


def _error_page(error: Exception) -> tuple[str, int, dict[str, str]]:
    name = request.headers.get("X-Name", "stranger")
    return f"sorry, {name}", 500, {"Retry-After": "7", "X-Accel-Expires": "300"}


class _Silent(SecureCookieSessionInterface):
    """Sessions that say nothing of the cookie that they hang on, as some libraries' do."""

    def save_session(self, app: Flask, session: t.Any, response: t.Any) -> None:
        """As Flask does, but for ``Vary``."""
        super().save_session(app, session, response)
        response.vary.discard("Cookie")


class TestNothingStored:
    """Nobody has a page to fall back on."""

    def test_the_leaders_error_is_his_own(self, failing: Site, source: Source) -> None:
        """Who came first has his request answered by the view."""
        answer = failing.get("/", headers={"X-Name": "bob"})

        assert (answer.status_code, answer.text) == (500, "sorry, bob")
        assert source.renders == 1

    def test_followers_share_the_sealed_error(
        self, failing: Site, source: Source
    ) -> None:
        """Who waited for the same render gets the error that a stranger got, not to be
        kept by any cache; but not who brings what its handler looked at."""
        source.gate = Gate()

        def visit() -> t.Any:
            return failing.get("/")

        leader = InThread(lambda: failing.get("/", headers={"X-Name": "leader"}))
        source.gate.wait()
        followers = [InThread(visit) for _ in range(4)]
        named = InThread(lambda: failing.get("/", headers={"X-Name": "bob"}))
        source.gate.open()

        assert leader.result().text == "sorry, leader"
        for follower in followers:
            answer = follower.result()
            assert (answer.status_code, answer.text) == (500, "sorry, stranger")
            assert answer.headers.getlist("Cache-Control") == ["no-store"]
            assert answer.headers.getlist("X-ISR-Cache") == ["MISS"]
            assert answer.headers.getlist("Retry-After") == ["7"]
            assert "X-Accel-Expires" not in answer.headers
        assert named.result().text == "sorry, bob"
        assert source.renders == 1

    def test_nobody_renders_until_the_first_step(
        self, failing: Site, source: Source, clock: Clock
    ) -> None:
        """A failing backend is asked once a second, however many visitors come."""
        renders = []
        # The first pause is 0.8 to 1 s.
        for pause in (0, 0, 0.7, 0.4, 0, 0.7, 0.4):
            clock.advance(pause)
            assert failing.get("/").status_code == 500
            renders.append(source.renders)

        assert renders == [1, 1, 1, 2, 2, 2, 3]

    def test_head_has_no_body(self, failing: Site) -> None:
        """A shared error is answered to HEAD without its body."""
        failing.get("/")

        answer = failing.app.test_client().head("/")

        assert (answer.status_code, answer.data) == (500, b"")
        assert answer.headers["Content-Length"] == str(len("sorry, stranger"))

    def test_it_recovers_by_itself(
        self, failing: Site, source: Source, clock: Clock
    ) -> None:
        """Once the source is back, the page is there at the next step, and stored."""
        failing.get("/")
        source.broken = False
        clock.advance(1)

        assert [cache_state(failing.get("/")) for _ in range(2)] == ["MISS", "HIT"]

    def test_revalidating_forgets_the_pause(
        self, failing: Site, source: Source
    ) -> None:
        """Revalidating the path has it tried at once."""
        failing.get("/")
        source.broken = False
        with failing.app.app_context():
            revalidate_path("/")

        assert failing.get("/").text == "good"

    @pytest.mark.parametrize("status", [408, 429, 500, 503])
    def test_an_answered_error_counts_too(self, site: Site, status: int) -> None:
        """An error that the view answers, and does not raise, is a failure as well."""
        renders = []

        @site.app.get("/")
        @static_page()
        def page() -> Response:
            renders.append(rendering())
            abort(status)

        codes = [site.get("/").status_code for _ in range(3)]

        assert codes == [status] * 3
        assert renders == [True, False]

    def test_a_shared_error_sets_no_cookie(self, site: Site) -> None:
        """A cookie on the error that a render got is nobody's, and goes to nobody."""

        @site.app.get("/")
        @static_page()
        def page() -> Response:
            response = Response("ill", 503)
            response.set_cookie("whose", "render" if rendering() else "mine")
            return response

        first, second = site.get("/"), site.get("/")

        assert "whose=mine" in first.headers["Set-Cookie"]
        assert "Set-Cookie" not in second.headers

    def test_an_error_that_shows_its_cookie_is_not_shared(self, site: Site) -> None:
        """Its form would send back what no other visitor's cookie says."""
        numbers = itertools.count(10_000_000)

        @site.app.before_request
        def make_token() -> None:
            g.token = str(next(numbers))

        @site.app.get("/")
        @static_page()
        def page() -> Response:
            return Response(f"ill: {g.token}", 503)

        @site.app.after_request
        def set_token(response: Response) -> Response:
            response.set_cookie("token", g.token)
            return response

        for _ in range(3):
            answer = site.get("/")
            assert answer.headers["Set-Cookie"].startswith(f"token={answer.text[5:]};")

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    @pytest.mark.parametrize(
        ("where", "varies"),
        [("before", True), *itertools.product(["hook", "view", "handler"], [1, 0])],
    )
    def test_an_error_that_looked_at_the_session_is_not_shared(
        self, make_site: MakeSite, where: str, varies: bool, serve: str
    ) -> None:
        """A member gets their own answer, though the page depends on a cookie too, which
        they do not bring, and though the library of sessions says nothing of them."""
        site = make_site(SECRET_KEY="a key", ISR_SERVE=serve)
        if not varies:
            site.app.session_interface = _Silent()

        @site.app.get("/login")
        def login() -> str:
            session["name"] = "ann"
            return "in"

        def greet(at: str) -> None:
            if where == at:
                g.name = session.get("name", "stranger")

        @site.app.before_request
        def hook() -> None:
            g.theme = request.cookies.get("theme", "light")
            greet("hook")
            greet("before")
            if where == "before" and g.name == "stranger" and request.path == "/":
                raise LookupError

        @site.app.get("/")
        @static_page()
        def page() -> str:
            greet("view")
            if g.get("name", "stranger") == "stranger":
                raise LookupError
            return f"hello {g.name}"

        @site.app.errorhandler(500)
        def handle(error: Exception) -> tuple[str, int]:
            greet("handler")
            return f"sorry {g.name}, {g.theme}", 500

        member = site.app.test_client()
        member.get("/login")
        strangers = [site.get("/") for _ in range(2)]

        assert [answer.text for answer in strangers] == ["sorry stranger, light"] * 2
        expected = "sorry ann, light" if where == "handler" else "hello ann"
        assert member.get("/").text == expected


class TestStrangersOnly:
    """A page that fails in its render, and works for its visitors."""

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    def test_it_is_remembered_as_not_static(
        self,
        make_site: MakeSite,
        serve: str,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Its visitors get it from the view, at once, and a warning says so once."""
        site = make_site(ISR_SERVE=serve)
        renders = []

        @site.app.get("/")
        @static_page()
        def page() -> str:
            if rendering():
                renders.append("render")
            return f"for {request.headers['X-Name']}"

        names = ["bob", "eve", "bob"]
        answers = []
        for name in names:
            answers.append(site.get("/", headers={"X-Name": name}))
            clock.advance(5)

        assert [answer.text for answer in answers] == [f"for {name}" for name in names]
        assert [cache_state(answer) for answer in answers] == ["BYPASS"] * 3
        assert renders == ["render"]
        assert caplog.text.count("not the same for everybody") == 1


@pytest.mark.promise(3)
class TestLastGoodPage:
    """A stored page is served while its renders fail."""

    def test_it_stays_and_comes_back(
        self, failing: Site, source: Source, clock: Clock
    ) -> None:
        """Visitors get the last good page, marked, until a render succeeds."""
        source.broken = False
        failing.get("/")
        source.broken = True
        clock.advance(61)
        states = []
        for _ in range(3):
            answer = failing.get("/")
            states.append((cache_state(answer), answer.text))
            failing.settle()
        source.broken = False
        clock.advance(2)
        failing.get("/")
        failing.settle()

        assert states == [("STALE", "good")] * 3
        assert cache_state(failing.get("/")) == "HIT"

    def test_an_expired_page_is_served_when_its_render_fails(
        self, failing: Site, source: Source
    ) -> None:
        """After an invalidation the old page is the last resort, and says why."""
        source.broken = False
        failing.get("/")
        source.broken = True
        with failing.app.app_context():
            revalidate_path("/")
        failing.settle()

        answer = failing.get("/")

        assert (cache_state(answer), answer.text) == ("STALE", "good")
        assert "detail=error" in answer.headers["Cache-Status"]

    def test_it_is_served_whatever_the_error_says(
        self, failing: Site, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A text of any length that is no Unicode, such as the name of a file."""
        source.broken = False
        failing.get("/")
        source.broken, source.complaint = True, "caf\udce9" * 1000
        # The processes of pytest-xdist cannot tell each other of such a text.
        monkeypatch.setattr(failing.app.logger, "disabled", True)
        with failing.app.app_context():
            revalidate_path("/")
        failing.settle()

        assert [failing.get("/").text for _ in range(2)] == ["good", "good"]
        (page,) = failing.state.store.overview()
        assert page.failure is not None
        assert page.failure.cause.startswith("RuntimeError: caf\\udce9caf")
        assert len(page.failure.cause) < 1000

    @pytest.mark.parametrize("revalidate", [60, False])
    def test_a_stale_page_says_that_its_render_failed(
        self,
        make_site: MakeSite,
        source: Source,
        clock: Clock,
        revalidate: int | t.Literal[False],
    ) -> None:
        """Whatever made it stale, and until a render succeeds."""
        site = make_site()
        site.app.add_url_rule("/", "page", static_page(revalidate)(source))
        source.broken = False
        site.get("/")
        source.broken = True
        clock.advance(61)
        if not revalidate:
            with site.app.app_context():
                revalidate_path("/", mode="stale")
        seen = []
        for visit in range(4):
            if visit == 2:
                source.broken = False
                clock.advance(1)
            answer = site.get("/")
            seen.append(
                (cache_state(answer), "error" in answer.headers["Cache-Status"])
            )
            site.settle()

        assert seen == [
            ("STALE", False),
            ("STALE", True),
            ("STALE", False),
            ("HIT", False),
        ]

    @pytest.mark.parametrize("serve", ["wsgi", "view"])
    @pytest.mark.parametrize("error", [RuntimeError("down"), ServiceUnavailable()])
    def test_an_error_page_with_status_200_is_an_error(
        self, make_site: MakeSite, error: Exception, serve: str
    ) -> None:
        """An application may apologise however it likes: the last good page stays."""
        site = make_site(ISR_SERVE=serve)
        broken: list[bool] = []

        @site.app.errorhandler(type(error))
        def apologise(error: Exception) -> str:
            return "sorry"

        @site.app.get("/<name>")
        @static_page(60)
        def page(name: str) -> str:
            if broken:
                raise error
            return "good"

        site.get("/old")
        broken.append(True)
        with site.app.app_context():
            revalidate_path("/old")
        site.settle()
        old, new = site.get("/old"), site.get("/new")

        assert (cache_state(old), old.text) == ("STALE", "good")
        assert "detail=error" in old.headers["Cache-Status"]
        assert (cache_state(new), new.text) == ("BYPASS", "sorry")

    def test_the_pauses_double(
        self, failing: Site, source: Source, clock: Clock
    ) -> None:
        """A page that keeps failing is tried after 1, 2, 4 … seconds, at most 60."""
        source.broken = False
        failing.get("/")
        source.broken = True
        clock.advance(61)
        renders = []
        # Pauses are shortened by up to a fifth.
        for pause in (0, 0.7, 0.4, 1.5, 0.6, 3.1, 1.0):
            clock.advance(pause)
            failing.get("/")
            failing.settle()
            renders.append(source.renders - 1)

        assert renders == [1, 1, 2, 2, 3, 3, 4]

    def test_stale_if_error_ends_it(
        self, make_site: MakeSite, source: Source, clock: Clock
    ) -> None:
        """With ``ISR_STALE_IF_ERROR`` a failing page is served that long past its
        ``expire``, and no longer."""
        site = make_site(ISR_STALE_IF_ERROR=100)
        view = static_page(10, expire=20)(source)
        site.app.add_url_rule("/", "page", view)
        source.broken = False
        site.get("/")
        source.broken = True

        clock.advance(119)
        assert cache_state(site.get("/")) == "STALE"
        clock.advance(3)
        assert site.get("/").status_code == 500


def test_a_long_cause_is_cut_visibly(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Its beginning is kept, and three dots say that there was more."""

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        raise RuntimeError("x" * 201)

    site.get("/page")
    assert f"RuntimeError: {'x' * 200}… (status 500)" in caplog.text


def test_an_answer_that_is_none_is_told_as_the_cause(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A forgotten ``return`` is found by what is said of the render."""

    @site.app.get("/page")
    @static_page()
    def page() -> t.Any:
        return None

    site.get("/page")
    assert "the render of /page failed: TypeError: The view function" in caplog.text
