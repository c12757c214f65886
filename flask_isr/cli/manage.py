"""``flask isr revalidate``, ``clear`` and ``secret``."""

from __future__ import annotations

import secrets

import click
from flask.cli import with_appcontext

from ..errors import RevalidationError
from ..modes import MATCHES
from ..modes import MODES
from .common import writing
from .format import page_count
from .remote import revalidate_remotely


@click.command("revalidate")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--tag", "tags", multiple=True, help="Pages with this tag; may be repeated."
)
@click.option("--match", default="path", type=click.Choice(MATCHES), show_default=True)
@click.option("--mode", default="expire", type=click.Choice(MODES), show_default=True)
@click.option(
    "--remote", metavar="URL", help="Ask the revalidate route at URL to do it."
)
@with_appcontext
def revalidate_command(
    paths: tuple[str, ...],
    tags: tuple[str, ...],
    match: str,
    mode: str,
    remote: str | None,
) -> None:
    """Make stored pages give way to new ones.

    PATH is what the address bar shows, from the first slash on. All are checked before
    any is touched. With --remote this is done by another site that has the same secret:
    ISR_SECRET in the configuration, or the environment variable FLASK_ISR_SECRET.
    """
    if not paths and not tags:
        raise click.UsageError("Name a PATH or a --tag.")
    if remote is None:
        _revalidate_here(paths, tags, match, mode)
    else:
        revalidate_remotely(remote, paths, tags, match, mode)
    for name in (*paths, *tags):
        click.echo(f"revalidated {name}")


def _revalidate_here(
    paths: tuple[str, ...], tags: tuple[str, ...], match: str, mode: str
) -> None:
    with writing() as runtime:
        try:
            items = [runtime.revalidator.path(path, match, mode) for path in paths]
            items += [runtime.revalidator.tag(tag, mode) for tag in tags]
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        try:
            failed = runtime.revalidator.act(items)
        except RevalidationError as error:
            raise click.ClickException(str(error)) from error
        if failed:
            # A server would ask again in the background; a command has no background.
            causes = "; ".join(f"{path}: {cause}" for path, cause in failed.items())
            raise click.ClickException(f"expired, but {causes}. Try again.")
        # The renders that it started belong to this process.
        runtime.runner.drain(runtime.settings.render_timeout)


@click.command("clear")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def clear_command(yes: bool) -> None:
    """Forget all stored pages; running servers notice at once.

    Files stay where they are: deleting them is not needed, and not a good idea while a
    server runs.
    """
    with writing() as runtime:
        capabilities = runtime.store.capabilities
        if not yes:
            place = capabilities.folder or "the cache"
            click.confirm(f"Forget all pages in {place}?", abort=True)
        count = runtime.store.clear()
    # A backend of Flask-Caching does not know how many pages it had.
    click.echo(f"{page_count(count) if capabilities.lists else 'All pages'} forgotten.")


@click.command("secret")
def secret_command() -> None:
    """Print a new random secret for ISR_SECRET."""
    click.echo(secrets.token_urlsafe(32))
