"""What ``setup.py`` says, without running it."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

_SETUP = Path(__file__).parents[2] / "setup.py"


def setup_argument(name: str) -> t.Any:
    """An argument of ``setup()``."""
    tree = ast.parse(_SETUP.read_text("utf-8"))
    (value,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == name
    )
    return ast.literal_eval(value)
