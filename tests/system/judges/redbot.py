"""REDbot in a process of its own.

``python -m tests.system.judges.redbot METHOD URL [FIELD ...]`` prints what it finds as HAR.

REDbot's own command can send neither another method nor header fields.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from configparser import ConfigParser

from tests.system.servers.control import PATIENCE
from tests.system.servers.running import ROOT

#: What REDbot holds against answers that are as they are meant to be.
EXCEPTIONS: t.Final[t.Mapping[str, str]] = {
    "STATUS_BAD_REQUEST": "each 400, for being one: the request was wrong",
}


class Check:
    """One check by REDbot: it asks for *url*, and then in other ways for the same."""

    def __init__(self, url: str, method: str = "GET", *fields: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, method, url, *fields],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def result(self) -> Result:
        """Wait for the end of the check."""
        output, _ = self._process.communicate(timeout=PATIENCE)
        assert self._process.returncode == 0
        return Result(json.loads(output)["log"])


class Result:
    """What REDbot says, from a HAR log.

    :ivar status: of the first answer.
    :ivar headers: of the first answer, by name in lower case.
    :ivar notes: all notes of all answers, with those below them.
    """

    def __init__(self, log: dict[str, t.Any]) -> None:
        # Where nobody answered, there is no entry, and no note either.
        assert log["entries"], log
        first = log["entries"][0]["response"]
        self.status: int = first["status"]
        self.headers = {
            field["name"].lower(): field["value"].strip() for field in first["headers"]
        }
        self.notes = [
            note for entry in log["entries"] for note in _flat(entry["_red_messages"])
        ]

    @property
    def names(self) -> set[str]:
        """The names of the notes."""
        return {note["note_id"] for note in self.notes}

    @property
    def faults(self) -> list[str]:
        """The notes that call something bad or doubtful."""
        return [
            f"{note['note_id']} ({note['level']}): {note['summary']}"
            for note in self.notes
            if note["level"] in ("BAD", "WARN") and note["note_id"] not in EXCEPTIONS
        ]


def _flat(notes: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    for note in notes:
        yield note
        yield from _flat(note.get("subnotes", []))


def main(method: str, url: str, *fields: str) -> None:
    """Check *url*, with the header *fields* given as ``name: value``."""
    import thor
    from redbot.formatter import find_formatter
    from redbot.resource import HttpResource

    parser = ConfigParser()
    parser.read_dict({"redbot": {"enable_local_access": "True"}})
    config = parser["redbot"]
    resource = HttpResource(config)
    headers = [tuple(field.split(": ", 1)) for field in fields]
    resource.set_request(url, method, headers)
    formatter = find_formatter("har", "har", False)(
        config, resource, sys.stdout.write, {"tty_out": False, "descend": False}
    )
    formatter.bind_resource(resource)
    formatter.once("formatter_done", thor.stop)
    resource.check()
    thor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
