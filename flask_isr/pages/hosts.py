"""The hosts that an application tells apart, and its router for each of them."""

from __future__ import annotations

import functools
import typing as t

from flask import Flask
from werkzeug.routing import Map
from werkzeug.routing import MapAdapter
from werkzeug.routing import Rule

from ..errors import ConfigurationError
from ..http.host import host_name

if t.TYPE_CHECKING:
    pass

# At most so many routers are kept: if TRUSTED_HOSTS has a pattern, anybody can make names
# up.
_ROUTERS = 256


class Hosts:
    """The hosts of one application.

    Hosts are names without a port: Flask's ``TRUSTED_HOSTS`` says nothing of ports, and
    anybody can choose one.

    :param prefix: the mount prefix of the application.
    :param needed: whether there are pages that hosts matter for.
    :ivar matched: whether a page may differ from host to host, since the application was
        made with ``host_matching`` or ``subdomain_matching``. If not, each host is ``""``.
    :ivar names: the hosts that are known by name, from ``TRUSTED_HOSTS``.
    """

    def __init__(self, app: Flask, prefix: str, *, needed: bool) -> None:
        self.matched = matches_hosts(app)
        trusted = app.config.get("TRUSTED_HOSTS") or () if self.matched else ("",)
        if needed and not trusted:
            raise ConfigurationError(
                f"the application {app.name!r} matches hosts or subdomains and has static"
                " pages, and TRUSTED_HOSTS is not set: any name that somebody makes up"
                " would get pages of its own. Set TRUSTED_HOSTS to the names of the site."
            )
        #: Whether some rule is for one port of its host alone.
        self.ported = app.url_map.host_matching and any(
            host_name(rule.host or "") != (rule.host or "").lower()
            for rule in app.url_map.iter_rules()
        )
        self.names = tuple(
            host_name(host) for host in trusted if not host.startswith((".", "*"))
        )
        self._map = app.url_map
        self._server_name = host_name(app.config.get("SERVER_NAME") or "")
        self._script_name = f"{prefix}/"
        self._pages = Map(
            converters=app.url_map.converters,
            strict_slashes=app.url_map.strict_slashes,
            merge_slashes=app.url_map.merge_slashes,
            redirect_defaults=app.url_map.redirect_defaults,
        )
        self.router = functools.lru_cache(_ROUTERS)(self._router)

    def add(self, rule: Rule) -> None:
        """Add *rule*, of a static page, to the router that is for no particular host."""
        if self.matched:
            twin = rule.empty()
            twin.host = None
            twin.subdomain = ""
            self._pages.add(twin)

    def _router(self, host: str) -> MapAdapter:
        """The router for *host*. If hosts are told apart, the router for ``""`` knows the
        paths of static pages on all hosts."""
        if not self.matched or not host:
            routes = self._pages if self.matched else self._map
            return routes.bind("localhost", script_name=self._script_name)
        if self._map.host_matching:
            return self._map.bind(host, script_name=self._script_name)
        server = self._server_name
        subdomain = "<invalid>"
        if host == server:
            subdomain = ""
        elif host.endswith(f".{server}"):
            subdomain = host[: -len(server) - 1]
        return self._map.bind(
            server or host,
            script_name=self._script_name,
            subdomain=subdomain if server else None,
        )


def matches_hosts(app: Flask) -> bool:
    """Whether *app* may answer differently on different hosts."""
    return app.url_map.host_matching or app.subdomain_matching
