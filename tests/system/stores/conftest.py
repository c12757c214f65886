"""The fixtures of the stores, for their processes."""

from tests.unit.stores.conftest import folder
from tests.unit.stores.conftest import make_store

__all__ = ["folder", "make_store"]
