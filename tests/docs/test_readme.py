"""The README: what it shows works, and what it names exists."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import textwrap
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_isr import static_page
from flask_isr.cli import isr_commands
from flask_isr.config import DEFAULTS

from ..support import PATIENCE
from ..support import SECRET
from ..support import cache_state

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.rst").read_text("utf-8")
AUTHORIZED = {"Authorization": f"Bearer {SECRET}"}

Start: t.TypeAlias = t.Callable[[t.Sequence[str]], t.Any]


def blocks(language: str) -> list[str]:
    """The code blocks of the README in *language*, in their order."""
    pattern = rf"^\.\. code-block:: {language}\n\n((?: {{4}}.*\n|\n)+)"
    return [
        textwrap.dedent(block) for block in re.findall(pattern, README, re.MULTILINE)
    ]


PYTHON = blocks("python")
CONSOLE = "\n".join(blocks("console"))


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Start]:
    """Write code blocks into a module of their own, and import that."""
    monkeypatch.setenv("FLASK_ISR_SECRET", SECRET)
    apps: list[Flask] = []

    def start(code: t.Sequence[str]) -> t.Any:
        file = tmp_path / "app.py"
        file.write_text("\n\n".join(code), "utf-8")
        spec = importlib.util.spec_from_file_location("readme_app", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # Flask looks there for the folder of the module, and puts its own beside it.
        monkeypatch.setitem(sys.modules, "readme_app", module)
        spec.loader.exec_module(module)
        apps.append(module.app)
        return module

    yield start
    for app in apps:
        state = app.extensions["isr"]
        state.runner.drain(PATIENCE)
        state.store.close()


@pytest.fixture
def first_screen(start: Start) -> t.Any:
    """The application of the README's first screen."""
    return start(PYTHON[:1])


@pytest.fixture
def tour(start: Start) -> t.Any:
    """The application of the whole README."""
    return start(PYTHON)


def get(module: t.Any, path: str) -> TestResponse:
    """GET *path* as a stranger."""
    client: FlaskClient = module.app.test_client(use_cookies=False)
    return client.get(path)


def post(module: t.Any, path: str, **kwargs: t.Any) -> TestResponse:
    """POST to *path*."""
    client: FlaskClient = module.app.test_client(use_cookies=False)
    return client.post(path, **kwargs)


# -- the first screen -------------------------------------------------------------------


def test_the_first_screen_shows_the_application_and_both_commands() -> None:
    """All that a newcomer needs is in the first fifty lines."""
    screen = README.splitlines()[:50]
    for needed in ("@static_page", "revalidate_path", "make demo", "make test"):
        assert any(needed in line for line in screen), needed


def test_a_page_is_rendered_once_and_then_served_from_the_store(
    first_screen: t.Any,
) -> None:
    """The first visitor gets MISS, the second HIT, and the same page."""
    first = get(first_screen, "/products/1")
    first_screen.prices[1] = 99
    second = get(first_screen, "/products/1")
    assert (first.status_code, cache_state(first)) == (200, "MISS")
    assert (second.status_code, cache_state(second)) == (200, "HIT")
    assert first.text == second.text == "Product 1 costs 20."


def test_an_edit_shows_at_the_next_load(first_screen: t.Any) -> None:
    """The view that changes the data calls revalidate_path."""
    get(first_screen, "/products/1")
    assert post(first_screen, "/products/1", data={"price": 25}).text == "Saved."
    assert get(first_screen, "/products/1").text == "Product 1 costs 25."


def test_what_is_not_there_is_404(first_screen: t.Any) -> None:
    """The view's own 404 reaches its visitor."""
    assert get(first_screen, "/products/3").status_code == 404


