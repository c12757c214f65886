"""Programs that the documentation shows, made into modules that can be tried."""

from __future__ import annotations

import importlib.util
import sys
import typing as t
from pathlib import Path

import pytest
from flask import Flask

from ..support import PATIENCE
from ..support import SECRET
from .programs import Start


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Start]:
    """Write code blocks into a module of their own, and import that."""
    monkeypatch.setenv("FLASK_ISR_SECRET", SECRET)
    apps: list[Flask] = []

    def start(code: t.Sequence[str]) -> t.Any:
        file = tmp_path / "app.py"
        file.write_text("\n\n".join(code), "utf-8")
        spec = importlib.util.spec_from_file_location("readme_app", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # Flask looks there for the folder of the module, and puts its own beside it.
        monkeypatch.setitem(sys.modules, "readme_app", module)
        spec.loader.exec_module(module)
        apps.append(module.app)
        return module

    yield start
    for app in apps:
        state = app.extensions["isr"]
        state.runner.drain(PATIENCE)
        state.store.close()
