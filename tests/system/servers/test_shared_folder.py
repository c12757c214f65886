"""Several applications of one process, and other processes, on one folder."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support.processes import run_script

VISITOR: t.Final = """
import sys

from flask import Flask

from flask_isr import ISR
from flask_isr import static_page

app = Flask("site", instance_path=sys.argv[1])
ISR(app)


def page():
    return "rendered by another process"


# The view of the release that the test runs.
page.__module__, page.__qualname__ = "site", "page"
app.add_url_rule("/page", "page", static_page(tags=["pages"])(page))
sys.stdout.write(app.test_client().get("/page").text)
app.extensions["isr"].store.close()
"""


@pytest.mark.parametrize("number", [1, 2], ids=["one", "two"])
def test_an_invalidation_holds_for_processes_that_come_and_go(
    make_site: MakeSite, tmp_path: Path, number: int
) -> None:
    """However many applications of this process have the folder open, and whichever other
    process had it open and has closed it, what they invalidate is so for the next one."""
    sites = [make_site() for _ in range(number)]
    for site in sites:

        def page() -> str:
            return "rendered here"

        page.__module__, page.__qualname__ = "site", "page"
        site.app.add_url_rule("/page", "page", static_page(tags=["pages"])(page))

    assert {"rendered here"} == {site.get("/page").text for site in sites}
    assert run_script(VISITOR, tmp_path) == "rendered here"
    with sites[0].app.app_context():
        revalidate_tag("pages")

    assert run_script(VISITOR, tmp_path) == "rendered by another process"
    texts = {site.get("/page").text for site in sites}
    assert texts == {"rendered by another process"}
