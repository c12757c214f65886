"""Varnish and nginx before a server, as they are when installed."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.support.services import free_port
from tests.support.services import service
from tests.support.waiting import poll
from tests.system.servers.control import Control
from tests.system.servers.running import Answer
from tests.system.servers.running import Farm
from tests.system.servers.running import Server
from tests.system.servers.running import ask

# All in one folder and one process; a cache as nginx's manual shows it, and a folder of
# files that only X-Accel-Redirect can name.
_NGINX = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    proxy_cache_path {folder}/cache keys_zone=site:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{backend};
            proxy_set_header Host $host;
            proxy_cache site;
            {lines}
        }}
        location /kept/ {{
            internal;
            root {folder};
        }}
    }}
}}
"""

#: What the documentation has people add, so that nginx lets the server say "unchanged".
CONDITIONS: t.Final = (
    "proxy_set_header If-None-Match $http_if_none_match;",
    "proxy_cache_bypass $http_if_none_match;",
    "proxy_no_cache $http_if_none_match;",
)

#: What the file ``/kept/file`` of nginx holds.
KEPT: t.Final = b"a file that nginx has"

StartGateway: t.TypeAlias = t.Callable[[Path, int], t.ContextManager[int]]


@contextlib.contextmanager
def _varnish(folder: Path, backend: int) -> t.Iterator[int]:
    options = ["-F", "-j", "none", "-n", str(folder), "-a", "127.0.0.1:{port}"]
    with service("varnishd", *options, "-b", f"127.0.0.1:{backend}") as port:
        # It listens before its first program is there.
        poll(lambda: ask(port, "/process").status == 200)
        yield port


@contextlib.contextmanager
def _nginx(folder: Path, backend: int, lines: t.Sequence[str] = ()) -> t.Iterator[int]:
    (folder / "kept").mkdir()
    (folder / "kept/file").write_bytes(KEPT)
    port = free_port()
    text = _NGINX.format(
        folder=folder, port=port, backend=backend, lines="\n".join(lines)
    )
    (folder / "nginx.conf").write_text(text)
    options = ["-p", str(folder), "-c", str(folder / "nginx.conf")]
    with service("nginx", *options, port=port):
        yield port


#: Name to what puts a gateway, with a folder of its own, before a port; gives its own.
GATEWAYS: t.Final[t.Mapping[str, StartGateway]] = {
    "varnish": _varnish,
    "nginx": _nginx,
    "nginx-conditions": functools.partial(_nginx, lines=CONDITIONS),
}


@dataclass(frozen=True)
class Site:
    """A server with a gateway before it.

    :param port: of the gateway.
    :param name: of a page that nothing else asks for: ``{}`` in paths.
    """

    farm: Farm
    gateway: str
    port: int
    name: str

    @property
    def server(self) -> Server:
        """What is behind the gateway."""
        return self.farm.servers[0]

    @property
    def control(self) -> Control:
        """The clock, the data and the gates of its application."""
        return self.farm.control

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask the gateway for the page *path*."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.port, path.format(self.name), method, named)

    def shown(self, path: str) -> int:
        """The version of the page *path* that the gateway gives."""
        title = self.get(path).body.partition(b"</title>")[0]
        return int(title.rpartition(b" ")[2])

    def draft(self) -> str:
        """The cookie of an editor in draft mode."""
        return self.get("/preview", "POST").headers["set-cookie"].partition(";")[0]
