"""The programs that README and docs show, and visitors of what they make."""

from __future__ import annotations

import re
import textwrap
import typing as t
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..support import SECRET

ROOT = Path(__file__).parents[2]
AUTHORIZED = {"Authorization": f"Bearer {SECRET}"}

#: Imports code blocks as one module.
Start: t.TypeAlias = t.Callable[[t.Sequence[str]], t.Any]


def code(page: Path, language: str) -> list[str]:
    """The code blocks of *page* in *language*, in their order."""
    pattern = rf"^\.\. code-block:: {language}\n\n((?: {{4}}.*\n|\n)+)"
    found = re.findall(pattern, page.read_text("utf-8"), re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def get(module: t.Any, path: str) -> TestResponse:
    """GET *path* as an anonymous visitor."""
    client: FlaskClient = module.app.test_client(use_cookies=False)
    return client.get(path)


def post(module: t.Any, path: str, **kwargs: t.Any) -> TestResponse:
    """POST to *path*."""
    client: FlaskClient = module.app.test_client(use_cookies=False)
    return client.post(path, **kwargs)
