"""The Runner across a fork and at the end of the interpreter, in real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from tests.support import PATIENCE

pytestmark = pytest.mark.slow


def _run(program: str) -> str:
    """What *program* prints, run in an interpreter of its own."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            textwrap.dedent(program),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_interpreter_waits_for_a_job_that_runs_when_it_exits() -> None:
    """A refresh that is running when the server stops is finished, and so is the queue."""
    out = _run(
        """
        import threading
        from flask_isr.background.pool import ThreadRunner

        begun, ending = threading.Event(), threading.Event()

        def job():
            begun.set()
            threading.main_thread().join()  # until the interpreter is shutting down
            print("finished", flush=True)

        runner = ThreadRunner(workers=1, queue=1)
        runner.submit(job)
        runner.submit(lambda: print("and the next", flush=True))
        begun.wait()
        print("exiting", flush=True)
        """
    )
    assert out.split("\n") == ["exiting", "finished", "and the next", ""]


def test_a_job_that_hangs_keeps_the_interpreter_for_its_grace_only() -> None:
    """The end of the process does not wait for ever, and says what it left behind."""
    out = _run(
        """
        import logging, sys, threading
        from flask_isr.background.pool import ThreadRunner

        logging.basicConfig(stream=sys.stdout, format="%(message)s")
        runner = ThreadRunner(grace=0.05)
        runner.submit(threading.Event().wait)
        print("exiting", flush=True)
        """
    )
    assert out.split("\n") == [
        "exiting",
        "the process ends while renders still run, after 0.05 s of waiting",
        "",
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_process_has_a_runner_of_its_own() -> None:
    """A fork in the middle of work leaves the child a Runner that is empty and works."""
    out = _run(
        """
        import os, threading
        from flask_isr.background.pool import ThreadRunner

        runner = ThreadRunner(workers=1, queue=1, foreground=1)
        gate, begun = threading.Event(), threading.Semaphore(0)

        def job():
            begun.release()
            gate.wait()

        for run in (runner.submit, runner.spawn):
            run(job)
            begun.acquire()
        runner.submit(job)

        child = os.fork()
        if child == 0:
            done = threading.Event()
            print("nothing runs:", runner.drain(1.0), flush=True)
            print("takes:", runner.submit(done.set), flush=True)
            print("runs:", done.wait(10), flush=True)
            print("spawns:", runner.spawn(done.set), flush=True)
            print("drains:", runner.drain(10.0), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        gate.set()
        print("parent drains:", runner.drain(10.0))
        """
    )
    assert out.split("\n") == [
        "nothing runs: True",
        "takes: True",
        "runs: True",
        "spawns: True",
        "drains: True",
        "parent drains: True",
        "",
    ]
