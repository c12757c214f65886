"""What contributors are told holds: files, commands, versions of Python."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from .support.setup import setup_argument

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.rst").read_text("utf-8")
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (
        ROOT / "CONTRIBUTING.rst",
        ROOT / "SECURITY.md",
        *sorted((ROOT / ".github").rglob("*.md")),
    )
}

#: What begins like a file of this repository, and is not built; "…" stands for a part of
#: the reader's own.
_FILE = re.compile(
    r"(?<![\w/.])((?:flask_isr|docs|tests|requirements|example_app|benchmarks|\.ci)"
    r"/(?!_build)[\w./-]*[\w/]|[A-Z]{4,}\.(?:rst|md)|setup\.py|pyproject\.toml)(?![\w…])"
)


def _pythons() -> list[str]:
    """The releases of Python that ``setup.py`` names."""
    start = "Programming Language :: Python :: 3."
    return [
        name.rpartition(" ")[2]
        for name in setup_argument("classifiers")
        if name.startswith(start)
    ]


def _yaml(name: str) -> t.Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("where", TEXTS)
def test_each_file_that_is_named_exists(where: str) -> None:
    """Nobody is sent to a file that has moved."""
    for name in _FILE.findall(TEXTS[where]):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("where", TEXTS)
def test_each_target_of_make_that_is_named_exists(where: str) -> None:
    """What is told to type can be typed."""
    named = set(re.findall(r"make ([a-z-]+)(?: *#|[`\s]* ARGS|`)", TEXTS[where]))
    assert named <= _targets()


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_each_target_of_make_is_in_its_help() -> None:
    """And the help names no others."""
    listed = re.findall(r"^\t@echo 'make ([a-z-]+)", MAKEFILE, re.MULTILINE)
    assert set(listed) == _targets() - {"help"}
    assert len(listed) == len(set(listed))


def test_what_is_run_at_each_commit_are_targets_of_make() -> None:
    """Nothing is fetched for it, and nothing is checked otherwise than by hand."""
    (repository,) = _yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"] == f"make --silent {hook['id']}"
        assert hook["id"] in _targets()
        assert f"``make {hook['id']}``" in CONTRIBUTING


def test_the_forge_tries_each_python_that_is_promised() -> None:
    """The oldest of them is the one that is required."""
    (job,) = _yaml(".github/workflows/ci.yml")["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == _pythons()
    assert setup_argument("python_requires") == f">={_pythons()[0]}"


def test_the_forge_runs_what_is_run_by_hand() -> None:
    """It has no steps of its own but to get the code and a Python."""
    (job,) = _yaml(".github/workflows/ci.yml")["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert [command.split()[-1] for command in commands] == [".ci/run"]


@pytest.mark.parametrize("version", _pythons())
def test_make_looks_for_each_python(version: str) -> None:
    """By the name that it has if several are installed."""
    assert f"python{version}" in MAKEFILE


def test_the_published_source_has_what_its_tests_read() -> None:
    """The papers, and the folders of the forge and the checks."""
    manifest = (ROOT / "MANIFEST.in").read_text("utf-8").split()
    for name in ("CONTRIBUTING.rst", "SECURITY.md", ".pre-commit-config.yaml"):
        assert name in manifest
    assert ".github" in manifest


def test_the_tests_of_a_room_need_no_server() -> None:
    """What ``tests/unit`` imports of the other tests starts no program of others."""
    apart = ("tests.system", "tests.compat", "tests.support.services")
    for path in (ROOT / "tests/unit").rglob("*.py"):
        for name in _all_imported(path):
            assert not f"{name}.".startswith(tuple(f"{one}." for one in apart)), path


def _all_imported(path: Path) -> t.Iterator[str]:
    """The full names of all that the module at *path* imports, in functions as well."""
    here = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.md")),
    ids=lambda path: path.stem,
)
def test_each_template_says_what_it_is_for(path: Path) -> None:
    """The forge lists them by name and purpose, and offers none without."""
    _, head, text = path.read_text("utf-8").split("---\n", 2)
    assert set(yaml.safe_load(head)) == {"name", "about"}
    assert text.strip()


def _rooms() -> list[str]:
    """The folders of the package, in the order in which they are listed."""
    start = CONTRIBUTING.index("The folders of ``flask_isr``")
    end = CONTRIBUTING.index("The modules beside them")
    return re.findall(r"^   \* - ``([a-z]+)``$", CONTRIBUTING[start:end], re.MULTILINE)


def test_each_folder_of_the_package_is_described() -> None:
    """And none that is not there."""
    folders = {path.parent.name for path in (ROOT / "flask_isr").glob("*/__init__.py")}
    assert sorted(_rooms()) == sorted(folders)


@pytest.mark.parametrize("room", _rooms())
def test_each_folder_has_its_tests_in_one_of_its_name(room: str) -> None:
    """Who changes the folder finds them there."""
    assert list((ROOT / "tests/unit" / room).rglob("test_*.py"))


def test_tests_of_a_folder_that_has_gone_are_not_left_behind() -> None:
    """Each folder of ``tests/unit`` has the name of a folder or module of the package."""
    for path in (ROOT / "tests/unit").glob("*/__init__.py"):
        tested = ROOT / "flask_isr" / path.parent.name
        assert tested.is_dir() or tested.with_suffix(".py").is_file(), path


@pytest.mark.parametrize("room", _rooms())
def test_a_folder_imports_those_below_it_alone(room: str) -> None:
    """As the list says."""
    rooms = _rooms()
    above = set(rooms[: rooms.index(room)])
    for path in (ROOT / "flask_isr" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                imported = _imported(path, node)
                assert imported not in above, f"{path}:{node.lineno}"


def _imported(path: Path, node: ast.ImportFrom) -> str:
    """What of the package *node* imports from: a folder or a module of it."""
    here = path.relative_to(ROOT / "flask_isr").parts[:-1]
    base = here[: len(here) - node.level + 1]
    return (*base, *(node.module or node.names[0].name).split("."))[0]
