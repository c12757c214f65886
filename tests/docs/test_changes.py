"""The release notes: what they name exists, and the first release is short."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re

import flask_isr
from flask_isr.cli import isr_commands
from flask_isr.config import DEFAULTS

from .programs import ROOT

CHANGES = (ROOT / "CHANGES.rst").read_text("utf-8")
RELEASE, _, FROM_A_CHECKOUT = CHANGES.partition("\nIf you used a checkout")
#: One or more modules below ``flask_isr``, or a name in one of them.
DOTTED = re.compile(r"``(flask_isr(?:\.\w+)+)``")


def entries(text: str) -> list[str]:
    """The entries of a list, each in one line."""
    found = re.findall(r"^-   (.*(?:\n    .*)*)", text, re.MULTILINE)
    return [" ".join(entry.split()) for entry in found]


def exists(dotted: str) -> bool:
    """Whether *dotted* is a module, or a name in one."""
    if importlib.util.find_spec(dotted.rpartition(".")[0]) is None:
        return False
    if importlib.util.find_spec(dotted) is not None:
        return True
    module, _, name = dotted.rpartition(".")
    return hasattr(importlib.import_module(module), name)


def test_the_first_release_is_told_in_about_a_dozen_entries() -> None:
    """Whoever comes new reads no history."""
    assert 8 <= len(entries(RELEASE)) <= 13


def test_each_entry_is_whole_sentences() -> None:
    """No half sentence is left of an edit, in an entry or beside it."""
    for entry in entries(CHANGES):
        assert re.match(r"[A-Z`]", entry), entry
        assert entry.endswith("."), entry
        assert not re.search(r"\. [a-z]", entry), entry
    lines = [line for line in CHANGES.splitlines() if line.startswith(("-   ", "    "))]
    assert " ".join(" ".join(lines).split()) == "- " + " - ".join(entries(CHANGES))


def test_each_setting_exists() -> None:
    """No setting of an earlier version is left."""
    named = set(re.findall(r"\bISR_[A-Z_]+\b", CHANGES))
    assert named
    assert named <= set(DEFAULTS)


def test_each_command_is_named_and_no_other() -> None:
    """Those of ``flask isr``: by that name, or in a list that begins with it."""
    (listed,) = (entry for entry in entries(RELEASE) if "``flask isr routes``" in entry)
    named = set(re.findall(r"``flask isr ([a-z]+)", CHANGES))
    named |= set(re.findall(r"``([a-z]+)``", listed))
    assert named == set(isr_commands.commands)


def test_each_module_exists() -> None:
    """And each name that is said to be in one."""
    named = DOTTED.findall(CHANGES)
    assert named
    assert [name for name in named if not exists(name)] == []


def test_each_argument_of_the_decorator_exists() -> None:
    """What is written as ``name=`` or as a call."""
    known = {*inspect.signature(flask_isr.static_page).parameters}
    named = re.findall(r"``(?:@static_page\()?([a-z_]+)=", CHANGES)
    assert {"paths", "fallback", "ignore", "expire_on_write"} <= {*named} <= known
