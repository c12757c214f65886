"""The page "Coming from Frozen-Flask": its applications make the same pages."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import textwrap
import typing as t
from pathlib import Path

import flask_frozen as frozen
import pytest
from flask import Flask

from ..support import PATIENCE
from ..support import cache_state

TEXT = (Path(__file__).parents[2] / "docs" / "frozen-flask.rst").read_text("utf-8")
BLOCKS = re.findall(
    r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", TEXT, re.MULTILINE
)
BEFORE, AFTER = map(textwrap.dedent, BLOCKS)
COMMANDS = re.findall(
    r"^    \$ flask (isr revalidate .*?)(?: +#.*)?$", TEXT, re.MULTILINE
)

Load: t.TypeAlias = t.Callable[[str], t.Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Load]:
    """Import an application from a folder that has content, as a new process would."""
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "hello.md").write_text("Hello, world!")
    (tmp_path / "content" / "prices.md").write_text("All prices have changed.")
    apps: list[Flask] = []

    def load(code: str) -> t.Any:
        file = tmp_path / "site_app.py"
        file.write_text(code, "utf-8")
        spec = importlib.util.spec_from_file_location("site_app", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "site_app", module)
        spec.loader.exec_module(module)
        apps.append(module.app)
        return module

    yield load
    for app in apps:
        if "isr" in app.extensions:
            state = app.extensions["isr"]
            state.runner.drain(PATIENCE)
            state.store.close()


def run(module: t.Any, command: str) -> str:
    """The output of ``flask`` *command*, which succeeds."""
    result = module.app.test_cli_runner().invoke(args=command.split())
    assert result.exit_code == 0, result.output
    return t.cast(str, result.output)


def get(module: t.Any, path: str) -> tuple[str, str | None]:
    """What a visitor gets, and how."""
    answer = module.app.test_client(use_cookies=False).get(path)
    return answer.text, cache_state(answer)


def test_both_make_the_same_pages(load: Load, tmp_path: Path) -> None:
    """Each file that the one freezes is a hit of the other, with the same content."""
    before = load(BEFORE)
    urls = before.freezer.freeze()
    files = {url: tmp_path / "build" / url[1:] / "index.html" for url in urls}
    assert set(urls) == {"/", "/hello/", "/prices/"}

    after = load(AFTER)
    assert "3 pages built" in run(after, "isr build")
    for url, file in files.items():
        assert get(after, url) == (file.read_text(), "HIT")
    assert get(after, "/nowhere/")[1] == "BYPASS"


def test_an_edit_shows_after_its_command(load: Load, tmp_path: Path) -> None:
    """The commands as they are written."""
    after = load(AFTER)
    run(after, "isr build")
    assert "/new/" not in get(after, "/")[0]
    edited, new = COMMANDS
    (tmp_path / "content" / "hello.md").write_text("Hello again!")
    assert get(after, "/hello/") == ("Hello, world!", "HIT")
    run(after, edited)
    assert get(after, "/hello/")[0] == "Hello again!"

    (tmp_path / "content" / "new.md").write_text("It is new.")
    assert get(after, "/new/")[1] == "BYPASS"
    run(after, new)
    assert get(after, "/new/")[0] == "It is new."
    assert "/new/" in get(after, "/")[0]


def test_a_deploy_with_new_content_is_noticed(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the files that ISR_BUILD_FILES names, and not without it."""
    from flask_isr.pages import fingerprint

    for setting, shown in (('["content/*.md"]', "New text."), ("[]", "Old text.")):
        code = AFTER.replace('["content/*.md"]', setting)
        (tmp_path / "content" / "hello.md").write_text("Old text.")
        old = load(code)
        run(old, "isr build --force")
        old.app.extensions["isr"].runner.drain(PATIENCE)
        (tmp_path / "content" / "hello.md").write_text("New text.")
        # In each process the files are read once.
        fingerprint._digest.cache_clear()
        new = load(code)
        run(new, "isr build")
        assert get(new, "/hello/")[0] == shown
        fingerprint._digest.cache_clear()
        shutil.rmtree(tmp_path / "instance")


def test_both_may_be_in_one_application(load: Load) -> None:
    """Files are frozen of static pages too."""
    after = load(AFTER)
    freezer = frozen.Freezer(after.app)

    freezer.register_generator(lambda: (("post", values) for values in after.posts()))
    assert freezer.freeze() == {"/", "/hello/", "/prices/"}
    assert (freezer.root / "hello" / "index.html").read_text() == "Hello, world!"


def test_each_of_its_settings_is_named() -> None:
    """All of them and no others."""
    app = Flask("frozen")
    frozen.Freezer(app)
    settings = {key for key in app.config if key.startswith("FREEZER_")}
    assert set(re.findall(r"\bFREEZER_[A-Z0-9_]+\b", TEXT)) == settings
