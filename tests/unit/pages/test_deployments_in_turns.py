"""Builds whose processes meet the store in turns: blue and green, workers that are
recycled late, rollbacks."""

from __future__ import annotations

import itertools
import random
import typing as t
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from flask_isr import rendering
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from flask_isr.pages import fingerprint
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state
from tests.support import rooted_in


class Turns:
    """Processes of builds on one store, and the data that their pages show.

    :param named: whether the builds have names; else their files tell them apart.
    """

    def __init__(self, make_site: MakeSite, root: Path, named: bool) -> None:
        self._make_site = make_site
        self._root = root
        self._named = named
        self.version = 1
        self.renders = 0

    def start(self, release: str) -> Site:
        """Start a process of *release*."""
        root = self._root / release
        root.mkdir(exist_ok=True)
        (root / "views.py").write_text(f"# {release}")
        fingerprint._digest.cache_clear()

        config = {"ISR_BUILD_ID": release} if self._named else {}
        site = self._make_site(app_class=rooted_in(root), **config)

        @site.app.get("/")
        @static_page(tags=["home"])
        def home() -> str:
            self.renders += rendering()
            return f"{release} {self.version}"

        return site

    def publish(self, site: Site, mode: t.Literal["expire", "refresh"]) -> None:
        """Change the data, and tell *site*."""
        self.version += 1
        with site.app.app_context():
            if mode == "refresh":
                revalidate_path("/", mode=mode)
            else:
                # Nobody renders behind the visitors' backs then.
                revalidate_tag("home")


@pytest.fixture(params=[False, True], ids=["auto", "named"])
def turns(make_site: MakeSite, tmp_path: Path, request: pytest.FixtureRequest) -> Turns:
    """No process yet."""
    return Turns(make_site, tmp_path, request.param)


def _ask(site: Site) -> TestResponse:
    answer = site.get("/")
    site.settle()
    return answer


def test_an_invalidation_reaches_each_process_of_a_build(turns: Turns) -> None:
    """Also one that started before a worker of the old release was recycled, and its
    siblings after that."""
    old, new = turns.start("old"), turns.start("new")
    for site in (old, new):
        _ask(site)
    late_old = turns.start("old")
    turns.publish(late_old, "expire")
    _ask(late_old)
    late_new = turns.start("new")
    _ask(late_new)
    # Both old ones are stopped.
    for site, other in ((late_new, new), (new, late_new)):
        turns.publish(site, "expire")
        text = f"new {turns.version}"
        answer = _ask(site)
        assert (answer.text, cache_state(answer)) == (text, "MISS")
        assert "stored" in answer.headers["Cache-Status"]
        assert [(_ask(one).text, cache_state(_ask(one))) for one in (site, other)] == [
            (text, "HIT")
        ] * 2


def test_refreshing_works_in_each_process(turns: Turns) -> None:
    """Whichever build it is of, and whatever stands in the store."""
    sites = [turns.start(release) for release in ("old", "new", "old", "new")]
    for site in (*sites, *reversed(sites)):
        _ask(site)
        turns.publish(site, "refresh")
        assert _ask(site).text.endswith(f" {turns.version}")


@pytest.mark.parametrize("seed", range(12))
def test_no_history_of_builds_shows_anything_old(
    turns: Turns, clock: Clock, seed: int
) -> None:
    """Processes of two builds start, publish and are asked in any order: all that anybody
    gets after an invalidation is new, and says truly where it comes from. When all is
    done, they do not go on rendering against each other."""
    choice = random.Random(seed)
    sites: list[Site] = []
    for _ in range(40):
        act = choice.choice(["start", "expire", "refresh", *["ask"] * 5, "wait"])
        if act == "start" or not sites:
            sites.append(turns.start(choice.choice(["old", "new"])))
        elif act == "wait":
            clock.advance(choice.choice([1, 100, 1000]))
        elif act == "ask":
            answer = _ask(choice.choice(sites))
            assert int(answer.text.split()[1]) == turns.version
            assert "detail" not in answer.headers["Cache-Status"]
        else:
            turns.publish(choice.choice(sites), t.cast(t.Any, act))
            for site in sites:
                site.settle()
    for site in sites * 2:
        _ask(site)
    renders = turns.renders
    answers = [_ask(site) for site in sites]
    misses = sum(cache_state(answer) == "MISS" for answer in answers)
    # A release with a name answers by itself where it may not show what is stored.
    assert turns.renders - renders == misses
    if not turns._named:
        assert misses == 0


def test_an_old_release_renders_for_its_own_visitors_alone(turns: Turns) -> None:
    """While what a later one made is there and good; what expired is anybody's."""
    old, new = turns.start("old"), turns.start("new")
    for site in (old, new):
        _ask(site)
    if turns._named:
        for _ in range(2):
            answer = _ask(old)
            assert (answer.text, cache_state(answer)) == ("old 1", "MISS")
            assert "stored" not in answer.headers["Cache-Status"]
    assert (_ask(new).text, cache_state(_ask(new))) == ("new 1", "HIT")

    turns.publish(new, "expire")
    answer = _ask(old)
    assert (answer.text, cache_state(answer)) == ("old 2", "MISS")
    assert "stored" in answer.headers["Cache-Status"]
    assert [cache_state(_ask(new)) for _ in range(2)] == [
        "MISS" if turns._named else "STALE",
        "HIT",
    ]
    assert _ask(new).text == "new 2"


def test_a_rollback_shows_at_once(turns: Turns) -> None:
    """And so does the next attempt."""
    for release, number in zip(("a", "b", "a", "b"), itertools.count(1), strict=False):
        site = turns.start(release)
        _ask(site)
        assert (_ask(site).text, cache_state(_ask(site))) == (f"{release} 1", "HIT")
        assert turns.renders == number


def test_an_old_process_has_the_place_of_its_start(turns: Turns) -> None:
    """Not of its first render: that may come late, where its siblings rendered what it
    serves."""
    first, idle = turns.start("old"), turns.start("old")
    _ask(first)
    _ask(idle)
    new = turns.start("new")
    _ask(new)
    _ask(idle)
    assert (_ask(new).text, cache_state(_ask(new))) == ("new 1", "HIT")


def test_a_store_that_was_cleared_knows_the_builds(turns: Turns) -> None:
    """Nothing is stored, and the later build stays the later one."""
    old, new = turns.start("old"), turns.start("new")
    for site in (old, new):
        _ask(site)
    new.state.store.clear()
    _ask(new)
    _ask(old)
    assert (_ask(new).text, cache_state(_ask(new))) == ("new 1", "HIT")
