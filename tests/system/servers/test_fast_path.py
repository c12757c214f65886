"""A hit costs no system call."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from tests.support.processes import run_script
from tests.support.tracing import find_strace

HITS = 10_000

SCRIPT: t.Final = """
import sys

from flask import Flask
from werkzeug.test import create_environ

from flask_isr import ISR
from flask_isr import static_page

app = Flask("site", instance_path=sys.argv[1])
ISR(app)


@app.get("/page")
@static_page(revalidate=600)
def page():
    return "<p>a page</p>"


def start_response(status, headers, exc_info=None):
    states.append((status, dict(headers)["X-ISR-Cache"]))


states = []
environ = create_environ("/page", "http://localhost")
for _ in range(3):
    b"".join(app.wsgi_app(dict(environ), start_response))
states.clear()
hits = int(sys.argv[2])
for _ in range(hits):
    app.wsgi_app(environ, start_response)
assert states == [("200 OK", "HIT")] * hits, states[:3]
"""


@pytest.fixture
def strace() -> str:
    """Return strace, where it is and may trace."""
    return find_strace()


def _system_calls(strace: str, folder: Path, hits: int) -> int:
    report = folder / f"{hits}.txt"
    run_script(
        SCRIPT,
        *(folder / str(hits), hits),
        below=[strace, "-c", "-f", "-o", str(report)],
    )
    total = re.search(
        r"^100\.00 +[\d.]+ +\d+ +(\d+) ", report.read_text(), re.MULTILINE
    )
    assert total is not None, report.read_text()
    return int(total[1])


def test_ten_thousand_hits_make_no_system_calls(strace: str, tmp_path: Path) -> None:
    """A process that serves ten thousand hits makes hardly more system calls than one that
    serves none: what is done once a second, and nothing per hit."""
    none = _system_calls(strace, tmp_path, 0)
    many = _system_calls(strace, tmp_path, HITS)

    assert many - none < 200
