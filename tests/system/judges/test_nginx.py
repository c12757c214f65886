"""What nginx does in its own way."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import StartSite
from .gateways import CONDITIONS
from .gateways import KEPT
from .gateways import Site

pytestmark = pytest.mark.xdist_group("gateways-gthread")

_DOCS = Path(__file__).parents[3] / "docs/http.rst"


@pytest.fixture
def site(start_site: StartSite) -> Site:
    """A server behind nginx."""
    return start_site("gthread", "nginx")


def test_conditions_do_not_come_through_unasked(site: Site) -> None:
    """Whoever has the page gets it again: nginx keeps conditions to itself wherever it
    might store the answer, and then does not judge them."""
    etag = site.get("/long/{}").headers["etag"]

    assert site.get("/long/{}", If_None_Match=etag).status == 200


def test_what_lets_them_through_is_documented() -> None:
    """It is what the other tests put into its configuration."""
    text = _DOCS.read_text()

    assert [line for line in CONDITIONS if line not in text] == []


def test_a_view_may_allow_nginx_alone(site: Site) -> None:
    """By ``X-Accel-Expires``, which goes before ``Cache-Control`` and is seen by nobody
    else."""
    first = site.get("/accelerated/{}")
    visits = site.control.visits
    second = site.get("/accelerated/{}")

    assert site.control.visits == visits
    for answer in (first, second):
        assert answer.headers["cache-control"] == "max-age=0, must-revalidate"
        assert "x-accel-expires" not in answer.headers


def test_a_page_may_be_a_file_that_nginx_has(site: Site) -> None:
    """``X-Accel-Redirect`` is stored and sent like any other header."""
    answers = [site.get("/sent/{}") for _ in range(2)]
    stored = site.server.ask(f"/sent/{site.name}")

    assert [answer.body for answer in answers] == [KEPT, KEPT]
    assert stored.state == "HIT"
    assert len(site.control.runs(site.name)) == 1
