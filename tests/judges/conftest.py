"""The servers that are judged."""

from __future__ import annotations

from tests.servers.conftest import page
from tests.servers.conftest import start_farm
from tests.servers.conftest import start_module_farm

__all__ = ["page", "start_farm", "start_module_farm"]
