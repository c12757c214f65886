"""What a view writes to the session, and what of that is nobody's."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask
from flask import Request
from flask import Response
from flask import render_template_string
from flask import request
from flask import session
from flask.sessions import SessionInterface
from flask.sessions import SessionMixin
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state


class FalseSession(dict[str, t.Any], SessionMixin):
    """As those of Flask-Session: false as long as it holds nothing of anybody."""

    def __bool__(self) -> bool:
        return bool(self.keys() - {"_permanent"})


class PlainSession(dict[str, t.Any], SessionMixin):
    """One that does not tell what is done to it."""


class Kept(SessionInterface):
    """Sessions that a server keeps, which begin with something."""

    def __init__(self, kind: type[t.Any]) -> None:
        self._kind = kind
        self.saved: list[dict[str, t.Any]] = []

    def open_session(self, app: Flask, request: Request) -> t.Any:
        """A new one, for each visitor."""
        return self._kind(_permanent=True)

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Note what would be kept."""
        assert type(session) is self._kind
        self.saved.append(dict(session))


def add(site: Site, view: t.Callable[[], t.Any], **how: t.Any) -> None:
    """Make *view* a static page."""
    site.app.add_url_rule("/page", "page", static_page(**how)(view))


def states(site: Site) -> list[str | None]:
    """Of two visits."""
    return [cache_state(site.get("/page")) for _ in range(2)]


@pytest.mark.parametrize("kind", [FalseSession, PlainSession])
class TestSessionsOfLibraries:
    """Whatever a session is like."""

    def test_a_page_that_leaves_it_alone_is_stored(
        self, site: Site, kind: type[t.Any]
    ) -> None:
        """Though it holds something from the start on."""
        site.app.session_interface = Kept(kind)
        add(site, lambda: "page")
        assert states(site) == ["MISS", "HIT"]

    def test_a_page_that_reads_it_is_stored(
        self, site: Site, kind: type[t.Any]
    ) -> None:
        """For strangers."""
        site.app.session_interface = Kept(kind)
        add(site, lambda: str(session.get("user")))
        assert states(site) == ["MISS", "HIT"]

    @pytest.mark.parametrize(
        "write",
        [
            lambda: session.__setitem__("cart", [1]),
            lambda: session.setdefault("cart", [1]),
            lambda: session.update(cart=[1]),
            lambda: session.update({"cart": [1]}),
        ],
    )
    def test_a_page_that_writes_to_it_is_not(
        self,
        site: Site,
        caplog: pytest.LogCaptureFixture,
        kind: type[t.Any],
        write: t.Callable[[], t.Any],
    ) -> None:
        """And the log says what is written, and where."""
        site.app.session_interface = Kept(kind)

        def view() -> str:
            write()
            return "page"

        add(site, view)
        answer = site.get("/page")
        assert cache_state(answer) == "BYPASS"
        assert (
            "detail=\"it writes 'cart' to the session\""
            in answer.headers["Cache-Status"]
        )
        assert f"it writes 'cart' to the session ({__file__}:" in caplog.text

    def test_a_change_that_nobody_saw(self, site: Site, kind: type[t.Any]) -> None:
        """Such as one that goes past the methods of the class."""
        site.app.session_interface = Kept(kind)

        def view() -> str:
            dict.__setitem__(session._get_current_object(), "cart", 1)  # type: ignore[attr-defined]
            return "page"

        add(site, view)
        assert states(site) == ["BYPASS", "BYPASS"]


class Form(FlaskForm):  # type: ignore[misc]
    """A form with a CSRF token."""


