"""The identity of a page, and the tags that it has by being where it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_isr.core.key import PREFIX_LEVELS
from flask_isr.core.key import PageKey
from flask_isr.core.key import path_tag
from flask_isr.core.key import prefix_tag
from flask_isr.core.key import rule_tag
from flask_isr.core.key import user_tag
from flask_isr.core.key import user_tags
from flask_isr.core.key import variant_tag
from flask_isr.core.key import variants_key_of
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            PageKey("/a", "/a", (("x", "1"), ("y", "2"))),
            PageKey("/a", "/a", (("x", "1&y=2"),)),
            id="ampersand in a value",
        ),
        pytest.param(
            PageKey("/a", "/a", (("x", "1"),)),
            PageKey("/a", "/a?x=1"),
            id="query in the path",
        ),
        pytest.param(
            PageKey("/a", "/a", (("x", ""),)), PageKey("/a", "/a"), id="empty value"
        ),
        pytest.param(PageKey("/a/b", "/c"), PageKey("/a", "/b/c"), id="rule and path"),
        pytest.param(
            PageKey("/a", "/a", (("x=", "1"),)),
            PageKey("/a", "/a", (("x", "=1"),)),
            id="equals sign in a name",
        ),
        pytest.param(
            PageKey("/a", "/a", namespace="one"),
            PageKey("/a", "/a", namespace="two"),
            id="site",
        ),
        pytest.param(
            PageKey("/a", "/a", (("x", "1"),), "", "a"),
            PageKey("/a", "/a", (("x", "2"),), "", "", "a"),
            id="host and view",
        ),
    ],
)
def test_keys_that_would_join_to_one_string_are_different_pages(
    one: PageKey, other: PageKey
) -> None:
    """A key is structured: no separator in a value makes two pages one."""
    assert one != other
    assert one.id != other.id
    if one.namespace == other.namespace:
        assert variant_tag(one) != variant_tag(other)


def test_a_variant_is_invalidated_for_all_applications() -> None:
    """Whoever asks for it may be configured otherwise than who serves the page."""
    keys = [
        PageKey("/a", "/a", (("x", "1"),), "one", "one.test", "home app.home"),
        PageKey("/a", "/a", (("x", "1"),), "two", "two.test", "home app.other"),
    ]
    assert keys[0].id != keys[1].id
    assert variant_tag(keys[0]) == variant_tag(keys[1])


@pytest.mark.slow
def test_the_id_is_the_same_in_every_process() -> None:
    """The row number of a page is a 63-bit hash that no restart changes."""
    program = "from flask_isr.testing.store_kit.records import FOX; print(FOX.id)"
    for seed in ("1", "2"):
        out = subprocess.check_output(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}
        )
        assert int(out) == FOX.id
    assert 0 <= FOX.id < 2**63


@given(
    st.text(),
    st.text(),
    st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple),
)
def test_a_key_survives_json(
    rule: str, path: str, query: tuple[tuple[str, str], ...]
) -> None:
    """A key read from JSON is the key that was written."""
    key = PageKey(rule, path, query)
    again = PageKey.from_json(json.loads(json.dumps(key.to_json())))
    assert (again, again.id) == (key, key.id)


def test_a_path_is_found_as_the_server_spells_it() -> None:
    """The path as bytes read as latin-1, which is how WSGI passes it."""
    key = PageKey("/<name>", "/caf%C3%A9")
    assert key.path_info == "/café".encode().decode("latin-1")


def test_a_page_carries_path_rule_and_prefixes() -> None:
    """The implicit tags: this variant, its path, its rule, and each path above it."""
    assert FOX.implicit_tags == {
        variant_tag(FOX),
        path_tag("/animals/fox"),
        rule_tag("/animals/<name>"),
        prefix_tag("/"),
        prefix_tag("/animals"),
        prefix_tag("/animals/fox"),
    }


def test_variants_share_the_path_and_nothing_else_of_their_own() -> None:
    """A path stands for all its variants, a variant for itself."""
    second = PageKey(FOX.rule, FOX.path, (("page", "2"),))
    assert set(second.own_tags) & set(FOX.own_tags) == {path_tag(FOX.path)}
    assert not set(FOX.own_tags) & OWL.implicit_tags


@pytest.mark.parametrize(
    ("prefix", "path", "below"),
    [
        ("/blog", "/blog", True),
        ("/blog", "/blog/", True),
        ("/blog/", "/blog/hello", True),
        ("/blog", "/blog/2026/hello", True),
        ("/blog", "/blogger", False),
        ("/blog/he", "/blog/hello", False),
        ("/blog/hello", "/blog", False),
        ("/", "/", True),
        ("/", "/anything/at/all", True),
    ],
)
def test_a_prefix_matches_whole_segments(prefix: str, path: str, below: bool) -> None:
    """``/blog`` is above ``/blog/hello`` and not above ``/blogger``."""
    assert (prefix_tag(prefix) in PageKey("/r", path).implicit_tags) is below


def test_the_number_of_prefixes_is_bounded_and_never_misses_a_page() -> None:
    """A very deep path has few tags; a prefix deeper than those hits more, not less."""
    path = "/d" * 500
    key = PageKey("/<path:p>", path)
    assert len(key.implicit_tags) <= PREFIX_LEVELS + 4
    for depth in (1, PREFIX_LEVELS, PREFIX_LEVELS + 1, 500):
        assert prefix_tag("/d" * depth) in key.implicit_tags


@pytest.mark.parametrize("level", range(1, PREFIX_LEVELS + 2))
def test_an_empty_segment_hides_no_page(level: int) -> None:
    """Wherever it stands, also where the deepest prefix ends."""
    path = "/d" * level + "//" + "/d" * PREFIX_LEVELS
    assert prefix_tag(path) in PageKey("/<path:p>", path).implicit_tags


def test_no_tag_of_the_application_is_an_implicit_one() -> None:
    """A CMS that sends ``path:/a`` as a tag expires no page by it."""
    sent = [
        "path:/animals/fox",
        "prefix:/",
        "rule:/animals/<name>",
        "tag:x",
        "ünï çode",
    ]
    tags = {user_tag(tag) for tag in sent}
    assert not tags & FOX.implicit_tags
    assert user_tags(tags | FOX.implicit_tags) == sorted(sent)


def test_a_key_reads_as_its_address() -> None:
    """People see path and query."""
    assert str(FOX) == "/animals/fox"
    assert str(PageKey("/a", "/a", (("p", "2"), ("q", "x")))) == "/a?p=2&q=x"


@given(st.text("ab.:/", max_size=6))
def test_no_two_places_share_a_shelf(place: str) -> None:
    """Wherever a host ends and a path begins: joined, ``a`` and ``.test/x`` would be
    ``a.test`` and ``/x``."""
    names = {variants_key_of(place)}
    for end in range(len(place) + 1):
        names.add(variants_key_of(place[end:], place[:end]))
    assert len(names) == len(place) + 2
