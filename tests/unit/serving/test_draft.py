"""Draft mode: who has the cookie, and what he gets."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import abort
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from werkzeug.test import Client
from werkzeug.test import TestResponse

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import static_page
from flask_isr.errors import ConfigurationError
from flask_isr.serving.draft import COOKIE
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Gate
from tests.support import InThread
from tests.support import Site
from tests.support import cache_state

PUBLISHED, DRAFT = "published", "not published yet"


class Press:
    """A site with a page that shows editors more, and a view that makes an editor.

    :ivar gates: the next runs of the page stop at these.
    :ivar runs: what the runs of the page saw: whether a draft, whether a sealed render.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.gates: list[Gate] = []
        self.runs: list[tuple[bool, bool]] = []
        isr = site.isr

        @site.app.get("/posts/<slug>")
        @static_page(60, paths=["/posts/a"], fallback=False)
        def post(slug: str) -> str:
            self.runs.append((isr.draft.is_enabled(), rendering()))
            text = DRAFT if isr.draft.is_enabled() else PUBLISHED
            if self.gates:
                self.gates.pop().pass_through()
            return text

        @site.app.post("/preview")
        def preview() -> Response:
            response = Response("ok")
            isr.draft.enable(response)
            return response

        @site.app.post("/leave")
        def leave() -> Response:
            response = Response("ok")
            isr.draft.disable(response)
            return response

    def editor(self) -> FlaskClient:
        """A browser in draft mode."""
        client = self.site.app.test_client()
        assert client.post("/preview").headers["Cache-Control"] == "no-store"
        return client


@pytest.fixture(params=["wsgi", "view", "off"])
def press(request: pytest.FixtureRequest, make_site: MakeSite) -> Press:
    """The site at either serving level, and with the extension off."""
    serve = {} if request.param == "off" else {"ISR_SERVE": request.param}
    enabled = request.param != "off"
    return Press(make_site(SECRET_KEY="k" * 20, ISR_ENABLED=enabled, **serve))


def assert_draft(answer: TestResponse) -> None:
    """Made for this editor, and to be kept by nobody."""
    assert answer.text == DRAFT
    assert cache_state(answer) == "BYPASS"
    assert answer.headers["Cache-Status"] == "Flask-ISR; fwd=bypass; detail=draft"
    assert answer.headers.getlist("Cache-Control") == ["no-store"]


class TestEditor:
    """He sees what is there now, and leaves no trace."""

    def test_he_gets_drafts_and_everybody_else_the_page(self, press: Press) -> None:
        """Before and after the page is stored, and the store never sees a draft."""
        editor = press.editor()
        for _ in range(3):
            assert_draft(editor.get("/posts/a"))
            assert press.site.get("/posts/a").text == PUBLISHED
        assert (True, True) not in press.runs

    def test_each_of_his_visits_runs_the_view(self, press: Press) -> None:
        """A draft is never read from anywhere."""
        editor = press.editor()
        for _ in range(3):
            editor.get("/posts/a")

        assert press.runs == [(True, False)] * 3

    def test_closed_lists_are_open_to_him(self, press: Press) -> None:
        """He looks at a page before it is on the list; others do not find it."""
        assert_draft(press.editor().get("/posts/new"))

        assert press.site.get("/posts/new").status_code == 404

    def test_head_is_his_as_well(self, press: Press) -> None:
        """HEAD tells of the draft."""
        answer = press.editor().head("/posts/a")

        assert answer.headers["Content-Length"] == str(len(DRAFT))
        assert answer.headers["Cache-Control"] == "no-store"

    def test_he_can_leave(self, press: Press) -> None:
        """``disable`` takes the cookie away."""
        editor = press.editor()
        editor.post("/leave")

        assert editor.get_cookie(COOKIE) is None
        assert editor.get("/posts/a").text == PUBLISHED

    def test_hooks_cannot_make_his_page_storable(self, press: Press) -> None:
        """A hook that marks each answer as public does not reach a draft."""

        @press.site.app.after_request
        def public(response: Response) -> Response:
            response.headers["Cache-Control"] = "public, max-age=600"
            response.headers["Expires"] = "Mon, 16 Nov 2099 08:00:00 GMT"
            response.headers["CDN-Cache-Control"] = "max-age=600"
            response.headers["X-Accel-Expires"] = "600"
            return response

        client = press.site.app.test_client()
        client.post("/preview")
        answer = client.get("/posts/a")

        assert_draft(answer)
        for field in ("Expires", "CDN-Cache-Control", "X-Accel-Expires"):
            assert field not in answer.headers


