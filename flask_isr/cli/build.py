"""``flask isr build``: render pages ahead of their visitors."""

from __future__ import annotations

import concurrent.futures
import os
import time
import typing as t
from dataclasses import dataclass
from dataclasses import field

import click
from flask.cli import with_appcontext

from ..core.entry import PerVisitorRecord
from ..core.outcome import PerVisitor
from ..core.outcome import cause_of
from ..core.singleflight import FailedAttempt
from ..core.singleflight import FlightResult
from ..core.singleflight import NotStarted
from ..core.singleflight import Succeeded
from ..errors import StoreUnavailable
from ..pages.paths import declared_pages
from ..pages.routes import Match
from ..pages.routes import is_fixed
from ..pages.routes import page_request_of
from ..runtime import Runtime
from .common import writing
from .format import duration
from .format import page_count
from .format import size
from .format import table


@dataclass
class _Route:
    """The results for the pages of one endpoint."""

    rule: str
    lifetime: str
    pages: list[Match]
    built: int = 0
    fresh: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    not_static: list[str] = field(default_factory=list)


@click.command("build")
@click.option("--jobs", type=click.IntRange(1, 64), help="Pages rendered at a time.")
@click.option("--force", is_flag=True, help="Render fresh pages too.")
@with_appcontext
def build_command(jobs: int | None, force: bool) -> None:
    """Render every page that is known ahead.

    These are the pages in `paths`, and those of rules without variables. Fresh pages are
    skipped, so that an interrupted build goes on where it was. Exit status 1 when a page
    failed; the others are built all the same.
    """
    with writing() as runtime:
        routes = _collect(runtime)
        work = [(route, match) for route in routes for match in route.pages]
        if not routes:
            click.echo("The application has no page that is known ahead.")
            return
        started = time.perf_counter()
        _render(runtime, work, jobs or min(4, os.cpu_count() or 1), force)
        took = time.perf_counter() - started
        _print(routes, took)
        runtime.store.maintain()
        if any(route.failures for route in routes):
            raise SystemExit(1)


def _collect(runtime: Runtime) -> list[_Route]:
    routes = []
    for endpoint, page in runtime.routes.pages.items():
        rules = runtime.routes.rules_of(endpoint)
        lifetime = duration(page.lifetime.revalidate)
        names = ", ".join(rule.rule for rule in rules)
        if page.paths is not None:
            routes.append(_declared(runtime, endpoint, _Route(names, lifetime, [])))
            continue
        fixed = [rule.rule for rule in rules if is_fixed(rule)]
        matches = [
            match
            for rule in fixed
            for host in runtime.routes.hosts
            if (match := runtime.routes.match(rule, host))
            and match.endpoint == endpoint
        ]
        if matches:
            routes.append(_Route(names, lifetime, matches))
    return routes


def _declared(runtime: Runtime, endpoint: str, route: _Route) -> _Route:
    version = runtime.store.next_version()
    try:
        pages, errors = declared_pages(runtime.application, endpoint)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        route.failures.append(f"paths= of the static page {endpoint!r} failed: {cause}")
        return route
    route.failures += [str(error) for error in errors]
    route.pages = [match for page in pages for match in runtime.routes.everywhere(page)]
    if runtime.routes.pages[endpoint].fallback is False:
        runtime.lists.take(endpoint, {page.path for page in pages}, version)
    return route


def _render(
    runtime: Runtime, work: t.Sequence[tuple[_Route, Match]], jobs: int, force: bool
) -> None:
    executor = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        futures = {
            executor.submit(_render_one, runtime, match, force): (route, match)
            for route, match in work
        }
        with click.progressbar(
            concurrent.futures.as_completed(futures), len(futures), label="Rendering"
        ) as finished:
            for future in finished:
                route, match = futures[future]
                result, seconds = future.result()
                _note(route, match, result, seconds)
    finally:
        executor.shutdown(cancel_futures=True)


def _render_one(
    runtime: Runtime, match: Match, force: bool
) -> tuple[FlightResult | None, float]:
    started = time.perf_counter()
    try:
        page_request = page_request_of(match, match.key())
    except Exception as error:
        # The application's callable raised, or gave something else than tags.
        return NotStarted(f"its tags could not be made ({cause_of(error)})"), 0.0
    try:
        known = runtime.engine.lookup.peek(page_request)
        # A page that was not static may be static by now, without a change of files.
        force = force or isinstance(known, PerVisitorRecord)
        result = runtime.engine.blocking_renders.build(page_request, force=force)
        if result is None and isinstance(
            known := runtime.engine.lookup.peek(page_request), PerVisitorRecord
        ):
            result = PerVisitor(known.reason, known.where)
    except StoreUnavailable as error:
        result = NotStarted(str(error))
    except SystemExit as error:
        # The view raised it: it ends its render, and not the build.
        result = NotStarted(cause_of(error))
    return result, time.perf_counter() - started


def _note(
    route: _Route, match: Match, result: FlightResult | None, seconds: float
) -> None:
    match result:
        case None:
            route.fresh += 1
        case Succeeded(entry, True):
            route.built += 1
            route.bytes += len(entry.body)
            route.seconds += seconds
        case Succeeded():
            route.failures.append(f"{match.path}: rendered, but not stored")
        case PerVisitor(reason, where):
            place = f" ({where})" if where else ""
            route.not_static.append(f"{match.path}: {reason}{place}")
        case FailedAttempt(failure):
            route.failures.append(f"{match.path}: {failure.cause}")
        case NotStarted(reason):
            route.failures.append(f"{match.path}: {reason}")


def _print(routes: t.Sequence[_Route], took: float) -> None:
    rows = [
        (
            route.rule,
            str(route.built),
            str(route.fresh),
            str(len(route.failures)),
            route.lifetime,
            size(route.bytes) if route.built else "-",
            duration(route.seconds / route.built) if route.built else "-",
        )
        for route in routes
    ]
    heads = ("Route", "Built", "Fresh", "Failed", "Revalidate", "Size", "Time/page")
    click.echo(table(heads, rows, "lrrrlrr"))
    built = sum(route.built for route in routes)
    failed = sum(len(route.failures) for route in routes)
    but = f", {failed} failed" if failed else ""
    click.echo(f"\n{page_count(built)} built{but}, in {duration(took)}.")
    _print_list("Not static, rendered for each visitor:", "not_static", routes)
    _print_list("Failed:", "failures", routes)


def _print_list(title: str, attribute: str, routes: t.Sequence[_Route]) -> None:
    lines = [line for route in routes for line in getattr(route, attribute)]
    if not lines:
        return
    click.secho(f"\n{title}", err=True, bold=True)
    for line in lines[:20]:
        click.echo(f"  {line}", err=True)
    if len(lines) > 20:
        click.echo(f"  … and {len(lines) - 20} more", err=True)
