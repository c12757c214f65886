"""What ``varnishtest`` sees of servers: raw, and through a Varnish of its own."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.support.services import missing
from tests.system.servers.conftest import StartFarm
from tests.system.servers.running import APP
from tests.system.servers.running import Farm

# Folder of cases to the application that they are about.
_APPS: t.Final[t.Mapping[str, str]] = {
    "pages": APP,
    "hostile": "tests.system.hostile.site:app",
}

_FOLDER = Path(__file__).parent / "vtc"


def _cases() -> t.Iterator[t.Any]:
    for case in sorted(_FOLDER.glob("*/*.vtc")):
        # What is seen through Varnish is the same, whatever server is behind.
        raw = "varnish v1" not in case.read_text()
        for kind in ("gthread", "granian", "waitress") if raw else ("gthread",):
            group = pytest.mark.xdist_group(f"varnishtest-{kind}")
            yield pytest.param(kind, case, id=f"{case.stem}-{kind}", marks=group)


@pytest.fixture(scope="module")
def start(start_module_farm: StartFarm) -> t.Callable[[str, str], Farm]:
    """Start a kind of server with an application, once for all cases."""

    @functools.cache
    def start_once(kind: str, app: str) -> Farm:
        return start_module_farm(kind, 1, app=app, FLASK_SECRET_KEY="a key")

    return start_once


@pytest.mark.parametrize(("kind", "case"), [*_cases()])
def test_answers_and_renders_are_as_the_case_says(
    start: t.Callable[[str, str], Farm], tmp_path: Path, kind: str, case: Path
) -> None:
    """Each case is a file, about one of the applications."""
    program = shutil.which("varnishtest") or missing("varnishtest")
    farm = start(kind, _APPS[case.parent.name])
    server = farm.servers[0]
    alice = server.ask("/alone/login/alice").headers.get("set-cookie", "")
    macros = {
        "port": server.port,
        "folder": farm.control.folder,
        "alice": alice.partition(";")[0],
    }
    # Varnish itself is where not everybody has it in his PATH.
    environment = {
        **os.environ,
        "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin",
        "TMPDIR": str(tmp_path),
    }

    done = subprocess.run(
        [
            *(program, "-t", "60"),
            *(f"-D{name}={value}" for name, value in macros.items()),
            str(case),
        ],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )

    # Four stars are what it says of itself.
    told = [line for line in done.stdout.splitlines() if not line.startswith("**** ")]
    assert done.returncode == 0, "\n".join(told)
