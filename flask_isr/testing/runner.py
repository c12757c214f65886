"""A runner for tests: background work is done when the test looks."""

from __future__ import annotations

import threading

from ..background.runner import InlineRunner
from ..background.threads import Job


class AtOnce(InlineRunner):
    """Runs each job at once, on a thread of its own, while its caller waits.

    When a visitor's answer is there, the work behind it is done. As in production, no
    render runs on the thread of a live request, whose database session it would share.
    """

    def submit(self, job: Job) -> bool:
        """Run *job* before this returns."""
        thread = threading.Thread(target=super().submit, args=(job,))
        thread.start()
        thread.join()
        return True

    spawn = submit
