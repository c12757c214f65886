"""Access to parts of Flask, Werkzeug and Jinja that differ between their versions."""

from __future__ import annotations

import typing as t
from types import FrameType

from flask import Response
from flask.globals import request_ctx
from flask.sessions import SessionMixin
from jinja2 import Template
from werkzeug.routing import Rule


def peek_session() -> SessionMixin | None:
    """The session of the current request, without marking it as accessed."""
    # The property `session` of the context notes that it was read.
    session: SessionMixin | None = request_ctx._get_current_object()._session  # type: ignore[attr-defined]
    return session


def after_request_functions() -> list[t.Callable[[Response], Response]]:
    """The functions that ``after_this_request`` has registered for this request so far."""
    ctx = request_ctx._get_current_object()  # type: ignore[attr-defined]
    functions: list[t.Callable[[Response], Response]] = ctx._after_request_functions
    return functions


def template_of(frame: FrameType) -> Template | None:
    """The template whose compiled code *frame* runs, if there is one."""
    # Jinja's own tracebacks find the template by this name.
    template: Template | None = frame.f_globals.get("__jinja_template__")
    return template


def build_path(rule: Rule, values: t.Mapping[str, t.Any]) -> str | None:
    """The percent-encoded path of *rule* with *values*; ``None`` if they do not fit.

    No other rule of the same endpoint is tried, though ``url_for`` might choose one.
    """
    built = rule.build(dict(values), append_unknown=False)
    return None if built is None else built[1]
