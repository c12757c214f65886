"""The life of pages in two processes, held against a simple model of it.

What may happen in the middle of a render happens there too: the data change, pages are
invalidated, time passes, the other process begins anew. ``ISR_MODEL_EXAMPLES=2000`` tries
more lives than the suite does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import pytest
from cachelib import SimpleCache
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import initialize
from hypothesis.stateful import rule

from flask_isr.core.decision import RunView
from flask_isr.core.decision import SendError
from flask_isr.core.decision import ServeEntry
from flask_isr.core.freshness import Lifetime
from flask_isr.core.key import PageKey
from flask_isr.core.key import path_tag
from flask_isr.core.key import prefix_tag
from flask_isr.core.key import rule_tag
from flask_isr.core.outcome import Failed
from flask_isr.core.outcome import Outcome
from flask_isr.core.outcome import PerVisitor
from flask_isr.core.outcome import Rendered
from flask_isr.core.store import Store
from flask_isr.stores.caching.store import CachingStore
from flask_isr.stores.sqlite.store import SQLiteStore
from flask_isr.testing.store_kit.records import FOX
from flask_isr.testing.store_kit.records import OWL
from tests.support import Clock

from .process import TAGS
from .process import Process

pytestmark = pytest.mark.promise(4)

LIFETIME = Lifetime(60.0, 600.0)

#: What is invalidated, and of which pages that is a tag.
ALL_TAGS = sorted(
    {tag for page, tags in TAGS.items() for tag in tags | page.implicit_tags}
)


@dataclass
class Model:
    """What is known of one page.

    :ivar version: of its data.
    :ivar expired: the version when it was expired last: who comes later gets no older one.
    :ivar staled: the same for when it was made stale: no older one is called fresh.
    :ivar renders: number of a render to the version that it shows and when it began.
    :ivar good: whether a page is stored that may be served in the place of a failure.
    :ivar failing: whether the last render failed.
    :ivar running: renders that are going on.
    """

    version: int = 1
    expired: int = 0
    staled: int = 0
    renders: dict[int, tuple[int, float]] = field(default_factory=dict)
    good: bool = False
    failing: bool = False
    running: int = 0


class Middle(t.NamedTuple):
    """What happens in the middle of a render, and how the render ends."""

    events: list[tuple[str, t.Any]]
    ending: str


pages = st.sampled_from([FOX, OWL])
numbers = st.sampled_from([0, 1])
moments = st.sampled_from([0.5, 2.0, 61.0, 601.0, -5.0])
events = st.one_of(
    st.tuples(st.just("publish"), pages),
    st.tuples(st.just("expire"), st.sampled_from(ALL_TAGS)),
    st.tuples(st.just("stale"), st.sampled_from(ALL_TAGS)),
    st.tuples(st.just("pass"), moments),
    st.tuples(st.just("restart"), st.none()),
)
middles = st.builds(
    Middle,
    st.lists(events, max_size=2),
    st.sampled_from(["page", "page", "page", "failed", "personal", "gone"]),
)


class Life(RuleBasedStateMachine):
    """Two processes on one embedded store."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(1_000_000.0)
        self.models = {page: Model() for page in TAGS}
        self.middle = Middle([], "page")
        self.active = 0
        self.count = 0
        self.folder = Path(tempfile.mkdtemp())
        self.processes = [self.start(), self.start()]

    def make_store(self) -> Store:
        """One more instance on the place that they share."""
        return SQLiteStore(self.folder / "isr", limit=10**9, clock=self.clock)

    def start(self) -> Process:
        """One more process."""
        return Process(self.make_store(), self.render)

    def teardown(self) -> None:
        """End the processes."""
        for process in self.processes:
            process.store.close()
        shutil.rmtree(self.folder)

    # -- renders ----------------------------------------------------------------------

    def render(self, page: PageKey) -> Outcome:
        """Read the data, let things happen, and answer with what was read."""
        model, middle = self.models[page], self.middle
        self.middle = Middle([], "page")
        self.count += 1
        number, version, began = self.count, model.version, self.clock.now
        model.running += 1
        # A page that expired meanwhile may be rendered for those who came later.
        assert model.running <= 2
        for event, value in middle.events:
            self.happen(event, value)
        model.running -= 1
        model.failing = middle.ending == "failed"
        if middle.ending == "failed":
            return Failed("the source is down")
        if middle.ending == "personal":
            model.good = False
            return PerVisitor("it sets a cookie")
        model.renders[number] = version, began
        return Rendered(
            status=404 if middle.ending == "gone" else 200,
            headers=(),
            body=str(number).encode(),
            etag=f'"{number}"',
            level="wsgi",
            lifetime=LIFETIME,
            tags=page.implicit_tags | TAGS[page],
        )

    def happen(self, event: str, value: t.Any) -> None:
        """One thing, now."""
        match event:
            case "publish":
                self.models[value].version += 1
            case "expire" | "stale":
                self.invalidate(event, value)
            case "pass":
                self.clock.advance(value)
            case "restart":
                self.begin_anew(1 - self.active)

    def invalidate(self, how: str, tag: str) -> None:
        """Make pages stale or expired, by the process that is not busy."""
        store = self.processes[1 - self.active].store
        hit = [page for page in TAGS if tag in page.implicit_tags | TAGS[page]]
        if how == "expire":
            store.invalidate(expired=[tag])
        else:
            store.invalidate(stale=[tag])
        for page in hit:
            model = self.models[page]
            if how == "expire":
                model.expired = model.version
            model.staled = model.version

    def begin_anew(self, number: int) -> None:
        """End a process without a word, and start it again."""
        self.processes[number].store.close()
        self.processes[number] = self.start()

    # -- rules ------------------------------------------------------------------------

    @initialize(page=pages)
    def first_visit(self, page: PageKey) -> None:
        """Somebody came before."""
        self.visit(0, page, Middle([], "page"))

    @rule(event=events)
    def something_happens(self, event: tuple[str, t.Any]) -> None:
        """While nobody renders."""
        self.happen(*event)

    @rule(number=numbers, middle=middles)
    def background(self, number: int, middle: Middle) -> None:
        """A job that was put off runs."""
        jobs = self.processes[number].runner.jobs
        if jobs:
            self.active, self.middle = number, middle
            jobs.popleft()()
            self.middle = Middle([], "page")

    @rule(number=numbers)
    def clear(self, number: int) -> None:
        """All pages are forgotten."""
        self.processes[number].store.clear()
        for model in self.models.values():
            model.good = model.failing = False
            model.expired = model.staled = model.version

    @rule(number=numbers, page=pages, middle=middles)
    def visit(self, number: int, page: PageKey, middle: Middle) -> None:
        """A visitor comes, and is not let down."""
        model = self.models[page]
        # As it is when he comes: what happens while he waits does not concern him.
        expired, staled, good = model.expired, model.staled, model.good
        now, before = self.clock.now, self.count
        self.active, self.middle = number, middle
        answer = self.processes[number].visit(page)
        self.middle = Middle([], "page")
        match answer:
            case ServeEntry(entry, state):
                version, began = model.renders[int(entry.body)]
                if state == "HIT":
                    assert version >= max(expired, staled)
                    assert 0 <= now - began <= 60.0
                elif state == "MISS":
                    assert version >= expired
                elif version < expired:
                    assert model.failing
                model.good = True
            case SendError() | RunView():
                # The view answers, or an error that all share: only where there is no page.
                attempted = self.count > before
                assert not good or (attempted and middle.ending == "personal")


class LifeOverFlaskCaching(Life):
    """Two processes on one backend of Flask-Caching."""

    def __init__(self) -> None:
        self.backend = SimpleCache(threshold=10**6)
        super().__init__()

    def make_store(self) -> Store:
        """An instance on the same backend."""
        return CachingStore(lambda: self.backend, namespace="model", clock=self.clock)


_SETTINGS = settings(
    max_examples=int(os.environ.get("ISR_MODEL_EXAMPLES", "150")),
    stateful_step_count=30,
    deadline=None,
    derandomize="ISR_MODEL_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

TestLife = Life.TestCase
TestLife.settings = _SETTINGS
TestLifeOverFlaskCaching = LifeOverFlaskCaching.TestCase
TestLifeOverFlaskCaching.settings = _SETTINGS


def test_the_tags_of_the_model_are_of_all_kinds() -> None:
    """Path, rule, prefix and the application's own: what a page has by its place, and what
    it was given."""
    for tag in (path_tag(FOX.path), rule_tag(FOX.rule), prefix_tag("/animals")):
        assert tag in ALL_TAGS
