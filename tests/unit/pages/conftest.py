"""Fixtures for tests of what an application declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.unit.revalidation.conftest import catalogue

from .deployed import Deployed

__all__ = ["catalogue"]


@pytest.fixture
def deployed(make_site: MakeSite, tmp_path: Path) -> Deployed:
    """An application in a folder of its own."""
    (tmp_path / "shop").mkdir()
    return Deployed(make_site, tmp_path / "shop")
