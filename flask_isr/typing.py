"""Types for annotations in applications, and for runners of their own."""

from .background.runner import Runner
from .core.store import Store
from .modes import MatchKind
from .modes import Mode

__all__ = ["MatchKind", "Mode", "Runner", "Store"]
