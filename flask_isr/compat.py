"""What touches parts of Flask, Werkzeug and Jinja that differ between their versions."""

from __future__ import annotations

import inspect
import typing as t
from types import FrameType

from flask import Flask
from flask import Response
from flask.globals import request_ctx
from flask.sessions import SessionMixin
from jinja2 import Template
from werkzeug.routing import Rule

if t.TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def peek_session() -> SessionMixin | None:
    """The session of the current request, without counting as a look into it."""
    # The property `session` of the context notes that it was read.
    session: SessionMixin | None = request_ctx._get_current_object()._session  # type: ignore[attr-defined]
    return session


def after_request_functions() -> list[t.Callable[[Response], Response]]:
    """What ``after_this_request`` has registered for the current request so far."""
    ctx = request_ctx._get_current_object()  # type: ignore[attr-defined]
    functions: list[t.Callable[[Response], Response]] = ctx._after_request_functions
    return functions


def template_of(frame: FrameType) -> Template | None:
    """The template whose compiled code *frame* runs, if it is one."""
    # By this Jinja's own tracebacks know it.
    template: Template | None = frame.f_globals.get("__jinja_template__")
    return template


def build_path(rule: Rule, values: t.Mapping[str, t.Any]) -> str | None:
    """The percent-encoded path of *rule* with *values*; ``None`` where they do not fit.

    Another rule of the same endpoint, which ``url_for`` might choose, is not looked at.
    """
    built = rule.build(dict(values), append_unknown=False)
    return None if built is None else built[1]


def error_answer(app: Flask, error: Exception) -> ResponseReturnValue:
    """What the application's error handlers make of *error*.

    :raises Exception: what they raise, which is *error* itself where nobody handles it.
    """
    handle = app.handle_user_exception
    arguments: list[t.Any] = [error]
    # From Flask 3.2 on, the dispatching methods take the context first.
    if len(inspect.signature(handle).parameters) > 1:
        arguments.insert(0, request_ctx._get_current_object())  # type: ignore[attr-defined]
    answer: ResponseReturnValue = handle(*arguments)
    return answer
