"""Runs ``flask isr doctor``, and takes what it printed apart."""

from __future__ import annotations

import typing as t

from ..support import Site


class Doctor:
    """Runs the command for one site.

    :ivar status: its exit status.
    :ivar output: what it printed.
    """

    def __init__(self, site: Site, **more: t.Any) -> None:
        result = site.app.test_cli_runner().invoke(args=["isr", "doctor"], **more)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        self.status = result.exit_code
        self.output = result.stdout
        lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
        self._found = [(check, level, text) for level, check, text in lines]
        self.checks = [check for check, _, _ in self._found]

    def check(self, name: str) -> tuple[str, str]:
        """The worst level of one check, and all that it said."""
        found = [(level, text) for check, level, text in self._found if check == name]
        levels = [level for level, _ in found]
        worst = max(levels, key=["ok", "warning", "problem"].index)
        return worst, " ".join(text for _, text in found)
