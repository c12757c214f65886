"""Starts the CMS and the shop, and says what to try: ``python -m example_app.demo``.

The CMS runs in one process with several threads, the shop in two worker processes
under gunicorn, after its pages were built. Ctrl-C stops all of it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import secrets
import signal
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from .processes import POLL
from .processes import Child
from .processes import ChildDied
from .processes import Stopped
from .processes import StopSignals
from .processes import listen
from .processes import wait_for

if TYPE_CHECKING:
    import socket


@dataclass(frozen=True)
class Site:
    """Where everything is; *shop* and *cms* are addresses without a slash."""

    shop: str
    cms: str
    secret: str
    folder: Path

    def env(self, package: str) -> dict[str, str]:
        """The settings of ``cms`` or ``shop``, as environment variables."""
        if package == "cms":
            return {
                "CMS_DATABASE": str(self.folder / "cms.sqlite3"),
                "CMS_SHOP_URL": self.shop,
                "CMS_WEBHOOK_URL": f"{self.shop}/webhooks/cms",
                "CMS_WEBHOOK_SECRET": self.secret,
            }
        return {
            "FLASK_CMS_URL": self.cms,
            "FLASK_DEBUG": "0",
            "FLASK_ISR_FOLDER": str(self.folder / "pages"),
            "FLASK_ISR_SECRET": self.secret,
        }


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until it is told to stop, and return the exit status."""
    options = _options(arguments)
    if importlib.util.find_spec("gunicorn") is None:
        click.echo("The demo serves the shop with gunicorn: pip install gunicorn")
        return 1
    signals, status = StopSignals(), 0
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="flask-isr-demo-", ignore_cleanup_errors=True
            )
        )
        try:
            run(options, Path(folder), signals, stack)
        except Stopped:
            click.echo("\nStopping the shop and the CMS.")
        except ChildDied as error:
            click.echo(f"\n{error}\n\nStopping what is left.")
            status = 1
    return status


def run(
    options: argparse.Namespace,
    folder: Path,
    signals: StopSignals,
    stack: contextlib.ExitStack,
) -> None:
    """Start everything and watch it; *stack* stops it, the last started first."""
    shop_socket = stack.enter_context(listen(options.port))
    cms_socket = stack.enter_context(listen(options.cms_port))
    site = Site(
        shop=_address(shop_socket.getsockname()[1], options.port, "shop"),
        cms=_address(cms_socket.getsockname()[1], options.cms_port, "CMS"),
        secret=os.environ.get("FLASK_ISR_SECRET") or secrets.token_urlsafe(24),
        folder=folder,
    )

    click.echo("Starting the CMS.")
    cms = serve("The CMS", "cms", site, cms_socket, workers=1)
    stack.callback(cms.stop)
    wait_for(cms, f"{site.cms}/api/products?limit=1", signals.check, within=60)

    click.echo("Building the pages: flask --app example_app.shop isr build\n")
    build(site, signals, stack)

    click.echo("\nStarting the shop in two worker processes.")
    shop = serve("The shop", "shop", site, shop_socket, workers=2)
    stack.callback(shop.stop)
    wait_for(shop, f"{site.shop}/healthz", signals.check, within=60)

    click.echo(_what_to_try(site, cms.pid))
    if options.state_file:
        _write_state(options.state_file, site, cms=cms.pid, shop=shop.pid)
        stack.callback(options.state_file.unlink, missing_ok=True)
    watch(cms, shop, signals)


def serve(
    name: str, package: str, site: Site, listener: socket.socket, *, workers: int
) -> Child:
    """Start an application of this example under gunicorn."""
    command = ["gunicorn", f"example_app.{package}:create_app()"]
    command += ["--bind", f"fd://{listener.fileno()}", "--no-control-socket"]
    command += ["--workers", str(workers), "--threads", "8"]
    command += ["--keep-alive", "15", "--graceful-timeout", "4"]
    log = site.folder / f"{package}.log"
    return Child(name, command, site.env(package), log=log, listener=listener)


