"""A build that somebody ends with Ctrl-C, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import PATIENCE
from tests.support.waiting import poll

pytestmark = pytest.mark.slow

APPLICATION = """
import os
import pathlib
import time

import flask
import flask_isr

here = pathlib.Path(__file__).parent
app = flask.Flask(__name__, instance_path=str(here / "instance"))
app.config["ISR_SECRET"] = "a secret of more than sixteen characters"
flask_isr.ISR(app)


@app.get("/<int:number>")
@flask_isr.static_page(paths=[{"number": number} for number in range(1, 7)])
def page(number):
    if number == 3:
        (here / "third").touch()
        while not (here / "go").exists():
            time.sleep(0.01)
    elif number > 3 and "SLOW" in os.environ:
        time.sleep(0.3)
    return str(number)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: no SIGINT there")
def test_an_interrupted_build_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was built before Ctrl-C stays; the next build renders the rest."""
    (tmp_path / "shop.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "flask", "--app", "shop", "isr", "build"]
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root}
    # A shell has what runs in its background ignore SIGINT, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    first = subprocess.Popen(
        [*command, "--jobs", "1"],
        cwd=tmp_path,
        env={**environment, "SLOW": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    try:
        poll((tmp_path / "third").exists)
        first.send_signal(signal.SIGINT)
        (tmp_path / "go").touch()
        output, _ = first.communicate(timeout=PATIENCE)
    finally:
        first.kill()
        first.wait()
    assert first.returncode != 0
    assert "Traceback" not in output

    second = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 0, second.stderr
    line = next(
        li for li in second.stdout.splitlines() if li.startswith("/<int:number>")
    )
    built, fresh, failed = map(int, line.split()[1:4])
    assert failed == 0
    assert built + fresh == 6
    # The page that was being rendered is finished, and perhaps the one behind it.
    assert fresh in (3, 4)
