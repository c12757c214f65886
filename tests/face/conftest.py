"""Fixtures for tests of the public face."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..conftest import MakeSite
from .deployed import Deployed


@pytest.fixture
def deployed(make_site: MakeSite, tmp_path: Path) -> Deployed:
    """An application in a folder of its own."""
    (tmp_path / "shop").mkdir()
    return Deployed(make_site, tmp_path / "shop")
