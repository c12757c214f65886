"""The state of the current application."""

from __future__ import annotations

import typing as t

from flask import current_app

if t.TYPE_CHECKING:
    from .state import State


def current_state() -> State:
    """The state of the current application.

    :raises RuntimeError: outside of an application context, or where the application has
        no Flask-ISR.
    """
    state = current_app.extensions.get("isr")
    if state is None:
        raise RuntimeError(
            f"the application {current_app.name!r} has no Flask-ISR: create it with"
            " ISR(app), or isr.init_app(app) in the application factory."
        )
    return t.cast("State", state)
