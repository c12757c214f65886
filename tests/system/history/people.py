"""Readers and publishers, in a process of their own: ``python -m`` this module.

Arguments: ``readers`` or ``publishers``, the ports of the site, with commas, its folder,
for how many seconds, a seed, and the file for the records.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import urlencode

from tests.support import SECRET

from .records import KINDS
from .records import Kind
from .records import Publication
from .records import Reading
from .records import Record
from .records import kind_of
from .records import write
from .site import NAMES
from .site import Data

PAGES = [f"/{kind}/{name}" for kind in KINDS for name in NAMES]

# How many of them a process has.
READERS, PUBLISHERS = 4, 3


def _ask(
    port: int, method: str, path: str, headers: dict[str, str]
) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, headers={"Connection": "close", **headers})
        response = connection.getresponse()
        return response.status, response.getheader("X-ISR-Cache"), response.read()
    finally:
        connection.close()


class People:
    """What one process of them does, and writes down.

    :param ports: of the servers of the site; each request goes to any of them.
    """

    def __init__(
        self, ports: t.Sequence[int], folder: Path, seconds: float, log: Path
    ) -> None:
        self._ports = ports
        self._data = Data(folder)
        self._until = time.monotonic() + seconds
        self._file = log.open("w", buffering=1)
        self._lock = threading.Lock()

    def _note(self, record: Record) -> None:
        with self._lock:
            write(self._file, record)

    def read(self, seed: int) -> None:
        """Be a reader."""
        choice = random.Random(seed)
        while time.monotonic() < self._until:
            page = choice.choice(PAGES)
            asked = time.monotonic()
            try:
                status, state, body = _ask(choice.choice(self._ports), "GET", page, {})
            except (OSError, http.client.HTTPException):
                # The worker was killed.
                continue
            answered = time.monotonic()
            version = json.loads(body)["version"] if status == 200 else None
            self._note(Reading(page, status, state, version, asked, answered))

    def publish(self, seed: int) -> None:
        """Be a publisher, of pages that are nobody else's."""
        choice = random.Random(seed)
        own = [page for page in PAGES if page.endswith(NAMES[seed % len(NAMES)])]
        while time.monotonic() < self._until:
            page = choice.choice(own)
            began = time.monotonic()
            version = self._data.publish(page)
            committed = time.monotonic()
            port = choice.choice(self._ports)
            done = kind_of(page) != "time" and self._invalidate(port, page)
            recorded = time.monotonic() if done else None
            self._note(Publication(page, version, began, committed, recorded))
            time.sleep(choice.uniform(0, 0.1))

    def _invalidate(self, port: int, page: str) -> bool:
        """Call the route; whether it says that it was recorded."""
        kind: Kind = kind_of(page)
        mode = "stale" if kind == "stale" else "expire"
        by_path = kind in ("listed", "missing")
        target = {"path": page} if by_path else {"tag": page[1:].replace("/", ":")}
        query = urlencode({**target, "mode": mode})
        headers = {"X-Revalidate-Secret": SECRET}
        try:
            status, _, _ = _ask(port, "POST", f"/api/revalidate?{query}", headers)
        except (OSError, http.client.HTTPException):
            return False
        return status in (200, 202)


def main(role: str, ports: str, folder: str, seconds: str, seed: str, log: str) -> None:
    """Let the people of one process do their work."""
    people = People(
        [int(port) for port in ports.split(",")],
        Path(folder),
        float(seconds),
        Path(log),
    )
    work, number = {
        "readers": (people.read, READERS),
        "publishers": (people.publish, PUBLISHERS),
    }[role]
    threads = [
        threading.Thread(target=work, args=(int(seed) * 10 + which,))
        for which in range(number)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
