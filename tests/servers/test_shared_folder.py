"""Several applications of one process, and another process, on one folder."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from flask_isr import static_page
from tests.conftest import MakeSite

from .running import ROOT

OTHER_PROCESS: t.Final = """
import sys

from flask import Flask

from flask_isr import ISR
from flask_isr import revalidate_tag

app = Flask("site", instance_path=sys.argv[1])
ISR(app)

with app.app_context():
    for tag in sys.argv[2:]:
        revalidate_tag(tag)
app.test_client().get("/another")
app.extensions["isr"].store.arrival()
app.extensions["isr"].store.close()
"""


def _run_other_process(folder: Path, *tags: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(folder), *tags],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("number", [1, 2], ids=["one", "two"])
def test_what_another_process_invalidates_is_seen_by_all_applications(
    make_site: MakeSite, tmp_path: Path, number: int
) -> None:
    """However many applications of this process have the folder open, and whatever
    process has come and gone, an invalidation holds for all of them."""
    versions = [1]
    sites = [make_site() for _ in range(number)]
    for site in sites:

        @site.app.get("/page")
        @static_page(tags=["pages"])
        def page() -> str:
            return f"version {versions[-1]}"

    assert {"version 1"} == {site.get("/page").text for site in sites}
    _run_other_process(tmp_path)
    versions.append(2)
    _run_other_process(tmp_path, "pages")

    assert {"version 2"} == {site.get("/page").text for site in sites}
