"""The fixture ``isr`` for pytest: ``pytest_plugins = ["flask_isr.testing.fixtures"]``."""

from __future__ import annotations

import typing as t

import pytest
from flask import Flask

from .tester import ISRTester


@pytest.fixture
def isr(app: Flask) -> t.Iterator[ISRTester]:
    """Flask-ISR switched on for one test of the application that the fixture ``app``
    gives; see :class:`~flask_isr.testing.ISRTester`."""
    with ISRTester(app) as tester:
        yield tester
