"""What the package offers by name is deliberate."""

from __future__ import annotations

from types import ModuleType

from blinker import NamedSignal

import flask_isr
from flask_isr import errors
from flask_isr import signals


def test_public_names_are_those_in_all() -> None:
    """``__all__`` lists the public names of the package, sorted, and no others."""
    public = [
        name
        for name, value in vars(flask_isr).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]

    assert flask_isr.__all__ == sorted(public)


def test_the_signals_are_four() -> None:
    """There is a signal for each thing that DESIGN names, and no other."""
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


def _is_signal(value: object) -> bool:
    return isinstance(value, NamedSignal)
