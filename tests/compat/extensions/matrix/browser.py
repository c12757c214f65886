"""What a browser sends, with its headers and cookies, and what it shows."""

from __future__ import annotations

import gzip
import re
import typing as t

import brotli
import zstandard
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import cache_state

from .case import Headers

HOST: t.Final = "shop.example"
ORIGIN: t.Final = f"https://{HOST}"

#: What a browser sends, but for cookies.
BROWSER: t.Final = {
    "Host": HOST,
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
    "image/webp,*/*;q=0.8",
    "Accept-Language": "de-DE,de;q=0.9,en;q=0.8",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": f"{ORIGIN}/",
    "DNT": "1",
    "Connection": "keep-alive",
    "Upgrade-Insecure-Requests": "1",
    "Priority": "u=0, i",
    "Sec-CH-UA": '"Chromium";v="143", "Not A(Brand";v="24"',
    "Sec-CH-UA-Mobile": "?0",
    "Sec-CH-UA-Platform": '"Linux"',
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-User": "?1",
    "Sec-GPC": "1",
}
#: What a proxy adds, or sends instead.
PROXY: t.Final = {
    "Host": "app.internal:8000",
    "Via": "2 edge",
    "Forwarded": f"for=198.51.100.7;proto=https;host={HOST}",
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": HOST,
    "X-Forwarded-Port": "443",
    "X-Real-IP": "198.51.100.7",
    "X-Request-ID": "f058ebd6-02f7-4d3f-942e-904344e8cde5",
    "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "CF-Connecting-IP": "198.51.100.7",
    "CF-IPCountry": "DE",
}

_DECODE: t.Final[dict[str | None, t.Callable[[bytes], bytes]]] = {
    None: bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstandard.decompress,
}


class Browser:
    """One visitor.

    :param behind_proxy: whether a proxy is between them and the site.
    """

    def __init__(
        self, app: Flask, headers: Headers | None = None, behind_proxy: bool = False
    ) -> None:
        self._client: FlaskClient = app.test_client()
        self._client.set_cookie("consent", "all", domain=HOST)
        self._client.set_cookie("_ga", "GA1.1.1234567890.1700000000", domain=HOST)
        self._headers = {
            **BROWSER,
            **(PROXY if behind_proxy else {}),
            **(headers or {}),
        }
        self._base = f"http://{HOST}" if behind_proxy else ORIGIN

    def get(self, path: str, **headers: str) -> TestResponse:
        """Load *path*."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.get(
            path, base_url=self._base, headers={**self._headers, **named}
        )


def text_of(answer: TestResponse) -> str:
    """What a browser shows."""
    return _DECODE[answer.headers.get("Content-Encoding")](answer.data).decode()


def outcome(answer: TestResponse) -> str:
    """``HIT``, or why it is none."""
    state = cache_state(answer)
    if state != "BYPASS":
        return str(state)
    found = re.search('detail="?([^"]*)', answer.headers["Cache-Status"])
    assert found is not None
    return found[1]
