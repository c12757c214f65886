"""``flask isr routes``, ``pages`` and ``show``: what is declared, and what is stored."""

from __future__ import annotations

import json
import typing as t

import click
from flask.cli import with_appcontext

from ..core.entry import Entry
from ..core.entry import PerVisitorRecord
from ..core.entry import Record
from ..core.freshness import Freshness
from ..core.key import PageKey
from ..core.key import user_tag
from ..core.key import user_tags
from ..core.store import Overview
from ..observe.cures import cure_of
from ..pages.decorator import StaticPage
from ..pages.routes import Match
from ..pages.routes import key_of_url
from ..runtime import Runtime
from .common import reading
from .format import duration
from .format import page_count
from .format import size
from .format import table
from .visitors import visitors_of

STATES = ("FRESH", "STALE", "EXPIRED", "NOT-STATIC")


@click.command("routes")
@with_appcontext
def routes_command() -> None:
    """List the static pages of the application: where they are served, and why."""
    with reading() as runtime:
        rows = [
            (
                rule.rule,
                endpoint,
                duration(page.lifetime.revalidate),
                _tags(page),
                "404" if page.fallback is False else "blocking",
                *_served(runtime, endpoint),
            )
            for endpoint, page in runtime.routes.pages.items()
            for rule in runtime.routes.rules_of(endpoint)
        ]
    if not rows:
        click.echo("The application has no view with @static_page.")
        return
    heads = ("Rule", "Endpoint", "Revalidate", "Tags", "Fallback", "Served", "Because")
    click.echo(table(heads, rows, "lllllll"))


def _tags(page: StaticPage) -> str:
    return "(computed)" if callable(page.tags) else ", ".join(page.tags) or "-"


def _served(runtime: Runtime, endpoint: str) -> tuple[str, str]:
    required = runtime.application.levels.required(endpoint)
    return required.level or "wsgi", required.cause


@click.command("pages")
@click.option("--tag", help="Only pages with this tag.")
@click.option(
    "--state",
    "wanted",
    type=click.Choice(STATES, case_sensitive=False),
    help="Only these.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each page.")
@with_appcontext
def pages_command(tag: str | None, wanted: str | None, as_json: bool) -> None:
    """List what is stored: path, state, age, size, and why a page is not static or what
    its last render failed with."""
    rows, others = [], 0
    with reading() as runtime:
        for overview in runtime.store.overview():
            if overview.record.key.namespace != runtime.routes.namespace:
                others += 1
                continue
            if tag is not None and user_tag(tag) not in overview.record.tags:
                continue
            page = _described(runtime, overview)
            if wanted is not None and page["state"] != wanted.upper():
                continue
            if as_json:
                click.echo(json.dumps(page))
            else:
                rows.append(_row(page))
        if not runtime.store.capabilities.lists:
            text = "A backend of Flask-Caching cannot list its pages: try 'show PATH'."
            raise click.ClickException(text)
    if others:
        text = (
            f"{page_count(others)} of other applications or configurations: not listed."
        )
        click.echo(text, err=True)
    if as_json:
        return
    if not rows:
        asked = tag is not None or wanted is not None
        click.echo(f"No page {'of these ' if asked else ''}is stored.")
        return
    click.echo(table(("Path", "State", "Age", "Size", "Because"), rows, "llrrl"))
    click.echo(f"\n{page_count(len(rows))}.")


def _row(page: t.Mapping[str, t.Any]) -> tuple[str, str, str, str, str]:
    return (
        page["path"],
        page["state"],
        duration(page["age"]),
        size(page["size"]),
        page["last_error"] or page["reason"] or "",
    )


def _described(runtime: Runtime, overview: Overview) -> dict[str, t.Any]:
    record, failure = overview.record, overview.failure
    age = max(0.0, runtime.store.now() - record.began)
    return {
        "path": str(record.key),
        "state": _state_of(runtime, overview),
        "age": round(age, 3),
        "size": overview.size,
        "tags": user_tags(record.tags),
        "last_error": failure.cause if failure is not None else None,
        "reason": record.reason if isinstance(record, PerVisitorRecord) else None,
    }


def _state_of(runtime: Runtime, overview: Overview) -> str:
    record = overview.record
    if isinstance(record, PerVisitorRecord):
        return "NOT-STATIC"
    return runtime.engine.lookup.freshness_of(record, overview.validity).name


@click.command("show")
@click.argument("path")
@with_appcontext
def show_command(path: str) -> None:
    """Tell all about one page, and why it is in its state."""
    with reading() as runtime:
        key, match = _find(runtime, path)
        lines = [("Page", str(key)), ("Rule", f"{key.rule}  ({match.endpoint})")]
        level, cause = _served(runtime, match.endpoint)
        lines.append(("Served", f"{level}: {cause}"))
        stored = runtime.store.load(key)
        failure = runtime.store.failure(key)
        if runtime.lists.allows(match) is False:
            lines.append(("State", "not in its closed list: 404, without a render"))
        elif stored is None:
            lines.append(
                ("State", "nothing is stored: its next visitor waits for a render")
            )
        else:
            lines += _about(runtime, stored.record, stored.current)
        if failure is not None:
            left = failure.retry_at - runtime.store.now()
            when = f"in {duration(left)}" if left > 0 else "at the next visit"
            lines.append(("Last error", f"{failure.cause} ({failure.count} in a row)"))
            lines.append(("Tried again", when))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        click.echo(f"{name.ljust(width)}  {value}")


def _find(runtime: Runtime, path: str) -> tuple[PageKey, Match]:
    host = ""
    if path.startswith("//"):
        # Pages of an application that tells hosts apart are listed in this form.
        host, slash, rest = path[2:].partition("/")
        path = slash + rest
    elif any(runtime.routes.hosts):
        host = runtime.routes.hosts[0]
        text = f"Each host has pages of its own: name one, as in //{host}/"
        raise click.ClickException(text)
    match, query = runtime.routes.match_url(path, host)
    return key_of_url(match, query), match


def _reason(record: PerVisitorRecord) -> str:
    return f"{record.reason} ({record.where})" if record.where else record.reason


def _about(
    runtime: Runtime, record: Record, validity: Freshness
) -> list[tuple[str, str]]:
    age = max(0.0, runtime.store.now() - record.began)
    if isinstance(record, PerVisitorRecord):
        left = record.probe_at - runtime.store.now()
        due = left <= 0 or not runtime.engine.lookup.counts(record, validity)
        return [
            ("State", f"NOT-STATIC: {_reason(record)}"),
            ("What to do", record.cure or cure_of(record.reason) or "-"),
            ("Tried again", "at the next visit" if due else f"in {duration(left)}"),
        ]
    return [
        ("State", _why(runtime, record, validity, age)),
        ("Visitors", visitors_of(record)),
        ("Status", str(record.status)),
        ("Age", duration(age)),
        ("Revalidate", duration(record.lifetime.revalidate)),
        ("Expire", duration(record.lifetime.expire)),
        ("Size", size(len(record.body))),
        ("Render took", duration(record.took)),
        ("ETag", record.etag),
        ("Tags", ", ".join(user_tags(record.tags)) or "-"),
    ]


def _why(runtime: Runtime, entry: Entry, validity: Freshness, age: float) -> str:
    freshness = runtime.engine.lookup.freshness_of(entry, validity)
    if freshness is Freshness.FRESH:
        return "FRESH"
    if validity is freshness:
        return f"{freshness.name}: it was invalidated after it was rendered"
    if entry.lifetime.freshness_at(age) is freshness:
        return f"{freshness.name}: it is {duration(age)} old"
    return f"{freshness.name}: another build made it"
