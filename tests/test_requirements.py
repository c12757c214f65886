"""What the package imports is declared, and the oldest release of each is tried."""

from __future__ import annotations

import ast
import re
import sys
import typing as t
from importlib.metadata import packages_distributions
from pathlib import Path

from .support.setup import setup_argument

ROOT = Path(__file__).parents[1]

#: What is imported only where it is there already, to who brings it.
_BROUGHT: t.Final = {
    "_typeshed": "the type checker",
    "flask_login": "an application that signs visitors in by Flask-Login",
    "pytest": "a test that uses the fixture of flask_isr.testing",
    "uwsgi": "the server of that name",
}


def _distribution(need: str) -> str:
    """The name in "Flask-Caching>=2.5.1", as names are compared."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", need)[0]).lower()


def _imported() -> set[str]:
    """The top-level packages that flask_isr imports anywhere, but for Python's own."""
    names: set[str] = set()
    for path in (ROOT / "flask_isr").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import():
                    names.update(alias.name for alias in node.names)
                case ast.ImportFrom(module=str(module), level=0):
                    names.add(module)
                case ast.Call(
                    func=ast.Attribute(attr="import_module"),
                    args=[ast.Constant(value=str(module))],
                ):
                    names.add(module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    """Nothing is there by chance, because another package happens to need it."""
    imported = _imported()
    assert set(_BROUGHT) <= imported
    distributions = packages_distributions()
    used = {_distribution(distributions[name][0]) for name in imported - set(_BROUGHT)}
    extras = [
        need for needs in setup_argument("extras_require").values() for need in needs
    ]
    assert used == {
        _distribution(need) for need in (*setup_argument("install_requires"), *extras)
    }


def test_the_oldest_of_each_dependency_is_tried() -> None:
    """A lower bound that is raised or lowered is so in both places."""
    lines = (ROOT / "requirements" / "oldest.txt").read_text("utf-8").splitlines()
    bounds = [line.replace("==", ">=") for line in lines]
    assert [
        need for need in setup_argument("install_requires") if need not in bounds
    ] == []
