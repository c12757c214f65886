"""The oldest releases that are tried are those that setup.py allows."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _install_requires() -> list[str]:
    """What setup.py says."""
    tree = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    (value,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "install_requires"
    )
    return t.cast(list[str], ast.literal_eval(value))


def test_the_oldest_of_each_dependency_is_tried() -> None:
    """A lower bound that is raised or lowered is so in both places."""
    lines = (ROOT / "requirements" / "oldest.txt").read_text("utf-8").splitlines()
    bounds = [line.replace("==", ">=") for line in lines]
    assert [need for need in _install_requires() if need not in bounds] == []
