"""Pages that read something, and what is said of it."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site

View: t.TypeAlias = t.Callable[[], t.Any]


class Log:
    """What the extension warned of."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def reads(self) -> list[str]:
        """Warnings of undeclared reads, in order."""
        messages = (record.getMessage() for record in self._caplog.records)
        return [message for message in messages if ") reads " in message]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    """What the extension warns of in this test."""
    return Log(caplog)


@pytest.fixture(params=["auto", "wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param, SECRET_KEY="a key")


def add(site: Site, view: View, rule: str = "/page", **arguments: t.Any) -> None:
    """Make *view* a static page."""
    site.app.add_url_rule(rule, rule, static_page(**arguments)(view))
