"""Telling others about a change, from a background thread.

An editor who presses *save* must not wait for somebody else's server, so a webhook
is only put into a queue, after the commit, and sent by a thread of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from queue import Full
from queue import Queue
from typing import TYPE_CHECKING
from typing import Any

import requests
from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds to connect, and to wait for the answer.
TIMEOUT = (3.05, 10)


@dataclass
class Delivery:
    """One webhook and what became of it; *status* is None until it is known."""

    event: str
    model: str
    entry: str
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    pending: bool = True
    status: int | None = None
    answer: str = ""

    @property
    def ok(self) -> bool:
        """Whether the receiver accepted it."""
        return self.status is not None and 200 <= self.status < 300

    def finish(self, answer: str, status: int | None = None) -> None:
        """Note the outcome."""
        self.answer = " ".join(answer.split())[:200]
        self.status = status
        self.pending = False

    def as_json(self) -> dict[str, Any]:
        """Return what the API tells about it."""
        return {**vars(self), "time": self.time.isoformat(), "ok": self.ok}


class Webhooks:
    """Sends webhooks to *url* one after another, and remembers the latest."""

    def __init__(self, url: str, secret: str, *, keep: int = 20) -> None:
        self.url = url
        self._secret = secret
        self._latest: deque[Delivery] = deque(maxlen=keep)
        self._queue: Queue[tuple[Delivery, dict[str, Any]]] = Queue(maxsize=200)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def latest(self) -> list[Delivery]:
        """Return the latest webhooks, the newest first."""
        with self._lock:
            return list(self._latest)

    def fire(self, event: str, model: str, entry: Mapping[str, Any]) -> None:
        """Send ``{"event", "model", "entry"}`` soon; call this after the commit."""
        label = entry.get("slug") or entry["id"]
        delivery = Delivery(event=event, model=model, entry=str(label))
        with self._lock:
            self._latest.appendleft(delivery)
        if not self.url:
            delivery.finish("not sent: CMS_WEBHOOK_URL is not set")
            return
        body = {"event": event, "model": model, "entry": dict(entry)}
        try:
            self._queue.put_nowait((delivery, body))
        except Full:
            delivery.finish("not sent: too many webhooks are waiting")
            return
        self._ensure_thread()

    def _ensure_thread(self) -> None:
        """Start the thread on first use, which is after any fork of the server."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="webhooks", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._secret}"}
        while True:
            delivery, body = self._queue.get()
            try:
                answer = requests.post(
                    self.url,
                    json=body,
                    headers=headers,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                delivery.finish(f"no answer: {type(error).__name__}")
            else:
                delivery.finish(answer.text, answer.status_code)


def get_webhooks() -> Webhooks:
    """Return the webhooks of the current application."""
    found: Webhooks = current_app.extensions["webhooks"]
    return found
