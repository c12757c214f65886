"""``flask isr revalidate --remote``: have another site do it."""

from __future__ import annotations

import os
import typing as t

import click

from ..client import RemoteError
from ..client import RevalidateClient
from ..errors import ConfigurationError
from ..modes import MatchKind
from ..modes import Mode
from ..runtime import current_runtime

_VARIABLE = "FLASK_ISR_SECRET"


def revalidate_remotely(
    url: str, paths: t.Sequence[str], tags: t.Sequence[str], match: str, mode: str
) -> None:
    """Ask the revalidate route at *url*; errors become messages for people."""
    try:
        done = RevalidateClient(url, _secret()).revalidate(
            paths,
            tags=tags,
            # It is for paths: the route refuses it if there are none.
            match=t.cast(MatchKind, match) if paths else None,
            mode=t.cast(Mode, mode),
        )
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    except RemoteError as error:
        raise click.ClickException(_advised(error)) from error
    if not done.complete:
        raise click.ClickException(
            f"all is expired, but the site still renders {', '.join(done.pending)}; it"
            " goes on by itself."
        )


def _secret() -> str:
    """The secret of the application or, if that has none, of the environment.

    If there are several, it is the last one: new secrets are put at the end.
    """
    secrets = current_runtime().settings.secrets
    secret = secrets[-1].decode() if secrets else os.environ.get(_VARIABLE)
    if not secret:
        raise click.ClickException(
            "The secret of the site is needed: set ISR_SECRET in the configuration, or"
            f" the environment variable {_VARIABLE}."
        )
    return secret


def _advised(error: RemoteError) -> str:
    advice = {
        401: "Is ISR_SECRET here the one of that site?",
        404: "Nothing was done. 'flask isr routes' over there lists its static pages, and"
        " the URL must be that of its revalidate route.",
    }
    more = advice.get(error.status or 0)
    return f"{error}. {more}" if more else str(error)
