"""Browsers with cookies: of Flask's test client, or on a server's address."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

import requests
from flask import Flask

from tests.support import PATIENCE


@dataclass(frozen=True)
class Page:
    """What a browser shows.

    :param state: ``HIT``, ``STALE``, ``MISS``, ``BYPASS``, or nothing.
    """

    status: int
    text: str
    state: str | None
    headers: t.Mapping[str, str]


class Browser:
    """Keeps its cookies, and follows redirects.

    :param site: an application, or the address of a server.
    """

    def __init__(self, site: Flask | str) -> None:
        self._site = site
        if isinstance(site, str):
            self._session = requests.Session()
            # Each request may come to another process.
            self._session.headers["Connection"] = "close"
        else:
            self._client = site.test_client()

    def get(self, path: str, **headers: str) -> Page:
        """Load *path*."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, **data: str) -> Page:
        """Send *data* to *path*."""
        return self._ask("POST", path, data, {})

    def submit(self, path: str, to: str = "", **data: str) -> Page:
        """Load the form at *path*, fill it in, and send it off with its token."""
        found = re.search('name="csrf_token" value="([^"]*)"', self.get(path).text)
        assert found is not None
        return self.post(to or path, csrf_token=found[1], **data)

    def forget(self, cookie: str) -> None:
        """Drop a cookie, as a browser does when it is closed."""
        if isinstance(self._site, str):
            self._session.cookies.pop(cookie)
        else:
            self._client.delete_cookie(cookie)

    def _ask(
        self,
        method: str,
        path: str,
        data: dict[str, str] | None,
        headers: t.Mapping[str, str],
    ) -> Page:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(self._site, str):
            answer = self._session.request(
                method, self._site + path, data=data, headers=named, timeout=PATIENCE
            )
            return Page(
                answer.status_code,
                answer.text,
                answer.headers.get("X-ISR-Cache"),
                answer.headers,
            )
        result = self._client.open(
            path, method=method, data=data, headers=named, follow_redirects=True
        )
        headers = dict(result.headers)
        return Page(
            result.status_code, result.text, headers.get("X-ISR-Cache"), headers
        )