def build(site: Site, signals: StopSignals, stack: contextlib.ExitStack) -> None:
    """Render all pages ahead; what fails is rendered on its first visit instead."""
    command = ["flask", "--app", "example_app.shop", "isr", "build"]
    child = Child("The build", command, site.env("shop"))
    stack.callback(child.stop, signal.SIGINT)
    while child.status is None:
        signals.check()
        time.sleep(POLL)
    if child.status:
        click.echo(f"\nThe build has ended with status {child.status}, see above.")


def watch(cms: Child, shop: Child, signals: StopSignals) -> None:
    """Wait for the end: a signal, or a process that dies.

    A CMS that was stopped on purpose ends nothing. That is one of the things to try.
    """
    cms_runs = True
    while True:
        signals.check()
        shop.check()
        if cms_runs and cms.status == 0:
            cms_runs = False
            click.echo(
                "The CMS was stopped. The shop goes on with the pages that it has."
            )
        elif cms_runs:
            cms.check()
        time.sleep(POLL)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    env = os.environ
    parser = argparse.ArgumentParser(
        prog="python -m example_app.demo",
        description="Run the example shop and its CMS on this machine.",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=env.get("DEMO_PORT", "8000"),
        help="of the shop; 0 picks a free one (default: $DEMO_PORT or 8000)",
    )
    parser.add_argument(
        "--cms-port",
        type=_port,
        default=env.get("DEMO_CMS_PORT", "8001"),
        help="of the CMS; 0 picks a free one (default: $DEMO_CMS_PORT or 8001)",
    )
    parser.add_argument(
        "--state-file",
        type=Path,
        help="write addresses, process ids and the secret to this file, as JSON",
    )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _address(port: int, wanted: int, name: str) -> str:
    if wanted not in (0, port):
        click.echo(f"Port {wanted} is taken: the {name} gets port {port}.")
    return f"http://127.0.0.1:{port}"


def _write_state(file: Path, site: Site, **pids: int) -> None:
    """Write all at once, so that a reader finds the whole file or none."""
    state = {
        "shop": site.shop,
        "cms": site.cms,
        "secret": site.secret,
        "folder": str(site.folder),
        "pids": {"demo": os.getpid(), **pids},
    }
    new = file.with_name(f"{file.name}.new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(state, indent=2), "utf-8")
    new.replace(file)


def _what_to_try(site: Site, cms_pid: int) -> str:
    shop, cms, secret = site.shop, site.cms, site.secret
    revalidate = f"{shop}/api/revalidate?secret={quote(secret, safe='')}"
    text = f"""
        The shop   {shop}/
        The CMS    {cms}/
        Secret     {secret}
        Logs       {site.folder}

        What to try:

        1. Visit a page and reload it. It keeps the time of its render; the bar at its
           bottom says HIT, or STALE at the first visit after 60 seconds, which renews it.
             {shop}/products/2
        2. Edit it without the webhook, reload: unchanged. Once its 60 seconds are up, the
           first visit (STALE) still gets the old page, and the next one the new.
             {cms}/products/2/edit
        3. Ask for the new page at once, in the browser or so:
             curl '{revalidate}&path=/products/2'
           Several in one call:
             curl -X POST '{revalidate}&path=/&path=/products/3&tag=posts'
        4. Edit a post with the webhook ticked: the next load shows it.
             {cms}/posts/hello/edit
             {shop}/blog/hello
           The webhook by hand:
             curl -H 'Authorization: Bearer {secret}' \\
               -H 'Content-Type: application/json' \\
               -d '{{"entry": {{"slug": "hello"}}}}' {shop}/webhooks/cms
        5. Add a product with the webhook ticked: its page appears once the CMS has called
           the shop, a moment later.
             {cms}/products/new
             {shop}/products/101
        6. Stop the CMS. Revalidating answers 500, and the pages stay (STALE).
             kill -INT {cms_pid}
             curl -i '{revalidate}&path=/products/2'
             curl -I {shop}/products/2

        Ctrl-C stops everything.
        """
    return textwrap.dedent(text)


if __name__ == "__main__":
    sys.exit(main())
