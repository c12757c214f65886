"""What the package offers by name is deliberate."""

from __future__ import annotations

import re
import typing as t
from importlib import import_module
from types import ModuleType

import pytest
from blinker import NamedSignal
from flask import Flask

import flask_isr
from flask_isr import errors
from flask_isr import signals
from flask_isr import typing as types
from flask_isr.testing import ISRTester
from flask_isr.testing import MemoryStore


def test_public_names_are_those_in_all() -> None:
    """``__all__`` lists the public names of the package, sorted, and no others."""
    public = [
        name
        for name, value in vars(flask_isr).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]

    assert flask_isr.__all__ == sorted(public)


def test_the_signals_are_four() -> None:
    """There is one for each thing that the reference describes, and no other."""
    names = [name for name, value in vars(signals).items() if _is_signal(value)]

    assert names == ["page_rendered", "render_failed", "stale_served", "revalidated"]


def test_every_exception_is_public() -> None:
    """An exception that users can meet can be imported from the package."""
    exceptions = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }

    assert exceptions <= set(flask_isr.__all__)


def test_types_for_annotations_are_those_in_all() -> None:
    """``__all__`` lists the names of ``flask_isr.typing``, sorted, and no others."""
    assert types.__all__ == sorted(name for name in vars(types) if name[0] != "_")


class _Runner:
    """What an application writes, by the protocol that is public."""

    def submit(self, job: t.Callable[[], None]) -> bool:
        return self.spawn(job)

    def spawn(self, job: t.Callable[[], None]) -> bool:
        job()
        return True

    def drain(self, timeout: float) -> bool:
        return True

    def tend(self) -> None:
        """Nothing ever hangs."""


def test_types_fit_what_they_are_for() -> None:
    """A type checker takes this: a runner, a store, a mode and a match of a user's."""
    runner: types.Runner = _Runner()
    store: types.Store = MemoryStore()
    store.close()
    mode: types.Mode = "stale"
    match: types.MatchKind = "prefix"
    app = Flask(__name__)
    app.config["ISR_RUNNER"] = runner
    flask_isr.ISR(app)
    with ISRTester(app), app.app_context():
        flask_isr.revalidate_path("/", match=match, mode=mode)


def test_a_name_in_a_message_can_be_imported() -> None:
    """The error about ``ISR_RUNNER`` names the protocol where users find it."""
    app = Flask(__name__)
    app.config["ISR_RUNNER"] = "threads"
    with pytest.raises(errors.ConfigurationError) as caught:
        flask_isr.ISR(app)
    (name,) = re.findall(r"\bflask_isr(?:\.\w+)+", str(caught.value))
    assert name == "flask_isr.typing.Runner"
    module, _, attribute = name.rpartition(".")
    assert getattr(import_module(module), attribute) is types.Runner


def _is_signal(value: object) -> bool:
    return isinstance(value, NamedSignal)
