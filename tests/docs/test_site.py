"""The site: what Sphinx does not see of dead links is seen."""

from __future__ import annotations

import importlib.util
import typing as t
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parents[2] / "docs" / "_extensions" / "dead_links.py"


@pytest.fixture
def dead_links() -> t.Callable[[Path], list[str]]:
    """The function of the extension."""
    spec = importlib.util.spec_from_file_location("dead_links", EXTENSION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return t.cast("t.Callable[[Path], list[str]]", module.dead_links)


def write(site: Path, **pages: str) -> None:
    """Put *pages* into *site*, and one in a folder."""
    folder = site / "folder"
    folder.mkdir()
    (folder / "inner.html").write_text('<a href="../index.html#place">up</a>', "utf-8")
    (folder / "picture.svg").write_text("<svg/>", "utf-8")
    for name, body in pages.items():
        (site / f"{name}.html").write_text(body, "utf-8")


@pytest.mark.parametrize(
    "link",
    [
        "other.html",
        "other.html#there",
        "#place",
        "#",
        "folder/inner.html",
        "folder/picture.svg",
        "other.html#%74here",
        "https://example.com/nowhere#at-all",
        "//example.com/nowhere",
        "mailto:nobody@example.com",
    ],
)
def test_a_link_that_leads_somewhere_is_none(
    tmp_path: Path, dead_links: t.Callable[[Path], list[str]], link: str
) -> None:
    """To a page, a place, a file; other sites are not asked."""
    index = f'<p id="place"><a href="{link}">link</a></p>'
    write(tmp_path, index=index, other='<h1 id="there">Other</h1>')
    assert dead_links(tmp_path) == []


@pytest.mark.parametrize(
    "link",
    [
        "nowhere.html",
        "nowhere.rst",
        "#nowhere",
        "other.html#place",
        "folder/other.html",
        "folder/picture.svg#place",
    ],
)
def test_a_link_that_leads_nowhere_is_told(
    tmp_path: Path, dead_links: t.Callable[[Path], list[str]], link: str
) -> None:
    """Once for each page that has it."""
    index = f'<p id="place"><a href="{link}">link</a> <a href="{link}">again</a></p>'
    write(tmp_path, index=index, other='<h1 id="there">Other</h1>')
    assert dead_links(tmp_path) == [f"index.html: {link}"]


def test_a_picture_that_is_missing_is_told(
    tmp_path: Path, dead_links: t.Callable[[Path], list[str]]
) -> None:
    """It is no link, and leads somewhere all the same."""
    write(tmp_path, index='<p id="place"><img src="picture.svg"></p>')
    assert dead_links(tmp_path) == ["index.html: picture.svg"]
