"""Warnings are shown once: by the application's handlers, or as Flask shows its own."""

from __future__ import annotations

import io
import logging
import typing as t

import pytest

from tests.conftest import MakeSite

Bare: t.TypeAlias = t.Callable[[], list[logging.Handler]]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Bare:
    """Take away the handlers that pytest adds for each test; what is there then."""

    def undress() -> list[logging.Handler]:
        monkeypatch.setattr(logging.root, "handlers", [])
        return logging.root.handlers

    return undress


def shown(make_site: MakeSite, capsys: pytest.CaptureFixture[str]) -> int:
    """How often a warning is shown on the console."""
    make_site()
    make_site()
    logging.getLogger("flask_isr.store").warning("of some weight")
    return capsys.readouterr().err.count("of some weight")


@pytest.mark.parametrize(
    ("level", "times"), [(logging.DEBUG, 0), (logging.WARNING, 0), (logging.ERROR, 1)]
)
@pytest.mark.parametrize("name", ["", "flask_isr", "flask_isr.store"])
def test_a_handler_of_the_application_is_enough(
    make_site: MakeSite,
    bare: Bare,
    capsys: pytest.CaptureFixture[str],
    name: str,
    level: int,
    times: int,
) -> None:
    """On whichever logger, configured after the extension too: nothing is shown twice."""
    bare()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    make_site()
    logger = logging.getLogger(name or None)
    logger.addHandler(handler)
    try:
        assert shown(make_site, capsys) == times
    finally:
        logger.removeHandler(handler)
    assert stream.getvalue().count("of some weight") == 1 - times


@pytest.mark.parametrize("handlers", [[], [logging.NullHandler()]])
def test_without_one_they_are_shown_as_flask_shows_its_own(
    make_site: MakeSite,
    bare: Bare,
    capsys: pytest.CaptureFixture[str],
    handlers: list[logging.Handler],
) -> None:
    """Once, for any number of applications."""
    bare().extend(handlers)
    assert shown(make_site, capsys) == 1


def test_what_does_not_propagate_is_shown_too(
    make_site: MakeSite, bare: Bare, capsys: pytest.CaptureFixture[str]
) -> None:
    """Handlers further up do not get it then."""
    bare().append(logging.StreamHandler(io.StringIO()))
    logger = logging.getLogger("flask_isr")
    logger.propagate = False
    try:
        assert shown(make_site, capsys) == 1
    finally:
        logger.propagate = True