def test_the_route_renews_a_page_for_who_knows_the_secret(first_screen: t.Any) -> None:
    """It answers 401 without the secret; with it, the next load shows the change."""
    get(first_screen, "/products/2")
    first_screen.prices[2] = 35
    refused = get(first_screen, "/api/revalidate?path=/products/2&secret=wrong")
    assert refused.status_code == 401
    assert get(first_screen, "/products/2").text == "Product 2 costs 30."
    done = get(first_screen, f"/api/revalidate?path=/products/2&secret={SECRET}")
    assert done.get_json()["revalidated"] is True
    renewed = get(first_screen, "/products/2")
    assert (renewed.text, cache_state(renewed)) == ("Product 2 costs 35.", "HIT")


# -- the tour ---------------------------------------------------------------------------


def test_each_page_of_the_tour_is_stored(tour: t.Any) -> None:
    """Every static page that the README declares gives MISS, then HIT."""
    for path in (
        "/",
        "/offers",
        "/products/1",
        "/products/1/similar",
        "/search?page=2",
    ):
        assert [cache_state(get(tour, path)) for _ in range(2)] == ["MISS", "HIT"], path


def test_the_import_renews_what_it_changes(tour: t.Any) -> None:
    """By tag, by rule and by path, for who knows the secret."""
    for path in ("/", "/offers", "/products/1"):
        get(tour, path)
    assert post(tour, "/import").status_code == 401
    assert post(tour, "/import", headers=AUTHORIZED).text == "Imported."
    assert get(tour, "/").text == "We have 3 products."
    assert get(tour, "/offers").text == "From 10."
    assert get(tour, "/products/1").text == "Product 1 costs 25."


def test_the_call_with_several_targets_renews_all(tour: t.Any) -> None:
    """The JSON that the README sends with curl is understood."""
    sent = re.search(r"-d '(\{.*\})'", CONSOLE)
    assert sent is not None
    for path in ("/", "/offers", "/products/1"):
        get(tour, path)
    tour.prices.update({1: 5, 4: 40})
    answer = post(
        tour,
        "/api/revalidate",
        data=sent[1],
        content_type="application/json",
        headers=AUTHORIZED,
    )
    assert answer.get_json()["revalidated"] is True
    assert get(tour, "/").text == "We have 3 products."
    assert get(tour, "/offers").text == "From 5."
    assert get(tour, "/products/1").text == "Product 1 costs 5."


def test_a_new_post_appears_after_its_webhook(tour: t.Any) -> None:
    """The closed list gives 404 without a render, and is asked again by the webhook."""
    assert get(tour, "/blog/hello").text == "Hello, world!"
    tour.posts["new"] = "It is new."
    assert get(tour, "/blog/new").status_code == 404
    message = {"entry": {"slug": "new"}}
    assert post(tour, "/webhooks/cms", json=message).status_code == 401
    answer = post(tour, "/webhooks/cms", json=message, headers=AUTHORIZED)
    assert answer.get_json() == {"revalidated": True}
    assert get(tour, "/blog/new").text == "It is new."


def test_a_post_that_is_gone_is_gone_after_its_webhook(tour: t.Any) -> None:
    """The view makes a 404 of it, which replaces the page."""
    assert get(tour, "/blog/hello").status_code == 200
    del tour.posts["hello"]
    message = {"entry": {"slug": "hello"}}
    post(tour, "/webhooks/cms", json=message, headers=AUTHORIZED)
    assert get(tour, "/blog/hello").status_code == 404


def test_a_link_with_a_token_renews_its_page(tour: t.Any) -> None:
    """That page, and no other."""
    get(tour, "/products/1")
    tour.prices[1] = 77
    link = get(tour, "/admin/links/1").text
    assert get(tour, link).get_json()["revalidated"] is True
    assert get(tour, "/products/1").text == "Product 1 costs 77."
    assert get(tour, link.replace("products/1", "products/2")).status_code == 401


def test_tags_from_inside_find_the_page(tour: t.Any) -> None:
    """A page is renewed by the tag of a row that it shows."""
    get(tour, "/products/1/similar")
    tour.prices[3] = 10
    with tour.app.app_context():
        tour.revalidate_tag("product:2")
    assert get(tour, "/products/1/similar").get_json() == {"similar": [2, 3]}


