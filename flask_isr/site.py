"""Where the site is for its visitors, as far as that is known."""

from __future__ import annotations

import dataclasses
import logging
import typing as t
from dataclasses import dataclass

from werkzeug.sansio.utils import host_is_trusted

from .config import Origin
from .config import Settings

if t.TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger("flask_isr")

# A name that cannot exist (RFC 6761): a page in which it shows up is not stored.
_RESERVED = "origin-not-set.flask-isr.invalid"


@dataclass(frozen=True, slots=True)
class Site:
    """The origin at which pages are rendered.

    :param reserved: addresses that must not show up in a page that is stored: nobody said
        what the site's own is, and these stand in for it.
    """

    origin: Origin
    reserved: tuple[str, ...] = ()

    @classmethod
    def of(cls, app: Flask, settings: Settings, scheme: str | None) -> Site:
        """Find out from the settings.

        :param scheme: ``http`` or ``https``, as the first real request came.
        """
        site = cls._find(app, settings, scheme)
        trusted = app.config.get("TRUSTED_HOSTS")
        if trusted and not host_is_trusted(site.origin.host, trusted):
            logger.warning(
                "TRUSTED_HOSTS lacks the host that pages are rendered at, %s: nothing can"
                " be stored. Set ISR_ORIGIN to the address of the site.",
                site.origin.host,
            )
        return site

    def at(self, host: str) -> Site:
        """The same site on *host*, a name without a port; ``""``: on its own host."""
        if not host:
            return self
        _, colon, port = self.origin.host.rpartition(":")
        address = f"{host}:{port}" if colon and port.isdigit() else host
        reserved = (f"//{address}",) if self.reserved else ()
        return Site(dataclasses.replace(self.origin, host=address), reserved)

    @classmethod
    def _find(cls, app: Flask, settings: Settings, scheme: str | None) -> Site:
        if settings.origin is not None:
            return cls(settings.origin)
        prefix = (app.config.get("APPLICATION_ROOT") or "/").rstrip("/")
        preferred = app.config.get("PREFERRED_URL_SCHEME") or "http"
        name = app.config.get("SERVER_NAME") or _first_name(
            app.config.get("TRUSTED_HOSTS") or ()
        )
        if name and scheme in (None, preferred):
            return cls(Origin(preferred, name, prefix))
        if name:
            logger.warning(
                "the first request came by %s, and PREFERRED_URL_SCHEME is %s: pages with"
                " links to the site's own host are not stored. Set ISR_ORIGIN.",
                scheme,
                preferred,
            )
        # Flask makes external links from SERVER_NAME, whatever the request's host is.
        named = (f"//{name}",) if name else ()
        stand_in = Origin(scheme or preferred, _RESERVED, prefix)
        return cls(stand_in, (_RESERVED, *named))


def mount_prefix(app: Flask, settings: Settings) -> str:
    """The mount prefix of *app*, which is known before any request."""
    return Site._find(app, settings, None).origin.prefix


def _first_name(hosts: t.Iterable[str]) -> str | None:
    return next((host for host in hosts if not host.startswith((".", "*"))), None)
