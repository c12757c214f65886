"""``python -m tests.compat.extensions.matrix.sentry FOLDER``: what Sentry calls three
visits to one page, as JSON. In a process of its own, since Sentry changes Flask itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from flask_isr import static_page
from tests.support import Clock
from tests.support import Site

names: list[str] = []


class _Kept(Transport):
    def capture_envelope(self, envelope: Envelope) -> None:
        transaction = envelope.get_transaction_event()
        if transaction is not None:
            names.append(transaction["transaction"])


sentry_sdk.init("https://key@sentry.example/1", traces_sample_rate=1.0, transport=_Kept)
site = Site(Path(sys.argv[1]), Clock(1_000_000.0), {})


@site.app.get("/page")
@static_page()
def page() -> str:
    """A page."""
    return "a page"


for _ in range(3):
    site.get("/page")
site.close()
sys.stdout.write(json.dumps(names))
