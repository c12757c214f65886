"""The README: what it shows works, what it names exists, and it is short."""

from __future__ import annotations

import re
import typing as t

import pytest

from flask_isr.config import DEFAULTS

from ..support import cache_state
from .programs import ROOT
from .programs import Start
from .programs import code
from .programs import get
from .programs import post

PAGE = ROOT / "README.rst"
README = PAGE.read_text("utf-8")


@pytest.fixture
def first_screen(start: Start) -> t.Any:
    """The application of the README's first screen."""
    return start(code(PAGE, "python"))


def test_it_is_short() -> None:
    """Who wants more reads the pages that it names."""
    assert len(README.splitlines()) <= 250


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


def test_browsers_are_told_what_the_readme_says(first_screen: t.Any) -> None:
    """To ask each time; and that nothing has changed, if nothing has."""
    for _ in range(2):
        answer = get(first_screen, "/products/1")
        assert f"``Cache-Control: {answer.headers['Cache-Control']}``" in README
    client = first_screen.app.test_client(use_cookies=False)
    known = {"If-None-Match": answer.headers["ETag"]}
    assert client.get("/products/1", headers=known).status_code == 304


def test_each_state_is_explained() -> None:
    """The four values of ``X-ISR-Cache``, in the order of the reference."""
    states = re.findall(r"^   \* - ``([A-Z]+)``$", README, re.MULTILINE)
    assert states == ["HIT", "STALE", "MISS", "BYPASS"]


def test_each_make_target_exists() -> None:
    """What the README tells to type is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:``|\$ )make ([a-z]+)", README))
    assert {"demo", "test"} <= named <= targets


def test_each_setting_that_is_mentioned_exists() -> None:
    """No setting of another version is left in the text."""
    assert set(re.findall(r"\bISR_[A-Z_]+\b", README)) <= set(DEFAULTS)


@pytest.mark.parametrize("link", sorted({*re.findall(r"<([\w./-]+)>`__", README)}))
def test_each_link_leads_to_a_file(link: str) -> None:
    """Of the repository."""
    assert (ROOT / link).is_file()


def test_each_guide_is_named() -> None:
    """Newcomers find their task on the first page."""
    guides = (ROOT / "docs" / "guides").glob("*.rst")
    linked = set(re.findall(r"<docs/guides/([\w-]+)\.rst>`__", README))
    assert linked == {guide.stem for guide in guides}
