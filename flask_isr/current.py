"""The runtime of the current application."""

from __future__ import annotations

import typing as t

from flask import current_app


def current_extension() -> t.Any:
    """The runtime of the current application, untyped; see :class:`.Runtime`.

    :raises RuntimeError: outside of an application context, or if the application has no
        Flask-ISR.
    """
    state = current_app.extensions.get("isr")
    if state is None:
        raise RuntimeError(
            f"the application {current_app.name!r} has no Flask-ISR: create it with"
            " ISR(app), or isr.init_app(app) in the application factory."
        )
    return state
