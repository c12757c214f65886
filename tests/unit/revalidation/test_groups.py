"""What an answer names in ``Cache-Group-Invalidation``: RFC 9875."""

from __future__ import annotations

import typing as t

import pytest
from flask import Response

from flask_isr.errors import ConfigurationError
from flask_isr.http.groups import groups
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state
from tests.support.items import add_pages
from tests.support.items import send
from tests.support.items import stocked
from tests.support.items import texts


@pytest.fixture
def shop(make_site: MakeSite) -> Site:
    """A site with stored pages."""
    return stocked(make_site)


class TestGroups:
    """An answer names the groups (tags) that it changed."""

    @pytest.mark.parametrize("path", ["/items/1", "/elsewhere"])
    def test_pages_with_a_named_tag_expire(self, shop: Site, path: str) -> None:
        """From any URL of the site, static page or not."""
        send(shop, path, X_Groups='"item:2", "no such tag"')

        assert texts(shop, "/items/2") == ["new"]

    def test_groups_are_compared_letter_by_letter(self, shop: Site) -> None:
        """As RFC 9875 has it: another case is another group."""
        send(shop, "/elsewhere", X_Groups='"ITEMS"')

        assert texts(shop, "/items/2") == ["old"]

    def test_an_error_names_nothing(self, shop: Site) -> None:
        """The field counts on answers that report success."""
        send(shop, "/elsewhere?status=500", X_Groups='"items"')

        assert texts(shop, "/items/2") == ["old"]

    def test_a_safe_answer_names_nothing(self, site: Site) -> None:
        """RFC 9875, section 3: the field is ignored on answers to safe requests."""
        add_pages(site)

        @site.app.get("/dynamic")
        def dynamic() -> Response:
            return Response("x", headers={"Cache-Group-Invalidation": '"items"'})

        site.get("/items/2")
        site.get("/dynamic")

        assert cache_state(site.get("/items/2")) == "HIT"

    def test_it_can_be_turned_off(self, make_site: MakeSite) -> None:
        """``ISR_CACHE_GROUPS=False`` makes the field mean nothing."""
        site = make_site(ISR_CACHE_GROUPS=False)
        add_pages(site)
        site.get("/items/2")
        send(site, "/elsewhere", X_Groups='"items"')

        assert texts(site, "/items/2") == ["old"]

    @pytest.mark.parametrize("field", ['"item:2", items', '"item:2", ""'])
    def test_a_malformed_field_is_told(
        self, shop: Site, caplog: t.Any, field: str
    ) -> None:
        """Nothing is done by halves, and the log says why."""
        send(shop, "/elsewhere", X_Groups=field)

        assert texts(shop, "/items/2") == ["old"]
        assert "Cache-Group-Invalidation was ignored" in caplog.text


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", []),
        ('"a"', ["a"]),
        (' "a b" ,\t"c,d" ', ["a b", "c,d"]),
        (r'"a\"b\\c"', ['a"b\\c']),
        ('"a";x=1;y', ["a"]),
        (", ".join(f'"{n}"' for n in range(128)), [str(n) for n in range(128)]),
    ],
)
def test_a_list_of_strings_is_read(field: str, expected: list[str]) -> None:
    """RFC 8941, section 3.1."""
    assert groups(field) == expected


@pytest.mark.parametrize(
    "field",
    [
        "a",
        '"a',
        'a"',
        '"a" "b"',
        '"ä"',
        '"a\\b"',
        "('a')",
        '("a" "b")',
        "5",
        '"a";,;',
        ", ".join(f'"{n}"' for n in range(129)),
    ],
)
def test_what_is_no_list_of_strings_is_refused(field: str) -> None:
    """The whole field is ignored then."""
    with pytest.raises(ConfigurationError, match="no list of at most 128"):
        groups(field)


def test_a_hostile_field_is_refused_at_once() -> None:
    """Where the application names groups that strangers made up, they cannot keep it busy:
    with each character the time must not double."""
    with pytest.raises(ConfigurationError):
        groups('"a"' + ";" * 100_000 + '"')
