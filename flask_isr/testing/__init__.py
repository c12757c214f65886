"""Helpers for the tests of applications: static pages as in production, without files,
lingering threads, or time that passes by itself.

.. code-block:: python

    from flask_isr.testing import ISRTester


    def test_the_home_page_is_static(app):
        with ISRTester(app) as isr:
            client = app.test_client()
            isr.assert_miss(client.get("/"))
            isr.assert_hit(client.get("/"))
            isr.clock.advance(61)
            isr.assert_stale(client.get("/"))
            isr.assert_hit(client.get("/"))

With pytest, ``pytest_plugins = ["flask_isr.testing.fixtures"]`` in ``conftest.py`` gives
tests a fixture ``isr`` that does the same with their fixture ``app``.
"""

from ..stores.memory import MemoryStore
from .clock import Clock
from .runner import AtOnce
from .tester import ISRTester

__all__ = ["AtOnce", "Clock", "ISRTester", "MemoryStore"]
