"""Fetches content from the CMS over its JSON API."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

import requests
from flask import abort
from flask import current_app
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

_local = threading.local()


def fetch(*path: str | int, **params: str | int) -> Any:
    """Return what the CMS has at *path*; what it does not have is a 404 here too.

    When the CMS is down, slow or broken this raises ``RequestException``. That is
    what a static page should do: a render that fails leaves the last good page.
    """
    url = "/".join(quote(str(part), safe="") for part in path)
    answer = _session().get(
        f"{current_app.config['CMS_URL']}/api/{url}",
        params=params,
        timeout=current_app.config["CMS_TIMEOUT"],
    )
    if answer.status_code == 404:
        abort(404)
    answer.raise_for_status()
    return answer.json()


def _session() -> requests.Session:
    """Return this thread's session, which keeps its connection open.

    It tries a second time, since the CMS may close an idle connection at the very
    moment at which it is used again.
    """
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        for scheme in ("http://", "https://"):
            _local.session.mount(scheme, HTTPAdapter(max_retries=Retry(1)))
    session: requests.Session = _local.session
    return session
