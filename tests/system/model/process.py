"""An Engine whose background work the test runs when it likes."""

from __future__ import annotations

import typing as t
from collections import deque

from flask_isr.background.threads import Job
from flask_isr.core.decision import Decision
from flask_isr.core.decision import Limits
from flask_isr.core.decision import PageRequest
from flask_isr.core.engine import Engine
from flask_isr.core.key import PageKey
from flask_isr.core.key import user_tag
from flask_isr.core.local_cache import LocalCache
from flask_isr.core.outcome import Outcome
from flask_isr.core.store import Store
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from tests.unit.core.process import Journal

#: The pages of the model, and the tags that they have beside those of their place.
TAGS: t.Final = {
    FOX: frozenset({user_tag("animals"), user_tag("mammals")}),
    OWL: frozenset({user_tag("animals"), user_tag("birds")}),
}


class ManualRunner:
    """Keeps jobs until the test runs them; what somebody waits for runs at once."""

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()

    def submit(self, job: Job) -> bool:
        """Keep *job*."""
        if len(self.jobs) >= 4:
            return False
        self.jobs.append(job)
        return True

    def spawn(self, job: Job) -> bool:
        """Run *job*."""
        job()
        return True

    def drain(self, timeout: float) -> bool:
        """Nothing runs by itself."""
        return True

    def tend(self) -> None:
        """Nothing hangs."""


class Process:
    """One process of the model.

    :param render: renders a page.
    """

    def __init__(self, store: Store, render: t.Callable[[PageKey], Outcome]) -> None:
        self.store = store
        self.runner = ManualRunner()
        memory = LocalCache(store, 10**6)
        if hasattr(store, "on_restart"):
            store.on_restart = memory.clear
        self.engine = Engine(
            store=store,
            memory=memory,
            runner=self.runner,
            render=render,
            limits=Limits(render=60.0, wait=1.0),
            random=lambda: 0.0,
            observer=Journal(),
        )

    def visit(self, page: PageKey) -> Decision:
        """What a visitor gets."""
        return self.engine.visit(
            PageRequest(page, page.implicit_tags | TAGS[page]), own_stack=True
        )
