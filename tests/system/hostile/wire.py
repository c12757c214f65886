"""Requests as bytes: what no library would send."""

from __future__ import annotations

import http.client
import io
import json
import socket
import typing as t
from dataclasses import dataclass

from tests.support import lint

from ..servers.control import PATIENCE


@dataclass(frozen=True)
class Reply:
    """What a server answered to one request; status 0 where it just hung up."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def get(self, name: str) -> str:
        """The value of a header; empty where it is not there."""
        pairs = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(pairs)

    @property
    def state(self) -> str:
        """``HIT``, ``STALE``, ``MISS`` or ``BYPASS``."""
        return self.get("X-ISR-Cache")

    @property
    def json(self) -> t.Any:
        """What a page of the site shows."""
        assert self.status == 200, self
        return json.loads(self.body)


class _Stream(io.BytesIO):
    """What came over one connection: answers, one after the other."""

    def makefile(self, mode: str) -> _Stream:
        """As a socket does it; each answer is read from where the last one ended."""
        return self

    def close(self) -> None:
        """Stay open: http.client closes it after each answer."""


def exchange(
    port: int, data: bytes, methods: t.Sequence[str] = ("GET",)
) -> list[Reply]:
    """Send *data* in one piece on a connection, and read until the server closes it.

    :param methods: of the requests, in order; the last must ask for the end.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
        try:
            wire.sendall(data)
            while chunk := wire.recv(65536):
                received += chunk
        except ConnectionError:
            # Refused before it was read to the end.
            pass
    stream = _Stream(received)
    replies = []
    for method in methods:
        answer = http.client.HTTPResponse(t.cast(socket.socket, stream), method=method)
        try:
            answer.begin()
        except http.client.HTTPException:
            break
        body = answer.read()
        replies.append(Reply(answer.status, tuple(answer.getheaders()), body))
    return replies or [Reply(0)]


def request(
    target: str | bytes,
    *headers: str | bytes,
    method: str = "GET",
    host: str | None = "site.test",
    body: bytes = b"",
    last: bool = True,
) -> bytes:
    """A request as it goes over the wire: nothing is checked or encoded.

    :param last: whether the server is asked to close the connection.
    """
    lines = [method.encode() + b" " + _bytes(target) + b" HTTP/1.1"]
    if host is not None:
        lines.append(b"Host: " + host.encode("latin-1"))
    lines.extend(map(_bytes, headers))
    if last:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def ask(port: int, target: str | bytes, *headers: str | bytes, **how: t.Any) -> Reply:
    """Send one request; what comes back is judged at the end of the test."""
    data = request(target, *headers, **how)
    method = how.get("method", "GET").upper()
    reply = exchange(port, data, [method])[0]
    if reply.status:
        path = _bytes(target).decode("latin-1").partition("?")[0]
        asked = [_field(_bytes(header).decode("latin-1")) for header in headers]
        lint.note(
            lint.Exchange(method, path, asked, reply.status, reply.headers, reply.body)
        )
    return reply


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
