"""A site in three languages keeps them apart, in one process and in two."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.support import PATIENCE
from tests.system.servers.conftest import StartFarm
from tests.system.servers.running import Farm

from .babel import catalogs
from .babel import create_app
from .browser import Browser

pytestmark = pytest.mark.promise(8)

TEXTS = {
    "en": "Article 1 (first), May 1, 2026, en",
    "de": "Artikel 1 (first), 1. Mai 2026, de",
    "fr": "Texte 1 (first), 1 mai 2026, fr",
}


@pytest.fixture
def browser(tmp_path: Path) -> t.Iterator[Browser]:
    """A visitor of the site in one process."""
    catalogs.write(tmp_path)
    app = create_app(tmp_path)
    yield Browser(app)
    app.extensions["isr"].runner.drain(PATIENCE)
    app.extensions["isr"].store.close()


def test_each_language_is_a_page_of_its_own(browser: Browser) -> None:
    """Whatever the visitor's browser prefers."""
    for state in ("MISS", "HIT", "HIT"):
        for language, text in TEXTS.items():
            page = browser.get(f"/{language}/articles/1", Accept_Language="fr")
            assert (page.text, page.state) == (text, state)


def test_links_stay_in_the_language(browser: Browser) -> None:
    """``url_for`` in a render adds the page's own."""
    for language, welcome in {"en": "Welcome", "de": "Willkommen"}.items():
        expected = f"{welcome} <a href='/{language}/articles/1'>1</a>"
        for _ in range(2):
            page = browser.get(f"/{language}/")
            assert page.text == expected
        assert page.state == "HIT"


def test_an_unknown_language_is_no_page(browser: Browser) -> None:
    """The preprocessor answers for each visitor; nothing is stored for made-up ones."""
    for _ in range(2):
        page = browser.get("/xx/articles/1")
        assert (page.status, page.state) == (404, None)


def test_the_entrance_sends_each_visitor_to_his_language(browser: Browser) -> None:
    """It is not static: it looks at what the browser prefers."""
    assert "Bienvenue" in browser.get("/", Accept_Language="fr").text
    assert "Willkommen" in browser.get("/", Accept_Language="de").text


def test_a_new_edition_is_on_the_next_load_in_all_languages(browser: Browser) -> None:
    """One call by the rule, as it is written in the route."""
    for language in TEXTS:
        browser.get(f"/{language}/articles/1")
    browser.post("/publish/second")
    for language, text in TEXTS.items():
        page = browser.get(f"/{language}/articles/1")
        assert page.text == text.replace("first", "second")


def test_a_language_that_is_not_in_the_url(browser: Browser) -> None:
    """Every browser sends one: each visitor gets their own page, unstored."""
    first = browser.get("/about", Accept_Language="fr")
    later = browser.get("/about", Accept_Language="de")
    assert (first.text, later.text) == ("Bienvenue", "Willkommen")
    assert (first.state, later.state) == ("BYPASS", "BYPASS")
    browser.post("/language/de")
    page = browser.get("/about", Accept_Language="fr")
    assert (page.text, page.state) == ("Willkommen", "BYPASS")


@pytest.mark.xdist_group("apps-babel")
def test_all_of_it_in_two_processes(start_module_farm: StartFarm) -> None:
    """Each of them serves each language as it is, also after a new edition."""
    farm: Farm = start_module_farm(
        "sync",
        2,
        prepare=catalogs.write,
        app="tests.compat.apps.served:app",
        SITE_APP="babel",
    )
    visitor = Browser(f"http://127.0.0.1:{farm.servers[0].port}")
    for edition in ("first", "second"):
        visitor.post(f"/publish/{edition}")
        for language, text in TEXTS.items():
            expected = text.replace("first", edition).encode()
            answers = farm.ask_all(f"/{language}/articles/1")
            assert {answer.body for answer in answers} == {expected}
        states = {answer.state for answer in farm.ask_all("/de/articles/1")}
        assert states == {"HIT"}
