"""The host that a request is for."""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import SecurityError
from werkzeug.wsgi import get_host

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def host_of(environ: WSGIEnvironment) -> str:
    """The host that a request is for, without its port."""
    return host_name(_host(environ))


def host_and_port(environ: WSGIEnvironment) -> str:
    """The host that a request is for, with a port that is not its scheme's."""
    return _host(environ).lower()


def host_name(host: str) -> str:
    """*host* in lower case, without its port."""
    name, colon, port = host.lower().rpartition(":")
    # An IPv6 address has colons of its own, inside of brackets.
    return name if colon and port.isdigit() else host.lower()


def _host(environ: WSGIEnvironment) -> str:
    try:
        return get_host(environ)
    except SecurityError:
        # Some releases raise it for characters that no host has. Flask answers then.
        return ""