class TestColdPage:
    """A draft and a public request for one page that is not stored, at once."""

    @pytest.mark.parametrize("editor_first", [True, False])
    def test_they_never_mix(self, press: Press, editor_first: bool) -> None:
        """Whoever is first, each gets his own page, and the public one is stored."""
        editor, first_gate, second_gate = press.editor(), Gate(), Gate()
        press.gates = [second_gate, first_gate]

        def ask_editor() -> str:
            return editor.get("/posts/a").text

        def ask_public() -> str:
            return press.site.get("/posts/a").text

        order = (ask_editor, ask_public) if editor_first else (ask_public, ask_editor)
        first = InThread(order[0])
        first_gate.wait()
        second = InThread(order[1])
        second_gate.wait()
        second_gate.open()
        texts = {order[1]: second.result()}
        first_gate.open()
        texts[order[0]] = first.result()

        assert texts == {ask_editor: DRAFT, ask_public: PUBLISHED}
        assert press.site.get("/posts/a").text == PUBLISHED


class TestForeignCookies:
    """A cookie that is not good is no cookie: its bearer is a stranger."""

    def check(self, press: Press, cookie: str) -> None:
        """With *cookie* one gets what strangers get, and no render of one's own."""
        press.site.get("/posts/a")
        runs = len(press.runs)
        headers = {"Cookie": f"{COOKIE}={cookie}"}
        answers = [press.site.get("/posts/a", headers=headers) for _ in range(3)]

        assert [answer.text for answer in answers] == [PUBLISHED] * 3
        if press.site.state.application.enabled:
            assert [cache_state(answer) for answer in answers] == ["HIT"] * 3
            assert len(press.runs) == runs

    def test_altered(self, press: Press) -> None:
        """Any change of a letter spoils it."""
        value = cookie_of(press.editor())

        for position in range(len(value)):
            other = "A" if value[position] != "A" else "B"
            altered = value[:position] + other + value[position + 1 :]
            if position % 7 == 0:
                self.check(press, altered)

    @pytest.mark.parametrize("value", ["", "1", "true", "..", "é", "x" * 3000])
    def test_made_up(self, press: Press, value: str) -> None:
        """Junk of any kind."""
        self.check(press, value.encode().decode("latin-1"))

    def test_in_bulk(self, press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hundreds of forgeries in one request cost no more than a few."""
        looked = 0
        loads = URLSafeSerializer.loads

        def count(self: URLSafeSerializer, *args: t.Any, **kwargs: t.Any) -> t.Any:
            nonlocal looked
            looked += 1
            return loads(self, *args, **kwargs)

        monkeypatch.setattr(URLSafeSerializer, "loads", count)
        press.site.get("/posts/a")
        forged = "; ".join([f"{COOKIE}=eyJhIjoxfQ.forged"] * 700)
        answer = press.site.get("/posts/a", headers={"Cookie": forged})

        assert answer.text == PUBLISHED
        assert 0 < looked < 10

    def test_expired(self, press: Press, clock: Clock) -> None:
        """It ends by itself, to the second."""
        editor = press.editor()
        headers = {"Cookie": f"{COOKIE}={cookie_of(editor)}"}
        clock.advance(3599)
        assert_draft(press.site.get("/posts/a", headers=headers))
        clock.advance(1)

        self.check(press, cookie_of(editor))

    def test_of_another_application(self, press: Press, clock: Clock) -> None:
        """The same key in another application makes no drafts here."""
        other = Flask("another")
        other.secret_key = press.site.app.secret_key
        isr = ISR(other, clock=clock)
        with other.test_request_context():
            response = Response()
            isr.draft.enable(response)
        value = response.headers["Set-Cookie"].split(";")[0].partition("=")[2]

        self.check(press, value)

    def test_of_an_application_that_hands_the_request_on(
        self, press: Press, clock: Clock, tmp_path: Path
    ) -> None:
        """A cascade asks the next one where the first has nothing."""
        first = Flask("first", instance_path=str(tmp_path / "first"))
        first.secret_key = press.site.app.secret_key
        isr = ISR(first, clock=clock)
        first.add_url_rule(
            "/posts/<slug>", "post", static_page()(lambda slug: abort(404))
        )
        with first.test_request_context():
            response = Response()
            isr.draft.enable(response)
        value = response.headers["Set-Cookie"].split(";")[0]

        def cascade(environ: t.Any, start_response: t.Any) -> t.Any:
            assert b"Not Found" in b"".join(first(environ, _ignore))
            return press.site.app(environ, start_response)

        answer = Client(cascade, use_cookies=False).get(
            "/posts/a", headers={"Cookie": value}
        )
        assert answer.text == PUBLISHED

    def test_signed_with_the_revalidate_secret(self, press: Press) -> None:
        """A token of the revalidate route opens no drafts."""
        with press.site.app.app_context():
            token = press.site.isr.token(paths=["/posts/a"])

        self.check(press, token)


def _ignore(*args: t.Any) -> t.Callable[[bytes], object]:
    return len


def cookie_of(client: FlaskClient) -> str:
    """The cookie of an editor."""
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


class TestKeys:
    """What signs the cookie."""

    def test_an_old_key_still_opens(self, make_site: MakeSite) -> None:
        """``SECRET_KEY_FALLBACKS`` keeps editors in draft mode over a change of keys."""
        press = Press(make_site(SECRET_KEY="old key" * 4))
        editor = press.editor()
        press.site.app.config["SECRET_KEY_FALLBACKS"] = ["old key" * 4]
        press.site.app.secret_key = "new key" * 4

        assert_draft(editor.get("/posts/a"))

    def test_without_a_key_there_are_no_drafts(self, make_site: MakeSite) -> None:
        """The error says which key is missing; a cookie means nothing then."""
        press = Press(make_site(ISR_ENABLED=True))
        with (
            press.site.app.test_request_context(),
            pytest.raises(ConfigurationError, match="SECRET_KEY is not set"),
        ):
            press.site.isr.draft.enable(Response())

        headers = {"Cookie": f"{COOKIE}=x"}
        assert press.site.get("/posts/a", headers=headers).text == PUBLISHED


class TestCookie:
    """The cookie itself."""

    @pytest.mark.parametrize(
        ("url", "samesite", "expected"),
        [
            ("http://localhost", "Lax", {"HttpOnly", "Path=/", "SameSite=Lax"}),
            ("https://localhost", "Lax", {"HttpOnly", "Secure", "SameSite=Lax"}),
            ("http://localhost", "None", {"HttpOnly", "Secure", "SameSite=None"}),
        ],
    )
    def test_its_attributes(
        self,
        make_site: MakeSite,
        url: str,
        samesite: t.Literal["Lax", "None"],
        expected: set[str],
    ) -> None:
        """Out of reach of scripts, and of plain HTTP where the site is not served so."""
        site = make_site(SECRET_KEY="k" * 20)
        with site.app.test_request_context(base_url=url):
            response = Response()
            site.isr.draft.enable(response, lifetime=60, samesite=samesite)

        parts = {part.strip() for part in response.headers["Set-Cookie"].split(";")}
        assert expected | {"Max-Age=60"} <= parts

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("http://localhost", {"Max-Age=0", "Path=/", "SameSite=Lax"}),
            ("https://localhost", {"Max-Age=0", "Path=/", "Secure", "SameSite=None"}),
        ],
    )
    def test_it_is_taken_away_inside_a_frame_too(
        self, make_site: MakeSite, url: str, expected: set[str]
    ) -> None:
        """A CMS that shows the site in a frame can end what it began."""
        site = make_site(SECRET_KEY="k" * 20)
        with site.app.test_request_context(base_url=url):
            response = Response()
            site.isr.draft.disable(response)

        parts = {part.strip() for part in response.headers["Set-Cookie"].split(";")}
        assert expected <= parts

    @pytest.mark.parametrize(
        ("lifetime", "kept"), [(0.5, 1), (1, 1), (59.5, 60), (1e300, 400 * 24 * 3600)]
    )
    def test_it_is_kept_for_whole_seconds(
        self, make_site: MakeSite, lifetime: float, kept: int
    ) -> None:
        """Never for none, and for no longer than browsers keep any."""
        site = make_site(SECRET_KEY="k" * 20)
        with site.app.test_request_context():
            response = Response()
            site.isr.draft.enable(response, lifetime=lifetime)

        assert f"Max-Age={kept};" in response.headers["Set-Cookie"]

    @pytest.mark.parametrize("lifetime", [0, -1, True, "60", float("nan")])
    def test_a_wrong_lifetime_is_named(
        self, make_site: MakeSite, lifetime: t.Any
    ) -> None:
        """As everywhere where seconds are asked for."""
        site = make_site(SECRET_KEY="k" * 20)
        with (
            site.app.test_request_context(),
            pytest.raises(ConfigurationError, match="lifetime is"),
        ):
            site.isr.draft.enable(Response(), lifetime=lifetime)

    def test_outside_of_a_request_nobody_is_an_editor(self, site: Site) -> None:
        """Commands and threads see what is published."""
        with site.app.app_context():
            assert site.isr.draft.is_enabled() is False


class Tenants(Flask):
    """An application that tells hosts apart."""

    def __init__(self, name: str, **kwargs: t.Any) -> None:
        super().__init__(name, host_matching=True, static_host="a.test", **kwargs)


@pytest.mark.parametrize("serve", ["wsgi", "view"])
def test_each_host_has_editors_of_its_own(make_site: MakeSite, serve: str) -> None:
    """Whoever may see the drafts of one tenant sees none of another's, whatever cookies
    he sends."""
    hosts = ["a.test", "b.test"]
    site = make_site(
        app_class=Tenants, SECRET_KEY="k" * 20, TRUSTED_HOSTS=hosts, ISR_SERVE=serve
    )

    @site.app.get("/post", host="<host>")
    @static_page()
    def post(host: str) -> str:
        return DRAFT if site.isr.draft.is_enabled() else PUBLISHED

    @site.app.post("/preview", host="<host>")
    def preview(host: str) -> Response:
        response = Response("ok")
        site.isr.draft.enable(response)
        return response

    client = site.app.test_client(use_cookies=False)
    made = client.post("/preview", base_url="http://a.test")
    cookie = made.headers["Set-Cookie"].partition(";")[0]
    seen = [
        client.get("/post", base_url=f"http://{host}", headers={"Cookie": cookie}).text
        for host in hosts * 2
    ]

    assert seen == [DRAFT, PUBLISHED] * 2
