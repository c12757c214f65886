"""What is imported for those who use it, and for nobody else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Imported by few sites, and by none that keeps pages in the embedded store.
SELDOM = {"cachelib", "flask_caching", "flask_isr.typing", "requests", "urllib3"}

_SITE = """
from flask import Flask
from flask_isr import ISR, static_page

app = Flask("site", instance_path={folder!r})
app.config["ISR_ENABLED"] = True
app.config["ISR_CACHE"] = {cache!r}
ISR(app)


@app.get("/")
@static_page()
def home():
    return "home"


for state in ("MISS", "HIT"):
    answer = app.test_client().get("/")
    assert answer.text == "home"
    assert answer.headers["X-ISR-Cache"] == state, answer.headers
"""

_COMMAND = """
done = app.test_cli_runner().invoke(args=["isr", "{command}"])
assert done.exit_code == 0, done.output
"""


def imported(code: str) -> set[str]:
    """Those in `SELDOM` that *code* has imported in a fresh interpreter."""
    code += "\nimport sys; print('imported', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    _, _, names = done.stdout.rpartition("imported ")
    return SELDOM & set(names.split())


def test_the_package_imports_none_of_them() -> None:
    """Whoever imports it starts as fast as if they were not there."""
    assert imported("from flask_isr import ISR") == set()


def test_a_site_with_the_embedded_store_imports_none(tmp_path: Path) -> None:
    """Not when the extension starts, nor with a miss or a hit."""
    assert imported(_SITE.format(folder=str(tmp_path), cache=None)) == set()


@pytest.mark.parametrize("command", ["routes", "pages", "build", "doctor"])
def test_commands_on_it_import_none(tmp_path: Path, command: str) -> None:
    """They work on the embedded store, too."""
    code = _SITE.format(folder=str(tmp_path), cache=None)
    code += _COMMAND.format(command=command)
    assert imported(code) == set()


def test_a_site_with_a_backend_imports_it_at_its_start(tmp_path: Path) -> None:
    """And not while a visitor waits; only to show that this test would see it."""
    cache = {"CACHE_TYPE": "SimpleCache"}
    whole = _SITE.format(folder=str(tmp_path), cache=cache)
    start, _, _ = whole.partition("@app.get")
    assert imported(start) == {"cachelib", "flask_caching"}
    assert imported(whole) == {"cachelib", "flask_caching"}
