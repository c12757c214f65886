"""A blog with users, flashed messages and forms keeps working as its author expects.

Each test runs in one process with the tutorial's login and with Flask-Login, and on a
server with two processes. All visitors of the server share its pages, as in life.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import event

from tests.support import PATIENCE
from tests.system.servers.conftest import StartFarm
from tests.system.servers.running import Farm

from .blog import KEY
from .blog import create_app
from .blog.extensions import db
from .browser import Browser
from .browser import Page

pytestmark = pytest.mark.promise(8)

_names = (f"user{number}" for number in itertools.count(1))


class Blog:
    """The running blog.

    :param site: the application, or the address of its server.
    """

    def __init__(self, site: Flask | str) -> None:
        self.site = site

    def stranger(self) -> Browser:
        """Somebody who has never been here."""
        return Browser(self.site)

    def user(self, **form: str) -> tuple[Browser, str]:
        """Somebody who has registered and logged in, and his name."""
        browser, name = self.stranger(), next(_names)
        credentials = {"name": name, "password": "a password"}
        browser.submit("/auth/register", **credentials)
        welcome = browser.submit("/auth/login", **credentials, **form)
        assert f"Welcome, {name}!" in welcome.text
        return browser, name

    def write(self, author: Browser, title: str) -> str:
        """Publish a post, without looking at it as a stranger; its path."""
        author.submit("/create", title=title)
        text = author.get("/").text
        return text.split(f">{title}</a>")[0].rsplit('href="', 1)[1].split('"')[0]


def _prepare(folder: Path) -> None:
    """Make the database of a blog, before its processes start."""
    app = create_app(folder)
    with app.app_context():
        db.create_all()
        db.engine.dispose()
    app.extensions["isr"].store.close()
    with sqlite3.connect(folder / "blog.sqlite") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


@contextlib.contextmanager
def _running(folder: Path, **config: str) -> t.Iterator[Flask]:
    """The blog in this process."""
    _prepare(folder)
    app = create_app(folder, **config)
    yield app
    app.extensions["isr"].runner.drain(PATIENCE)
    app.extensions["isr"].store.close()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def farm(start_module_farm: StartFarm) -> Farm:
    """The blog with two processes."""
    return start_module_farm(
        "gthread",
        2,
        prepare=_prepare,
        app="tests.compat.apps.served:app",
        SITE_APP="blog",
    )


@pytest.fixture(
    params=[
        "by hand",
        "Flask-Login",
        pytest.param("server", marks=pytest.mark.xdist_group("apps-blog")),
    ]
)
def blog(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Blog]:
    """The blog, in each way."""
    if request.param == "server":
        farm: Farm = request.getfixturevalue("farm")
        yield Blog(f"http://127.0.0.1:{farm.servers[0].port}")
        return
    with _running(tmp_path, LOGIN=request.param) as app:
        yield Blog(app)


def seen(page: Page) -> tuple[str, str | None]:
    """Whose page it is, and its state."""
    name = page.text.split("<b>")[1].split("</b>")[0] if "<b>" in page.text else ""
    return name, page.state


def test_strangers_share_pages(blog: Blog) -> None:
    """The first one's render serves all that follow."""
    author, _ = blog.user()
    path = blog.write(author, "Shared")
    pages = [blog.stranger().get(path) for _ in range(3)]
    assert [seen(page) for page in pages] == [("", "MISS"), ("", "HIT"), ("", "HIT")]
    assert all("<h1>Shared</h1>" in page.text for page in pages)


def test_a_user_sees_his_name_and_nobody_else_does(blog: Blog) -> None:
    """Also where he is the first who asks for the page."""
    bob, name = blog.user()
    eve, other = blog.user()
    path = blog.write(bob, "Cold")
    for visitor in (bob, bob, eve):
        page = visitor.get(path)
        assert seen(page) == ({bob: name, eve: other}[visitor], "BYPASS")
        assert page.headers["Vary"] == "Cookie"
    stranger = blog.stranger()
    assert seen(stranger.get(path))[0] == ""
    assert seen(bob.get(path)) == (name, "BYPASS")
    assert seen(stranger.get(path)) == ("", "HIT")


