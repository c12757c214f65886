"""Does what a page of the documentation tells its reader to do, and compares."""

from __future__ import annotations

import ast
import os
import re
import socket
import subprocess
import sys
import textwrap
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.support.services import free_port

from ..support import PATIENCE

_BLOCK = re.compile(
    r"^\.\. code-block:: (?P<language>\w+)\n"
    r"   :caption: (?P<caption>.+)\n\n"
    r"(?P<text>(?: {3,}.*\n|\n)+)",
    re.MULTILINE,
)
#: The address that readers use; tests take a port that is free.
_ADDRESS = re.compile(r"\b(?:localhost|127\.0\.0\.1):5000\b")
#: What differs from run to run, whatever the page shows.
_VARYING = (
    (re.compile(r"ttl=(-?)\d+"), r"ttl=\1#"),
    (re.compile(r"\b\d+ ms\b"), "# ms"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "#"),
    (re.compile(r'"now": \d+'), '"now": #'),
)
_END = "--end-of-command--"

#: Makes the time of the store jump by the number in a file, in each process of a reader.
#: And has Ctrl-C work if the tests themselves run in the background, where it is ignored.
_CUSTOMIZED = """
import os, signal, time

signal.signal(signal.SIGINT, signal.default_int_handler)
started = time.clock_gettime

def clock_gettime(clock):
    with open(os.environ["JUMPED"]) as file:
        return started(clock) + float(file.read())

time.clock_gettime = clock_gettime
"""


@dataclass(frozen=True)
class Block:
    """A code block with a caption: a file, or what is typed into a terminal.

    :ivar line: where it stands on the page.
    """

    language: str
    caption: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The code blocks of *page* that have a caption, in their order."""
    text = page.read_text("utf-8")
    return [
        Block(
            found["language"],
            found["caption"],
            textwrap.dedent(found["text"]).rstrip("\n") + "\n",
            text.count("\n", 0, found.start()) + 1,
        )
        for found in _BLOCK.finditer(text)
    ]


class Terminal:
    """A shell, and a server that may run in it."""

    def __init__(
        self, folder: Path, environment: t.Mapping[str, str], port: int
    ) -> None:
        self._folder = folder
        self._port = port
        self._server: int | None = None
        self._log = folder / "server.log"
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        # Without it, what runs in the background is deaf to Ctrl-C.
        self.type("set -m")

    def type(self, command: str) -> str:
        """Run *command* to its end; what it wrote."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{command}\nprintf '\\n%s\\n' {_END}\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        while (line := self._shell.stdout.readline()) != f"{_END}\n":
            assert line, f"the shell ended at {command!r}: {lines}"
            lines.append(line)
        return "".join(lines).removesuffix("\n")

    def serve(self, command: str) -> None:
        """Start a server, and wait until somebody can connect to it."""
        answer = self.type(f'{command} >"{self._log}" 2>&1 & echo $!')
        self._server = int(answer.split()[-1])
        deadline = time.monotonic() + PATIENCE
        while not self._is_open():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def _is_open(self) -> bool:
        with socket.socket() as visitor:
            return visitor.connect_ex(("127.0.0.1", self._port)) == 0

    def log(self) -> str:
        """What the server has written so far."""
        return self._log.read_text("utf-8")

    def stop(self) -> None:
        """Ctrl-C, if a server runs."""
        if self._server is not None:
            self.type(f"kill -INT -- -{self._server}; wait {self._server}")
            self._server = None

    def close(self) -> None:
        """End the server and the shell."""
        self.stop()
        self._shell.communicate("exit\n", timeout=PATIENCE)


