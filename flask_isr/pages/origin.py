"""The origin of the site as its visitors see it, as far as that is known."""

from __future__ import annotations

import dataclasses
import logging
import typing as t
from dataclasses import dataclass

from werkzeug.sansio.utils import host_is_trusted

from ..config import Origin
from ..config import Settings

if t.TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger("flask_isr")

# A name that cannot exist (RFC 6761): a page that shows it is not stored.
_RESERVED = "origin-not-set.flask-isr.invalid"


@dataclass(frozen=True, slots=True)
class RenderOrigin:
    """The origin at which pages are rendered.

    :param declared: whether ``ISR_ORIGIN`` says it: pages may show it to all visitors.
    :param reserved: whether no setting says it, and a reserved name stands in for it: a
        page that shows that name is not stored.
    """

    origin: Origin
    declared: bool = False
    reserved: bool = False

    @property
    def address(self) -> str:
        """Scheme and host at which pages are rendered for their visitors."""
        return self.origin.address

    @classmethod
    def of(cls, app: Flask, settings: Settings) -> RenderOrigin:
        """Find the origin from the settings. No request has a say, or the first one would
        decide for all."""
        render_origin = cls._find(app, settings)
        trusted = app.config.get("TRUSTED_HOSTS")
        if trusted and not host_is_trusted(render_origin.origin.host, trusted):
            logger.warning(
                "TRUSTED_HOSTS lacks %s, at which pages are rendered, so that nothing can"
                " be stored: set ISR_ORIGIN to the address of the site.",
                render_origin.origin.host,
            )
        return render_origin

    def at(self, host: str) -> RenderOrigin:
        """The same site on *host*, a name without a port; ``""``: on its own host."""
        if not host:
            return self
        _, colon, port = self.origin.host.rpartition(":")
        address = f"{host}:{port}" if colon and port.isdigit() else host
        origin = dataclasses.replace(self.origin, host=address)
        # The key of a page has the host, and this one is a host of the application.
        return dataclasses.replace(self, origin=origin, reserved=False)

    @classmethod
    def _find(cls, app: Flask, settings: Settings) -> RenderOrigin:
        if settings.origin is not None:
            return cls(settings.origin, declared=True)
        prefix = (app.config.get("APPLICATION_ROOT") or "/").rstrip("/")
        name = app.config.get("SERVER_NAME") or _first_name(
            app.config.get("TRUSTED_HOSTS") or ()
        )
        if name:
            scheme = app.config.get("PREFERRED_URL_SCHEME") or "http"
            return cls(Origin(scheme, name.lower(), prefix))
        # HTTPS, so that hooks that insist on it let the render pass.
        return cls(Origin("https", _RESERVED, prefix), reserved=True)


def mount_prefix(app: Flask, settings: Settings) -> str:
    """The mount prefix of *app*, which is known before any request."""
    return RenderOrigin._find(app, settings).origin.prefix


def _first_name(hosts: t.Iterable[str]) -> str | None:
    return next((host for host in hosts if not host.startswith((".", "*"))), None)