def test_a_flashed_message_is_shown_once_to_its_visitor(blog: Blog) -> None:
    """The stored page never has it."""
    author, _ = blog.user()
    path = blog.write(author, "Flash")
    stranger = blog.stranger()
    stranger.get("/")
    assert "Saved." in author.submit(f"{path}/update", title="Flashed").text
    assert "Saved." not in author.get("/").text
    assert "flash" not in stranger.get("/").text
    assert "flash" not in stranger.get(path).text


def test_a_message_for_somebody_without_a_user_is_his_alone(blog: Blog) -> None:
    """A failed login flashes too; once it is shown he is a stranger as before."""
    visitor = blog.stranger()
    answer = visitor.submit("/auth/login", name="nobody", password="wrong")
    assert "Wrong name or password." in answer.text
    visitor.get("/")
    page = visitor.get("/")
    assert ("flash" in page.text, page.state) == (False, "HIT")


def test_who_logs_out_is_served_from_the_store_again(blog: Blog) -> None:
    """On the next load."""
    bob, name = blog.user()
    blog.stranger().get("/")
    assert seen(bob.get("/")) == (name, "BYPASS")
    bob.get("/auth/logout")
    assert seen(bob.get("/")) == ("", "HIT")


def _expired() -> str:
    """The cookie of a session that ended in 1970, signed as the blog signs it."""
    app = Flask(__name__)
    app.secret_key = KEY
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    with mock.patch("itsdangerous.timed.time.time", return_value=1.0):
        return str(signer.dumps({"user_id": 1, "_user_id": "1"}))


def test_made_up_cookies_render_nothing(blog: Blog) -> None:
    """Whether they were never signed, or belong to another key or time."""
    author, _ = blog.user()
    path = blog.write(author, "Forged")
    blog.stranger().get(path)
    foreign = "eyJ1c2VyX2lkIjoxfQ.aaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaa"
    for session in ("forged", foreign, _expired(), ""):
        page = blog.stranger().get(
            path, Cookie=f"session={session}; remember_token=1|0"
        )
        assert seen(page) == ("", "HIT")


def test_an_edit_is_on_the_next_load(blog: Blog) -> None:
    """On the post's page and on the front page, whoever asks."""
    author, _ = blog.user()
    path = blog.write(author, "Before the edit")
    stranger = blog.stranger()
    for place in ("/", path):
        stranger.get(place)
        assert "Before the edit" in stranger.get(place).text
    author.submit(f"{path}/update", title="After")
    for visitor in (stranger, author):
        for place in ("/", path):
            text = visitor.get(place).text
            assert "After" in text
            assert "Before the edit" not in text


def test_a_new_post_replaces_the_404_at_its_address(blog: Blog) -> None:
    """Somebody had asked for it too early."""
    author, _ = blog.user()
    last = int(blog.write(author, "Last")[1:])
    stranger = blog.stranger()
    for _ in range(2):
        early = stranger.get(f"/{last + 1}")
    assert (early.status, early.state) == (404, "HIT")
    assert blog.write(author, "Next") == f"/{last + 1}"
    assert "Next" in stranger.get(f"/{last + 1}").text


def test_a_revalidation_before_the_commit_is_as_good(blog: Blog) -> None:
    """What is deleted is gone on the next load, and its 404 is stored."""
    author, _ = blog.user()
    path = blog.write(author, "Doomed")
    stranger = blog.stranger()
    assert "Doomed" in stranger.get(path).text
    assert "Doomed" in stranger.get("/").text
    author.submit(f"{path}/update", to=f"{path}/delete")
    assert "Doomed" not in stranger.get("/").text
    assert stranger.get(path).status == 404
    assert (stranger.get(path).status, stranger.get(path).state) == (404, "HIT")


