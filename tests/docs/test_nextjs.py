"""The page "Coming from Next.js": what it calls Flask-ISR's is there."""

from __future__ import annotations

import ast
import inspect
import re
import typing as t

import pytest

import flask_isr
from flask_isr.cli import isr_commands
from flask_isr.config import DEFAULTS

from .programs import ROOT

TEXT = (ROOT / "docs" / "nextjs.rst").read_text("utf-8")
#: The second cell of each row, below that of the heading.
OURS = [
    " ".join(cell.split())
    for cell in re.findall(r"^     - ((?:.*\n(?!   \*))*.*\n?)", TEXT, re.MULTILINE)
][1:]
NAMES = sorted({name for cell in OURS for name in re.findall(r"``(.+?)``", cell)})
#: What is Flask's own, Flask-Caching's or a header.
OTHERS = {
    *("abort(404)", "redirect", "request", "@cache.memoize", "X-ISR-Cache"),
}
STATIC_PAGE = inspect.signature(flask_isr.static_page).parameters


def test_the_table_is_read() -> None:
    """Each row has a name of ours, or says that there is none."""
    assert len(OURS) == TEXT.count("   * - ") - 1
    assert all("``" in cell for cell in OURS)
    assert {*NAMES} >= OTHERS


def _call(text: str) -> None:
    """Demand that a function of ours takes the arguments in *text*."""
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    names = ast.unparse(call.func).split(".")
    function: t.Any = flask_isr
    if names[0] == "isr":
        names, function = names[1:], flask_isr.ISR()
    for name in names:
        function = getattr(function, name)
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    inspect.signature(function).bind(*call.args, **t.cast("t.Any", keywords))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OTHERS])
def test_it_is_there(name: str) -> None:
    """A setting, a command, an argument, a function, or a call of one."""
    if name.startswith("ISR_"):
        assert name in DEFAULTS
    elif name.startswith("flask isr "):
        assert name.removeprefix("flask isr ") in isr_commands.commands
    elif found := re.fullmatch(r"(\w+)=.*", name):
        assert found[1] in STATIC_PAGE
    elif "(" in name:
        _call(name.removeprefix("@"))
    elif name.startswith("isr."):
        assert hasattr(flask_isr.ISR(), name.removeprefix("isr."))
    else:
        assert name.removeprefix("@") in flask_isr.__all__
