"""All cases, by kinds; extensions are imported late, each in its case."""

from __future__ import annotations

from ..case import CASES
from . import accounts
from . import apis
from . import content
from . import forms
from . import operations
from . import sessions

__all__ = [
    "CASES",
    "accounts",
    "apis",
    "content",
    "forms",
    "operations",
    "sessions",
]