def test_forms_are_protected(blog: Blog) -> None:
    """Who sends no token, or somebody else's, is refused; nothing changes."""
    author, _ = blog.user()
    eve, _ = blog.user()
    path = blog.write(author, "Safe")
    token = eve.get("/token").text
    assert author.post(f"{path}/update", title="Hacked").status == 400
    assert author.post(f"{path}/update", title="x", csrf_token=token).status == 400
    assert "Safe" in author.get(path).text


def test_a_page_with_a_token_in_it_is_not_static(blog: Blog) -> None:
    """It is rendered for each visitor, and his token is good for him alone."""
    one, two = blog.stranger(), blog.stranger()
    for visitor in (one, two, one):
        assert visitor.get("/newsletter").state == "BYPASS"
        answer = visitor.submit("/newsletter", to="/subscribe", name="Ann")
        assert answer.text == "Ann has subscribed."
    other = two.get("/token").text
    assert one.post("/subscribe", name="Ann", csrf_token=other).status == 400


def test_a_static_page_can_have_a_form_whose_token_comes_later(blog: Blog) -> None:
    """The remedy: a small script asks a view of its own for the token."""
    visitor = blog.stranger()
    visitor.get("/contact")
    assert visitor.get("/contact").state == "HIT"
    token = visitor.get("/token").text
    answer = visitor.post("/subscribe", name="Ann", csrf_token=token)
    assert answer.text == "Ann has subscribed."
    # A session with nothing but a token is nobody's.
    assert visitor.get("/contact").state == "HIT"


def test_who_is_not_logged_in_is_sent_to_the_login(blog: Blog) -> None:
    """As without the extension."""
    page = blog.stranger().get("/create")
    assert "Who are you?" in page.text
    assert page.state is None


class TestServer:
    """What only more than one process can show."""

    pytestmark = pytest.mark.xdist_group("apps-blog")

    def test_an_edit_is_on_the_next_load_in_all_processes(self, farm: Farm) -> None:
        """As fresh, in each of them."""
        blog = Blog(f"http://127.0.0.1:{farm.servers[0].port}")
        author, _ = blog.user()
        path = blog.write(author, "Old")
        assert all(b"<h1>Old</h1>" in answer.body for answer in farm.ask_all(path))
        author.submit(f"{path}/update", title="New")
        for answer in farm.ask_all(path):
            assert b"<h1>New</h1>" in answer.body
            assert answer.state in ("HIT", "MISS")
        assert {answer.state for answer in farm.ask_all(path)} == {"HIT"}


def test_who_is_remembered_gets_his_own_page(tmp_path: Path) -> None:
    """After his session has ended: Flask-Login knows him by another cookie."""
    with _running(tmp_path, LOGIN="Flask-Login") as app:
        blog = Blog(app)
        bob, name = blog.user(remember="1")
        blog.stranger().get("/")
        bob.forget("session")
        assert seen(bob.get("/")) == (name, "BYPASS")
        assert seen(blog.stranger().get("/")) == ("", "HIT")


def test_who_comes_before_the_commit_leaves_no_old_page(tmp_path: Path) -> None:
    """His render is older than the end of the request that revalidated."""
    with _running(tmp_path) as app:
        blog = Blog(app)
        author, _ = blog.user()
        path, stranger = blog.write(author, "Doomed"), blog.stranger()
        between: list[Page] = []

        def visit(session: object) -> None:
            between.extend(stranger.get(place) for place in ("/", path))

        token = author.get("/token").text
        event.listen(db.session, "before_commit", visit)
        try:
            author.post(f"{path}/delete", csrf_token=token)
        finally:
            event.remove(db.session, "before_commit", visit)
        assert all("Doomed" in page.text for page in between)
        assert len(between) == 2
        assert "Doomed" not in stranger.get("/").text
        assert stranger.get(path).status == 404


def test_the_warning_names_the_page_with_the_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And says why it is not stored."""
    with _running(tmp_path) as app:
        Blog(app).stranger().get("/newsletter")
    assert "/newsletter" in caplog.text
    assert "it has a CSRF token (blog/posts.py:" in caplog.text
