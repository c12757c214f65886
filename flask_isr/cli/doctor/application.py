"""``flask isr doctor`` on the application: its secret, its origin, its pages."""

from __future__ import annotations

import importlib
import os
import typing as t

from werkzeug.sansio.utils import host_is_trusted

from ...config import SHORT_SECRET
from ...pages.decorator import page_of
from ...pages.routes import is_fixed
from ...runtime import Runtime
from ...webhooks.auth import GUARDED_ATTRIBUTE
from .finding import Finding
from .finding import Findings

# Attributes of a view that Flask-Caching's decorators leave.
_FLASK_CACHING = ("uncached", "make_cache_key")


def check_order(runtime: Runtime) -> Findings:
    """Whether @static_page stands below the route. This must be asked before the views are
    read, since reading them mends the order."""
    app = runtime.application.app
    held = set(map(id, app.view_functions.values()))
    for endpoint, view in app.view_functions.items():
        found = page_of(view)
        if found is not None and view is found[0].view and id(found[1]) not in held:
            yield Finding(
                "order",
                "warning",
                f"@static_page stands above the route of {endpoint!r}: put it below,"
                " directly above the view.",
            )


def check_wrapped(runtime: Runtime) -> Findings:
    """Whether another decorator stands above @static_page."""
    for endpoint in sorted(runtime.routes.wrapped):
        yield Finding(
            "order",
            "warning",
            f"{endpoint!r} has a decorator above @static_page: it runs for each visitor,"
            " and stored pages are served inside of Flask. Put it below if it need not.",
        )


def check_settings(runtime: Runtime) -> Findings:
    """Whether all settings were there when they were read."""
    for key in runtime.settings.changed(runtime.application.app):
        yield Finding(
            "settings",
            "problem",
            f"{key} was set after ISR(app), and does not count: set it before.",
        )


def check_environment(runtime: Runtime) -> Findings:
    """Whether the application reads the settings that are in the environment."""
    unread = sorted(
        name
        for name in os.environ
        if name.startswith("FLASK_ISR_")
        and name.removeprefix("FLASK_").partition("__")[0]
        not in runtime.application.app.config
    )
    if unread:
        yield Finding(
            "settings",
            "warning",
            f"{_some(unread)} in the environment, and the application does not read that:"
            " call app.config.from_prefixed_env() before ISR(app).",
        )


def check_enabled(runtime: Runtime) -> Findings:
    """Whether pages are stored at all."""
    if runtime.application.enabled:
        yield Finding("enabled", "ok", "pages are stored.")
    else:
        yield Finding(
            "enabled",
            "warning",
            "nothing is stored, as in debug and testing mode: leave that mode, or set"
            " ISR_ENABLED to True.",
        )


def check_secret(runtime: Runtime) -> Findings:
    """Whether there is a secret, and a long one."""
    secrets = runtime.settings.secrets
    views = runtime.application.app.view_functions.items()
    guarded = [name for name, view in views if getattr(view, GUARDED_ATTRIBUTE, False)]
    if any(len(secret.decode()) < SHORT_SECRET for secret in secrets):
        text = (
            f"ISR_SECRET is shorter than {SHORT_SECRET} characters and may be guessed:"
            " 'flask isr secret' makes a good one."
        )
        yield Finding("secret", "warning", text)
    elif secrets:
        several = (
            f"{len(secrets)} are set: remove the old ones when no sender has them."
        )
        yield Finding("secret", "ok", several if len(secrets) > 1 else "set.")
    elif guarded:
        text = (
            f"ISR_SECRET is not set, so {guarded[0]!r} answers 503 to everybody: 'flask"
            " isr secret' makes one."
        )
        yield Finding("secret", "problem", text)
    else:
        yield Finding("secret", "ok", "none set, and no view needs it.")


