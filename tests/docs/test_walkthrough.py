"""What follows the tutorial sees each difference between the page and what happens."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from .walkthrough import Block
from .walkthrough import Reader
from .walkthrough import blocks
from .walkthrough import merged
from .walkthrough import typed


@pytest.fixture
def reader(tmp_path: Path) -> t.Iterator[Reader]:
    """A reader whose folder is there already."""
    (tmp_path / "site").mkdir()
    reader = Reader(tmp_path, "site")
    yield reader
    reader.close()


def console(text: str) -> Block:
    """A block that is typed into the second terminal."""
    return Block("console", "Second terminal", text, 1)


def test_it_finds_files_and_terminals_in_their_order(tmp_path: Path) -> None:
    """Blocks without a caption are no part of it."""
    page = tmp_path / "page.rst"
    page.write_text(
        "Title\n=====\n\n"
        '.. code-block:: json\n   :caption: posts.json\n\n   {\n     "a": 1\n   }\n\n'
        ".. code-block:: console\n\n   $ left out\n\n"
        ".. code-block:: console\n   :caption: First terminal\n\n   $ ls\n\nText.\n"
    )
    assert blocks(page) == [
        Block("json", "posts.json", '{\n  "a": 1\n}\n', 4),
        Block("console", "First terminal", "$ ls\n", 15),
    ]


def test_commands_are_told_from_what_they_show() -> None:
    """A backslash goes on, a comment is not typed."""
    text = "^C\n$ one  # why\nshown\n\n$ two \\\n    three\n"
    assert [*typed(text)] == [("^C", ""), ("one", "shown\n\n"), ("two three", "")]


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param("one\ntwo\nthree\n", id="all of it"),
        pytest.param("one\n…\n", id="left out lines"),
        pytest.param("…\nth…\n", id="left out words"),
        pytest.param("", id="nothing is shown"),
    ],
)
def test_what_is_shown_may_be_less(reader: Reader, shown: str) -> None:
    """What is left out may be anything."""
    reader.follow(console(f"$ printf 'one\\ntwo\\nthree\\n'\n{shown}"))


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param("one\nthree\n", id="a line is missing"),
        pytest.param("one\ntwo\nfour\n", id="another word"),
        pytest.param("…\nthree\nfour\n", id="a line too many"),
        pytest.param("two\n…\n", id="the beginning is missing"),
    ],
)
def test_what_is_shown_may_not_be_wrong(reader: Reader, shown: str) -> None:
    """The line of the page is named."""
    with pytest.raises(AssertionError, match="line 1"):
        reader.follow(console(f"$ printf 'one\\ntwo\\nthree\\n'\n{shown}"))


def test_numbers_that_vary_are_not_compared(reader: Reader) -> None:
    """Their sign is."""
    reader.follow(console("$ echo 'ttl=58, 12 ms'\nttl=60, 7 ms\n"))
    with pytest.raises(AssertionError):
        reader.follow(console("$ echo ttl=-2\nttl=2\n"))


def test_a_time_that_is_shown_twice_is_one_time(reader: Reader) -> None:
    """So a page that was rendered anew is not taken for the stored one."""
    reader.follow(console("$ echo 'Rendered at 11:11:11.'\nRendered at 10:00:00.\n"))
    reader.follow(console("$ echo 'Rendered at 11:11:12.'\nRendered at 10:00:01.\n"))
    reader.follow(console("$ echo 'Rendered at 11:11:11.'\nRendered at 10:00:00.\n"))
    with pytest.raises(AssertionError):
        reader.follow(
            console("$ echo 'Rendered at 11:11:12.'\nRendered at 10:00:00.\n")
        )


def test_a_terminal_remembers(reader: Reader) -> None:
    """Its folder and its variables, as a reader's does, and not those of the other."""
    reader.follow(console("$ cd site\n$ export COLOUR=red\n$ echo $COLOUR\nred\n"))
    other = Block("console", "First terminal", "$ echo -$COLOUR-\n--\n", 2)
    reader.follow(other)


def test_a_change_of_a_program_replaces_what_has_its_name() -> None:
    """What is new stands where the change has it; imports stand first."""
    program = "import one\n\nx = 1\n\ndef f(): ...\n\ndef g():\n    return 2\n"
    change = "import two\n\nx = 2\n\ny = x\n\n@y\ndef g(): ...\n\ny.z()\n"
    assert [line for line in merged(program, change).splitlines() if line] == [
        *("import one", "import two", "x = 2", "y = x"),
        *("def f(): ...", "@y", "def g(): ...", "y.z()"),
    ]


def test_a_change_may_begin_with_what_is_new() -> None:
    """It stands above what follows it in the change."""
    program = "x = 1\n\ny = 2\n"
    assert merged(program, "z = 3\n\ny = z\n") == "x = 1\n\nz = 3\n\ny = z\n"
