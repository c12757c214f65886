"""Fixtures for all tests."""

from __future__ import annotations

import collections
import os
import typing as t
from pathlib import Path

import pytest
import requests
from flask import Flask
from werkzeug.test import Client
from werkzeug.test import TestResponse

from flask_isr import rendering

from .support import Clock
from .support import Site
from .support import lint

pytest_plugins = ["tests.support.promises"]

MakeSite: t.TypeAlias = t.Callable[..., Site]

# Off where old releases are tried: they have their own manners.
_JUDGES = os.environ.get("ISR_JUDGES") != "0"


@pytest.fixture(scope="session", autouse=True)
def _note_answers() -> t.Iterator[None]:
    """Have each answer judged that a test client gets, or Requests from a server."""
    ask, send = Client.open, requests.Session.send

    def ask_and_note(self: Client, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        answer = ask(self, *args, **kwargs)
        if not rendering():
            lint.note(answer)
        return answer

    def send_and_note(
        self: requests.Session, request: requests.PreparedRequest, **kwargs: t.Any
    ) -> requests.Response:
        answer = send(self, request, **kwargs)
        lint.note(lint.Exchange.of(request, answer))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "open", ask_and_note)
        patch.setattr(requests.Session, "send", send_and_note)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests of one name: several workers would run only one of them."""
    count = collections.Counter(item.nodeid for item in items)
    twice = [name for name, times in count.items() if times > 1]
    if twice:
        raise pytest.UsageError(f"tests of one name: {', '.join(twice)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> t.Iterator[None]:
    """Fail a test that passed with answers that httplint finds fault with; it may have
    reason to get such: ``@pytest.mark.lint_allows("VARY_ASTERISK")``."""
    try:
        yield
    finally:
        answers = lint.take()
    if _JUDGES:
        marks = item.iter_markers("lint_allows")
        allowed = [name for mark in marks for name in mark.args]
        assert lint.judge(answers, allowed) == []


@pytest.fixture
def clock() -> Clock:
    """The store's time, set by the test."""
    return Clock(1_000_000.0)


@pytest.fixture
def make_site(tmp_path: Path, clock: Clock) -> t.Iterator[MakeSite]:
    """Make applications; those made in one test share the folder, as processes would."""
    sites: list[Site] = []

    def make(*, app_class: type[Flask] = Flask, **config: t.Any) -> Site:
        site = Site(tmp_path, clock, config, app_class)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """An application without views."""
    return make_site()
