"""The fixtures of the servers, for applications of another kind."""

from tests.system.servers.conftest import start_module_farm

__all__ = ["start_module_farm"]
