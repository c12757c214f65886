"""What a worker takes of the machine's memory, as the machine counts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.promise(7)

_MIB = 1024 * 1024

# Beside its pages, a process grows by the caches of its database connections.
ALLOWED = 1.2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("limit", "pages", "size", "tags", "variants"),
    [
        pytest.param(64 * _MIB, 10_000, 14_000, 2, 1, id="usual pages"),
        pytest.param(16 * _MIB, 4_500, 100, 0, 1, id="small pages"),
        pytest.param(16 * _MIB, 1_500, 100, 100, 1, id="many tags"),
        pytest.param(16 * _MIB, 4_500, 100, 0, 50, id="many variants"),
    ],
)
def test_a_worker_grows_by_what_its_memory_may_hold(
    tmp_path: Path, limit: int, pages: int, size: int, tags: int, variants: int
) -> None:
    """However many pages it has served: by a fifth more at most."""
    numbers = (limit, pages, size, tags, variants)
    result = subprocess.run(
        [
            *(sys.executable, "-m", "tests.system.bounds.memory_use"),
            *map(str, (tmp_path, *numbers)),
        ],
        check=False,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    grown, counted = map(int, result.stdout.split())
    assert limit * 0.9 < counted <= limit
    assert limit * 0.5 < grown < limit * ALLOWED
