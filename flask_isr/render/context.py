"""The render that runs in this context, if one does."""

from __future__ import annotations

import contextvars

from flask import has_request_context
from flask import request

#: The environ key under which the synthetic request has its render.
CAPTURE = "flask_isr.capture"

#: The render that is going on in this context.
current_render: contextvars.ContextVar[object | None] = contextvars.ContextVar(
    "flask_isr.capture", default=None
)


def rendering() -> bool:
    """Whether a page is being rendered to be stored, so that no visitor is answered: for
    rate limiters, analytics and hooks that must skip renders."""
    return active_render() is not None


def active_render() -> object | None:
    """The render that this code runs in. A thread of the view's counts too: it has the
    request (``copy_current_request_context``), but not the context."""
    render = current_render.get()
    if render is None and has_request_context():
        render = request.environ.get(CAPTURE)
    return render