class TestTokens:
    """A CSRF token that is made, and not shown."""

    def test_a_form_that_is_made_and_not_shown(self, make_site: MakeSite) -> None:
        """At the top of a view, for members alone. No visitor gets a cookie for it."""
        site = make_site(SECRET_KEY="a key")

        def view() -> str:
            form = Form()
            return render_template_string(
                "{% if session.user %}{{ form.hidden_tag() }}{% endif %}page", form=form
            )

        add(site, view)
        answers = [site.get("/page") for _ in range(2)]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
        assert all("Set-Cookie" not in answer.headers for answer in answers)

        bob = site.app.test_client()
        with bob.session_transaction() as held:
            held["user"] = "bob"
        assert "csrf_token" in bob.get("/page").text

    def test_a_token_that_is_shown(
        self, make_site: MakeSite, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Is somebody's, and the log names the place and the library."""
        site = make_site(SECRET_KEY="a key")
        add(
            site, lambda: render_template_string("{{ form.hidden_tag() }}", form=Form())
        )
        assert states(site) == ["BYPASS", "BYPASS"]
        assert f"it has a CSRF token ({__file__}:" in caplog.text
        assert ", by Flask-WTF)" in caplog.text

    def test_a_token_beside_something_else(self, make_site: MakeSite) -> None:
        """The cart is somebody's."""
        site = make_site(SECRET_KEY="a key")

        def view() -> str:
            generate_csrf()
            session["cart"] = [1]
            return "page"

        add(site, view)
        assert "'cart'" in site.get("/page").headers["Cache-Status"]

    def test_a_hook_that_shows_it(self, make_site: MakeSite) -> None:
        """After the view, in a header of the page."""
        site = make_site(SECRET_KEY="a key")

        def view() -> str:
            generate_csrf()
            return "page"

        @site.app.after_request
        def show(response: Response) -> Response:
            response.headers["X-CSRF-Token"] = generate_csrf()
            return response

        add(site, view)
        one, two = site.get("/page"), site.get("/page")
        assert one.headers["X-CSRF-Token"] != two.headers["X-CSRF-Token"]

    @pytest.mark.parametrize("shown", [False, True])
    def test_names_that_the_site_gives(self, make_site: MakeSite, shown: bool) -> None:
        """A nonce that the application makes for each session."""
        site = make_site(SECRET_KEY="a key", ISR_SESSION_IGNORE=["nonce"])

        def view() -> str:
            session["nonce"] = "k2jh34kj2h3f9s8df7s9d8f7"
            return str(session["nonce"]) if shown else "page"

        add(site, view)
        assert states(site) == (["BYPASS"] * 2 if shown else ["MISS", "HIT"])

    def test_who_has_such_a_name_alone_is_nobody(self, make_site: MakeSite) -> None:
        """And gets the page that reads the session from the store."""
        site = make_site(SECRET_KEY="a key", ISR_SESSION_IGNORE=["nonce"])
        add(site, lambda: str(session.get("user")))
        site.get("/page")
        visitor = site.app.test_client()
        with visitor.session_transaction() as held:
            held["nonce"] = "x"
        assert cache_state(visitor.get("/page")) == "HIT"


class TestLateLooks:
    """A hook that looks at the session after the view."""

    def _member(self, site: Site) -> t.Any:
        member = site.app.test_client()
        with member.session_transaction() as held:
            held["user"] = "bob"
        return member

    def test_one_that_leaves_no_trace_is_no_reading_by_the_page(
        self, make_site: MakeSite
    ) -> None:
        """Members get the page too, and shared caches may keep it."""
        site = make_site(SECRET_KEY="a key")

        @site.app.after_request
        def look(response: Response) -> Response:
            session.get("remember")
            return response

        def view() -> Response:
            response = Response("page")
            response.vary.add("Accept-Encoding")
            return response

        add(site, view)
        site.get("/page")
        answer = self._member(site).get("/page")
        assert cache_state(answer) == "HIT"
        assert answer.headers["Vary"] == "Accept-Encoding"

    @pytest.mark.parametrize("where", ["header", "body"])
    def test_one_that_leaves_a_trace_is(self, make_site: MakeSite, where: str) -> None:
        """What members get is their own."""
        site = make_site(SECRET_KEY="a key")

        @site.app.after_request
        def greet(response: Response) -> Response:
            user = session.get("user", "stranger")
            if where == "header":
                response.headers["X-User"] = user
            else:
                response.set_data(response.get_data() + f" for {user}".encode())
            return response

        add(site, lambda: "page")
        site.get("/page")
        answer = self._member(site).get("/page")
        assert "bob" in (answer.headers.get("X-User"), answer.text.split()[-1])
        assert cache_state(answer) == "BYPASS"

    def test_a_look_by_the_view_counts(self, make_site: MakeSite) -> None:
        """As ever."""
        site = make_site(SECRET_KEY="a key")
        add(site, lambda: f"{session.get('user')} {request.path}")
        site.get("/page")
        assert self._member(site).get("/page").text == "bob /page"
