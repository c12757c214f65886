"""The serving level of the pages of an endpoint, and the reason for it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from flask import Flask
from flask import appcontext_pushed
from flask import request_started

from ..config import Settings
from ..core.entry import Level
from .routes import Routes

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: The attribute of a hook that hits may skip.
SKIP_ATTRIBUTE = "__flask_isr_skip_on_hit__"

# The hook of Flask-WTF, which an application cannot mark. It does nothing on GET and HEAD.
_CSRF_HOOK = "flask_wtf.csrf.CSRFProtect.init_app.<locals>.csrf_protect"

# The hook of Sentry: it gives a transaction its name.
_SENTRY_HOOK = "sentry_sdk.integrations.flask._request_started"

# Methods of Flask that each request passes before its view. A class may override them, and
# an extension may replace them.
_DISPATCHING = (
    "wsgi_app",
    "request_context",
    "create_url_adapter",
    "full_dispatch_request",
    "preprocess_request",
    "dispatch_request",
)

# Signals that are sent before the view: a receiver that raises turns the visitor away.
_SIGNALS = {
    "appcontext_pushed": appcontext_pushed,
    "request_started": request_started,
}


@dataclass(frozen=True, slots=True)
class Required:
    """The level that is required, and what requires it.

    :param level: ``None``: WSGI, unless hooks make a page's final answer personal.
    """

    level: Level | None
    cause: str


class Levels:
    """Decides the level of each endpoint once, at the first request: hooks are complete
    then."""

    def __init__(
        self, app: Flask, inner: WSGIApplication, settings: Settings, routes: Routes
    ) -> None:
        self._app = app
        self._inner = inner
        self._settings = settings
        self._routes = routes
        self._required: dict[str, Required] = {}

    def required(self, endpoint: str) -> Required:
        """The level that pages of *endpoint* must be served at."""
        required = self._required.get(endpoint)
        if required is None:
            required = self._required[endpoint] = self._decide(endpoint)
        return required

    def _decide(self, endpoint: str) -> Required:
        own = self._routes.pages[endpoint].serve
        serve = own or self._settings.serve
        if serve != "auto":
            where = "serve" if own else "ISR_SERVE"
            return Required(serve, f"{where} is {serve!r}")
        if endpoint in self._routes.wrapped:
            return Required(
                "view", "a decorator above @static_page runs for each visitor"
            )
        hook = _blocking_hook(self._app, endpoint)
        if hook is not None:
            return Required("view", f"{hook} runs before each request")
        overridden = _overridden(self._app)
        if overridden is not None:
            return Required("view", f"{overridden} runs for each request")
        inner = self._inner
        if not is_flask_alone(self._app, inner):
            name = getattr(inner, "__qualname__", type(inner).__qualname__)
            return Required("view", f"{name} was wrapped around it before ISR(app)")
        return Required(None, "no hook runs before the request")


def is_flask_alone(app: Flask, inner: WSGIApplication) -> bool:
    """Whether *inner* is the WSGI application of *app* itself, which nothing wraps."""
    return getattr(inner, "__func__", None) is type(app).wsgi_app


def _overridden(app: Flask) -> str | None:
    """The code that replaces a method of Flask for each request: the application's own
    class has it, or an extension put it into the application."""
    # Not wsgi_app: the middleware itself is found there.
    for name in _DISPATCHING[1:]:
        if name in vars(app):
            return f"{_described(vars(app)[name])}, in place of {name},"
    for cls in type(app).__mro__[: type(app).__mro__.index(Flask)]:
        for name in _DISPATCHING:
            if name in vars(cls):
                return f"{cls.__module__}.{cls.__qualname__}.{name}"
    return None


def _blocking_hook(app: Flask, endpoint: str) -> str | None:
    """The name of a hook that each request to *endpoint* must pass, if there is one."""
    parts = endpoint.split(".")[:-1]
    blueprints = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    for scope in (None, *blueprints):
        for hook in (
            *app.before_request_funcs.get(scope, ()),
            *app.url_value_preprocessors.get(scope, ()),
        ):
            if _blocks(app, hook):
                return _described(hook)
    for name, signal in _SIGNALS.items():
        for receiver in signal.receivers_for(app):
            if _blocks(app, receiver):
                return f"{_described(receiver)}, a receiver of {name},"
    return None


def _blocks(app: Flask, hook: t.Any) -> bool:
    name = _described(hook)
    if getattr(hook, SKIP_ATTRIBUTE, False) or name == _SENTRY_HOOK:
        return False
    return name != _CSRF_HOOK or not _spares_get(app)


def _described(hook: t.Any) -> str:
    module = getattr(hook, "__module__", "?")
    return f"{module}.{getattr(hook, '__qualname__', repr(hook))}"


def _spares_get(app: Flask) -> bool:
    """Whether CSRF protection leaves out GET and HEAD, which static pages answer."""
    protected: t.Collection[str] = app.config.get("WTF_CSRF_METHODS", ())
    return not {"GET", "HEAD"} & set(protected)