def check_origin(runtime: Runtime) -> Findings:
    """Whether the origin that rendered pages link to is known."""
    render_origin = runtime.application.render_origin
    trusted = runtime.application.app.config.get("TRUSTED_HOSTS")
    if trusted and not host_is_trusted(render_origin.origin.host, trusted):
        yield Finding(
            "origin",
            "problem",
            f"TRUSTED_HOSTS lacks {render_origin.origin.host}, at which pages are rendered,"
            " so that nothing can be stored: set ISR_ORIGIN to the address of the site.",
        )
    elif render_origin.reserved:
        yield Finding(
            "origin",
            "warning",
            "not known, so that pages with links to the site's own host are not stored:"
            " set ISR_ORIGIN to the address of the site.",
        )
    elif runtime.settings.origin is None:
        origin = render_origin.origin
        text = f"{origin}, as far as visitors come by {origin.scheme}."
        yield Finding("origin", "ok", text)
    else:
        yield Finding("origin", "ok", f"{render_origin.origin}.")


def check_hooks(runtime: Runtime) -> Findings:
    """Which pages are served inside of Flask, and why."""
    slow: dict[str, list[str]] = {}
    for endpoint, page in runtime.routes.pages.items():
        if endpoint in runtime.routes.wrapped:
            # The check of the decorators tells of these.
            continue
        required = runtime.application.levels.required(endpoint)
        chosen = (page.serve or runtime.settings.serve) == "view"
        if required.level == "view" and not chosen:
            slow.setdefault(required.cause, []).append(endpoint)
    for cause, endpoints in slow.items():
        yield Finding(
            "hooks",
            "warning",
            f"{_some(endpoints)} served inside of Flask, since {cause}: mark a hook that"
            " stored pages do not need with @isr.skip_on_hit, and wrap middleware around"
            " app.wsgi_app after ISR(app).",
        )


def check_routes(runtime: Runtime) -> Findings:
    """Whether anybody can have any number of pages rendered."""
    if not runtime.routes.pages:
        yield Finding("routes", "warning", "no view has @static_page.")
    open_rules = [
        rule.rule
        for endpoint, page in runtime.routes.pages.items()
        for rule in runtime.routes.rules_of(endpoint)
        if page.paths is None and not is_fixed(rule)
    ]
    if open_rules:
        yield Finding(
            "routes",
            "warning",
            f"{_some(open_rules)} open, without paths=: 'flask isr build' cannot render"
            " them ahead, and each unknown path costs a render. Add paths=, and"
            " fallback=False if no others exist.",
        )


def check_stacked(runtime: Runtime) -> Findings:
    """Whether Flask-Caching keeps what a static page shows."""
    for endpoint in runtime.routes.pages:
        if _is_cached(runtime.application.app.view_functions[endpoint]):
            yield Finding(
                "caching",
                "problem",
                f"{endpoint!r} has a decorator of Flask-Caching beside @static_page: a"
                " revalidated page shows its old content. Remove that decorator.",
            )


def _is_cached(view: t.Any) -> bool:
    # Decorators that use `wraps`, as @static_page does, hand these attributes on.
    return any(hasattr(view, name) for name in _FLASK_CACHING)


def check_workers(runtime: Runtime) -> Findings:
    """Whether there are threads that render in the background."""
    if runtime.settings.runner == "inline":
        yield Finding(
            "workers",
            "warning",
            "ISR_RUNNER is 'inline': visitors wait for refreshes. Use 'thread' on a"
            " server.",
        )
    elif runtime.settings.runner == "thread" and _uwsgi_has_no_threads():
        yield Finding(
            "workers",
            "problem",
            "uWSGI runs no threads of applications, so that nothing is refreshed: set"
            " enable-threads = true.",
        )


def _uwsgi_has_no_threads() -> bool:
    try:
        # The module exists only inside of uWSGI's servers.
        uwsgi: t.Any = importlib.import_module("uwsgi")
    except ImportError:
        return False
    # Names are bytes in some releases of uWSGI.
    names = {
        str(name, "utf-8") if isinstance(name, bytes) else name for name in uwsgi.opt
    }
    return names.isdisjoint(("enable-threads", "threads"))


def _some(names: t.Sequence[str]) -> str:
    """The first of *names*, and how many more there are, as the subject of a sentence."""
    shown = ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{shown}{more} {'is' if len(names) == 1 else 'are'}"
