"""Other processes: programs that a test runs, and which process of a server answered."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

_ROOT = Path(__file__).parents[2]


def run_script(script: str, *args: object, below: t.Sequence[str] = ()) -> str:
    """Run a Python program, and return what it wrote; the test fails if the program does.

    :param below: a command that runs it, such as strace with its options.
    """
    done = subprocess.run(
        [*below, sys.executable, "-c", script, *map(str, args)],
        check=False,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class NameProcess:
    """Middleware that adds ``X-Process`` to each answer.

    :param note: called for each request.
    """

    def __init__(
        self, inner: WSGIApplication, note: t.Callable[[], object] | None = None
    ) -> None:
        self._inner = inner
        self._note = note

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Answer one request."""

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: t.Any = None
        ) -> t.Callable[[bytes], object]:
            named = [*headers, ("X-Process", str(os.getpid()))]
            return start_response(status, named, exc_info)

        if self._note is not None:
            self._note()
        return self._inner(environ, start)