class Reader:
    """Follows a page with two terminals.

    :param home: an empty folder, in which both terminals begin.
    :param folder: where the files of the page belong, in *home*; the page has it made.
    """

    def __init__(self, home: Path, folder: str) -> None:
        self._home = home
        self._folder = home / folder
        self._jumped = home / "jumped"
        self._jumped.write_text("0")
        self._port = free_port()
        self._terminals = {
            name: Terminal(home, self._environment(), self._port)
            for name in ("First terminal", "Second terminal")
        }
        self._times: dict[str, str] = {}

    def _environment(self) -> dict[str, str]:
        tools = self._home / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "sitecustomize.py").write_text(_CUSTOMIZED)
        # To a terminal it tells no progress.
        (tools / ".curlrc").write_text("silent\nshow-error\n")
        programs = Path(sys.executable).parent
        return {
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(tools), *_importable()]),
            "PYTHONUNBUFFERED": "1",
            "FLASK_RUN_PORT": str(self._port),
            "JUMPED": str(self._jumped),
            "CURL_HOME": str(tools),
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def follow(self, block: Block) -> None:
        """Do what *block* says.

        :raises AssertionError: if something else is seen than the page shows.
        """
        where = f"line {block.line}"
        if block.language == "console":
            self._terminal(self._terminals[block.caption], block.text, where)
        elif block.language == "text":
            self._expect_log(self._terminals[block.caption], block.text, where)
        else:
            self._write(self._folder / block.caption, block.text)

    def _write(self, file: Path, text: str) -> None:
        file.parent.mkdir(exist_ok=True)
        if file.suffix == ".py" and file.exists():
            text = merged(file.read_text("utf-8"), text)
        file.write_text(text, "utf-8")

    def _terminal(self, terminal: Terminal, text: str, where: str) -> None:
        for command, shown in typed(text):
            if command == "^C":
                terminal.stop()
            elif found := re.fullmatch(r"sleep (\d+)", command):
                # It takes a reader two seconds to type on.
                jumped = float(self._jumped.read_text()) + float(found[1]) + 2
                self._jumped.write_text(str(jumped))
            elif command.startswith(("flask run", "gunicorn ")):
                terminal.serve(self._here(command))
                self._expect_log(terminal, shown, where)
            else:
                self._run(terminal, command, shown, where)

    def _run(self, terminal: Terminal, command: str, shown: str, where: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            seen = terminal.type(self._here(command))
            # What runs behind the visitors takes a moment, as it may for a reader.
            waits = "X-ISR-Cache: STALE" in seen and "STALE" not in shown
            if not waits or time.monotonic() > deadline:
                break
        assert self._alike(shown, seen), f"{where}: {command}\n{seen}"
        if "venv" in command and (self._folder / ".venv").exists():
            self._install()

    def _install(self) -> None:
        """Let the reader's environment have what the test's has: there is no network."""
        for packages in (self._folder / ".venv").glob("lib/python3*/site-packages"):
            (packages / "tests.pth").write_text("\n".join(_importable()))

    def _expect_log(self, terminal: Terminal, shown: str, where: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._alike(f"…\n{shown}…\n", terminal.log()):
            assert time.monotonic() < deadline, f"{where}:\n{terminal.log()}"
            time.sleep(0.02)

    def _here(self, text: str) -> str:
        return _ADDRESS.sub(f"127.0.0.1:{self._port}", text)

    def _alike(self, shown: str, seen: str) -> bool:
        """Whether *seen* is what the page shows, and the same time where it shows that."""
        shown = _ADDRESS.sub(f"127.0.0.1:{self._port}", shown)
        pattern = _pattern(shown)
        if not re.fullmatch(pattern, _plain(seen).rstrip() + "\n", re.DOTALL):
            return False
        times = re.findall(r"Rendered at (\S+?)[.<\s]", shown)
        for name, value in zip(
            times, re.findall(r"Rendered at (\S+?)[.<\s]", seen), strict=False
        ):
            if self._times.setdefault(name, value) != value:
                return False
        return True

    def close(self) -> None:
        """End what runs."""
        for terminal in self._terminals.values():
            terminal.close()


def _importable() -> list[str]:
    return [
        folder for folder in map(os.path.abspath, sys.path) if Path(folder).is_dir()
    ]


def _plain(text: str) -> str:
    text = re.sub(r"\x1b\[\d*m", "", text).replace("\r", "")
    for varying, constant in _VARYING:
        text = varying.sub(constant, text)
    return text


def _pattern(shown: str) -> str:
    """A pattern for what the page shows, in which ``…`` is anything.

    A line that is nothing else is any number of lines.
    """
    if not shown.strip():
        return r".*"
    pattern = ""
    for line in _plain(shown).splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*".join(map(re.escape, line.split("…"))) + r" *\n"
    return pattern


def typed(text: str) -> t.Iterator[tuple[str, str]]:
    """The commands in a console block, each with what is shown below it."""
    command: str | None = None
    shown: list[str] = []
    for line in text.splitlines():
        begins = line.startswith("$ ") or line == "^C"
        if command is not None and command.endswith("\\"):
            command = f"{command[:-1]}{line.strip()}"
        elif begins:
            if command is not None:
                yield command, "".join(shown)
            command, shown = re.sub(r"  +# .*$", "", line.removeprefix("$ ")), []
        else:
            shown.append(f"{line}\n")
    if command is not None:
        yield command, "".join(shown)


def merged(program: str, change: str) -> str:
    """*program* with what *change* defines in place of what had the same names.

    What is new comes after what stands above it in *change*, or before what stands below.
    """
    pieces = _pieces(program)
    place = 0
    changes = _pieces(change)
    for name in changes:
        if name in pieces:
            place = [*pieces].index(name)
            break
    for name, text in changes.items():
        if name in pieces:
            pieces[name] = text
            place = [*pieces].index(name) + 1
        else:
            before, after = [*pieces.items()][:place], [*pieces.items()][place:]
            pieces = dict([*before, (name, text), *after])
            place += 1
    # Names are there before they are used, as a reader sees to without being told.
    imports = [text for text in pieces.values() if re.match("import|from", text)]
    others = [text for text in pieces.values() if text not in imports]
    return "\n".join([*imports, *others])


def _pieces(program: str) -> dict[str, str]:
    """The statements of *program*, by what they define."""
    lines = program.splitlines()
    pieces = {}
    for statement in ast.parse(program).body:
        first = statement.lineno
        if isinstance(statement, ast.FunctionDef):
            name = statement.name
            first = min([first, *(node.lineno for node in statement.decorator_list)])
        else:
            name = ast.unparse(statement).partition(" = ")[0]
        pieces[name] = "\n".join([*lines[first - 1 : statement.end_lineno], ""])
    return pieces
