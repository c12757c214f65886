"""The npm package ``http-cache-tests``, with a static page as the cache that it tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from tests.support import SECRET
from tests.support.services import missing
from tests.support.services import service
from tests.system.servers.running import COMMANDS
from tests.system.servers.running import ROOT

from .by_design import BY_DESIGN

SUITE = Path(sys.prefix) / "npm" / "node_modules" / "http-cache-tests"

# Each of them waits for three seconds at least once; a hundred run at a time.
_PATIENCE = 120.0

# What the release that is pinned in the Makefile holds.
_TESTS = 350

Outcome: t.TypeAlias = t.Literal[True] | list[str]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(kind, marks=pytest.mark.xdist_group(f"cache-tests-{kind}"))
        for kind in ("gthread", "granian", "waitress")
    ],
)
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """What the suite says: the id of a test to what is wrong, or ``True``."""
    if not SUITE.exists():
        missing("http-cache-tests")
    folder = tmp_path_factory.mktemp("bridge")
    npm = {"npm_config_protocol": "http", "npm_config_pidfile": str(folder / "pid")}
    loopback = str(Path(__file__).with_name("loopback.cjs"))
    node = ["env", "npm_config_port={port}", "node", "--require", loopback]
    with service(
        *node, str(SUITE / "server" / "server.mjs"), environment=npm
    ) as origin:
        site = {
            "ORIGIN_PORT": str(origin),
            "PYTHONPATH": str(ROOT),
            "SITE_FOLDER": str(folder),
            "FLASK_ISR_SECRET": SECRET,
        }
        command = _command(request.param)
        bridge = [sys.executable, "-m", *command, "tests.system.judges.bridge:app"]
        with service(*bridge, environment=site) as port:
            return _run(f"http://127.0.0.1:{port}")


def _command(kind: str) -> list[str]:
    # Any port: it is put in when a free one is known.
    return [word.replace("12345", "{port}") for word in COMMANDS[kind](12345, 1)[:-1]]


def _run(base: str) -> dict[str, Outcome]:
    # No id: all tests. Without npm's own variable its absence counts as one.
    ids = {"npm_config_id": "", "npm_package_config_id": ""}
    done = subprocess.run(
        ["node", "--no-warnings", "cli.mjs"],
        cwd=SUITE,
        env={**os.environ, **ids, "npm_config_base": base},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=_PATIENCE,
        check=True,
        text=True,
    )
    outcomes: dict[str, Outcome] = json.loads(done.stdout)
    return outcomes


def test_what_is_not_excepted_passes(outcomes: dict[str, Outcome]) -> None:
    """A regression is named, with what the suite says of it."""
    wrong = {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome is not True and name not in BY_DESIGN
    }

    assert wrong == {}
    assert len(outcomes) == _TESTS


def test_the_exceptions_exist(outcomes: dict[str, Outcome]) -> None:
    """None is of a test that the suite does not have (any more)."""
    assert sorted(BY_DESIGN.keys() - outcomes.keys()) == []
