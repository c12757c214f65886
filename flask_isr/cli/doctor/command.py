"""``flask isr doctor``: look for what will not work, and say what to do."""

from __future__ import annotations

import typing as t

import click
from flask.cli import with_appcontext

from ...errors import ConfigurationError
from ...runtime import Runtime
from ...runtime import current_runtime
from . import application as app_checks
from . import backend as backend_checks
from . import build as build_checks
from . import pages as page_checks
from . import store as store_checks
from .finding import Finding
from .finding import Findings
from .finding import Level

Check: t.TypeAlias = t.Callable[[Runtime], Findings]

_COLOURS: t.Final[t.Mapping[Level, str]] = {
    "ok": "green",
    "warning": "yellow",
    "problem": "red",
}

# Sentences for checks that found nothing.
_FINE: t.Final[t.Mapping[str, str]] = {
    "order": "@static_page stands directly above each view.",
    "settings": "all were set before ISR(app).",
    "store": "not looked at: it has neither a folder nor a backend.",
    "static": "no page was found to be made for one visitor.",
    "inputs": "no stored page depends on what a visitor brings, but for the session.",
    "identity": "its pages are its own.",
    "build": "a deploy is noticed by code, templates and ISR_BUILD_FILES.",
    "disk": "not looked at: the pages are not in the embedded store.",
    "hooks": "no hook keeps pages from being served at full speed.",
    "routes": "all static pages are known ahead.",
    "caching": "no view has a decorator of Flask-Caching beside @static_page.",
    "workers": "refreshes run in the background; under uWSGI, set enable-threads.",
}

# The order counts: all checks but the first read the views, which mends their decorators.
_CHECKS: t.Final[t.Sequence[tuple[str, t.Sequence[Check]]]] = (
    ("order", (app_checks.check_order, app_checks.check_wrapped)),
    ("settings", (app_checks.check_settings, app_checks.check_environment)),
    ("enabled", (app_checks.check_enabled,)),
    ("store", (store_checks.check_folder, backend_checks.check_backend)),
    ("disk", (store_checks.check_disk,)),
    ("identity", (store_checks.check_identity,)),
    ("build", (build_checks.check_build,)),
    ("secret", (app_checks.check_secret,)),
    ("origin", (app_checks.check_origin,)),
    ("hooks", (app_checks.check_hooks,)),
    ("routes", (app_checks.check_routes,)),
    ("static", (page_checks.check_static,)),
    ("inputs", (page_checks.check_inputs,)),
    ("caching", (app_checks.check_stacked,)),
    ("workers", (app_checks.check_workers,)),
)


@click.command("doctor")
@with_appcontext
def doctor_command() -> None:
    """Check settings, store, secret, origin, hooks, decorators, routes and workers.

    One line for each check: ok, warning or problem, and what to do. Exit status 1 when
    there is a problem.
    """
    runtime = current_runtime()
    # Each finding is told once: a fault in the declarations stops several checks.
    found = dict.fromkeys(
        finding
        for name, checks in _CHECKS
        for finding in _looked(runtime, name, checks)
    )
    width = max(len(finding.check) for finding in found)
    for finding in found:
        level = click.style(finding.level.ljust(7), fg=_COLOURS[finding.level])
        click.echo(f"{level}  {finding.check.ljust(width)}  {finding.text}")
    if any(finding.level == "problem" for finding in found):
        raise SystemExit(1)


def _looked(runtime: Runtime, name: str, checks: t.Sequence[Check]) -> list[Finding]:
    try:
        found = [finding for check in checks for finding in check(runtime)]
    except ConfigurationError as error:
        return [Finding("configuration", "problem", str(error))]
    except Exception as error:
        # An error that ends a check also keeps the extension from working.
        return [Finding(name, "problem", f"{type(error).__name__}: {error}")]
    return found or [Finding(name, "ok", _FINE[name])]