def test_undeclared_parameters_make_no_pages(tour: t.Any) -> None:
    """utm_source changes nothing; page is a page of its own."""
    assert get(tour, "/search?page=2").text == "Page 2."
    same = get(tour, "/search?utm_source=mail&page=2")
    assert (same.text, cache_state(same)) == ("Page 2.", "HIT")
    assert get(tour, "/search?page=3").text == "Page 3."


def test_the_factory_makes_an_application(tour: t.Any) -> None:
    """It has the revalidate route."""
    rules = [rule.rule for rule in tour.create_app().url_map.iter_rules()]
    assert "/api/revalidate" in rules


def test_the_build_renders_the_pages_that_are_known_ahead(tour: t.Any) -> None:
    """`flask isr build` renders paths, and rules without variables."""
    result = tour.app.test_cli_runner().invoke(args=["isr", "build"])
    assert result.exit_code == 0, result.output
    for path in ("/", "/offers", "/search", "/blog/hello", "/blog/prices"):
        assert cache_state(get(tour, path)) == "HIT", path


SKIPPED = "@isr.skip_on_hit\n"


class Users(dict[int, str]):
    """Users that note how often one of them is looked for."""

    looks = 0

    def get(self, number: t.Any, default: t.Any = None) -> t.Any:
        """The user called *number*."""
        self.looks += 1
        return super().get(number, default)


@pytest.mark.parametrize(("marked", "looks"), [(True, 0), (False, 3)])
def test_the_hook_of_the_tutorial_runs_on_no_hit(
    start: Start, marked: bool, looks: int
) -> None:
    """Without its one line, each hit enters Flask for it."""
    code = [block if marked else block.replace(SKIPPED, "") for block in PYTHON]
    assert any(SKIPPED in block for block in PYTHON)
    tour = start(code)
    get(tour, "/")
    users = tour.users = Users(tour.users)
    assert [cache_state(get(tour, "/")) for _ in range(3)] == ["HIT"] * 3
    assert users.looks == looks


def test_the_hook_still_knows_who_is_logged_in(tour: t.Any) -> None:
    """The view answers them, and has what the hook prepared."""
    tour.app.secret_key = "a key"

    app: Flask = tour.app

    @app.get("/hello")
    @static_page()
    def hello() -> str:
        return f"Hello, {tour.g.user or 'whoever you are'}."

    get(tour, "/hello")
    assert cache_state(get(tour, "/hello")) == "HIT"
    ada = tour.app.test_client()
    with ada.session_transaction() as session:
        session["user_id"] = 1
    answer = ada.get("/hello")
    assert (answer.text, cache_state(answer)) == ("Hello, Ada.", "BYPASS")
    assert get(tour, "/hello").text == "Hello, whoever you are."


# -- what is named ----------------------------------------------------------------------


def test_each_make_target_exists() -> None:
    """What the README tells to type is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:``|\$ )make ([a-z]+)", README))
    assert {"demo", "test"} <= named <= targets


def test_each_command_exists_and_is_named() -> None:
    """The README lists the commands of `flask isr`, all of them and no others."""
    named = set(re.findall(r"^``flask isr ([a-z]+)", README, re.MULTILINE))
    assert named == set(isr_commands.commands)


def test_each_setting_exists_and_is_named() -> None:
    """The README lists the settings, all of them and no others."""
    listed = re.findall(r"^   \* - ``(ISR_[A-Z_]+)``", README, re.MULTILINE)
    assert listed == list(DEFAULTS)


def test_each_argument_of_the_decorator_is_named() -> None:
    """All of them and no others."""
    start = README.index("The arguments of ``@static_page``")
    table = README[start : README.index("\n\n\n", start)]
    listed = re.findall(r"^   \* - ``([a-z_]+)``", table, re.MULTILINE)
    assert set(listed) == set(inspect.signature(static_page).parameters)


def test_each_setting_that_is_mentioned_exists() -> None:
    """No setting of another version is left in the text."""
    assert set(re.findall(r"\bISR_[A-Z_]+\b", README)) == set(DEFAULTS)
