"""A page that is not static is remembered as such, probed, and forgotten."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
from flask import Response

from flask_isr import rendering
from flask_isr import revalidate_path
from flask_isr import static_page
from flask_isr.pages import fingerprint
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state
from tests.support import rooted_in


class Switch:
    """A view that is static or personal as the test wants, and counts its renders."""

    def __init__(self) -> None:
        self.personal = False
        self.renders = 0

    def __call__(self) -> Response:
        """The view."""
        self.renders += rendering()
        response = Response(f"render {self.renders}")
        if self.personal:
            response.set_cookie("mine", "1")
        return response


@pytest.fixture
def switch() -> Switch:
    """The view of the page."""
    return Switch()


@pytest.fixture
def switched(make_site: MakeSite, switch: Switch) -> Site:
    """A site whose page is the switch."""
    return _switched(make_site, switch)


def _switched(make_site: MakeSite, switch: Switch, **config: t.Any) -> Site:
    site = make_site(**config)
    site.app.add_url_rule("/", "page", static_page(60)(switch))
    return site


class TestMemory:
    """A page that is not static is remembered, probed, and forgotten."""

    def test_the_old_copy_is_dropped_everywhere(
        self, make_site: MakeSite, switch: Switch, clock: Clock
    ) -> None:
        """Once a page turned out personal, no process serves its stored copy."""
        ours, theirs = _switched(make_site, switch), _switched(make_site, switch)
        for site in (ours, theirs):
            site.get("/")
            assert cache_state(site.get("/")) == "HIT"
        switch.personal = True
        clock.advance(61)
        assert cache_state(ours.get("/")) == "STALE"
        ours.settle()

        for site in (ours, theirs):
            answer = site.get("/")
            assert cache_state(answer) == "BYPASS"
            assert "mine=1" in answer.headers["Set-Cookie"]

    def test_it_is_probed_after_a_minute_then_two(
        self, switched: Site, switch: Switch, clock: Clock
    ) -> None:
        """The pause doubles while it stays so; a probe runs behind a visitor."""
        switch.personal = True
        renders = []
        # Pauses are shortened by up to a fifth: 48 to 60 s, 96 to 120 s, 192 to 240 s.
        for pause in (0, 47, 14, 95, 26, 191, 50):
            clock.advance(pause)
            assert cache_state(switched.get("/")) == "BYPASS"
            switched.settle()
            renders.append(switch.renders)

        assert renders == [1, 1, 2, 2, 3, 3, 4]

    def test_the_pause_is_an_hour_at_most(
        self, switched: Site, switch: Switch, clock: Clock
    ) -> None:
        """However long it stays personal, it is tried every hour."""
        switch.personal = True
        for _ in range(12):
            switched.get("/")
            switched.settle()
            clock.advance(3601)
        renders = switch.renders
        switched.get("/")
        switched.settle()

        assert switch.renders == renders + 1

    def test_a_probe_that_succeeds_makes_it_static(
        self, switched: Site, switch: Switch, clock: Clock
    ) -> None:
        """A page that became static is served from the store after its probe."""
        switch.personal = True
        switched.get("/")
        switch.personal = False
        clock.advance(61)

        probed = switched.get("/")
        switched.settle()

        assert cache_state(probed) == "BYPASS"
        assert cache_state(switched.get("/")) == "HIT"

    def test_revalidating_forgets_it(self, switched: Site, switch: Switch) -> None:
        """Revalidating the path has it tried again at once."""
        switch.personal = True
        switched.get("/")
        switch.personal = False
        assert cache_state(switched.get("/")) == "BYPASS"

        with switched.app.app_context():
            revalidate_path("/")

        assert cache_state(switched.get("/")) == "MISS"
        assert cache_state(switched.get("/")) == "HIT"

    def test_another_process_knows(self, make_site: MakeSite, switch: Switch) -> None:
        """What one process learned, another need not try."""
        switch.personal = True
        for _ in range(2):
            assert cache_state(_switched(make_site, switch).get("/")) == "BYPASS"

        assert switch.renders == 1

    def test_the_warning_comes_once(
        self,
        site: Site,
        switch: Switch,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Neither another page of the rule nor a probe repeats the warning."""
        switch.personal = True
        view = static_page()(lambda number: switch())
        site.app.add_url_rule("/<int:number>", "page", view)
        for number in (1, 2, 1, 2):
            site.get(f"/{number}")
            site.settle()
            clock.advance(61)

        assert switch.renders == 4
        assert caplog.text.count("not the same for everybody") == 1

    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    def test_hooks_run_once(self, make_site: MakeSite, serve: str) -> None:
        """A page remembered as not static is answered in one pass through Flask."""
        switch = Switch()
        switch.personal = True
        site = make_site(ISR_SERVE=serve)
        site.app.add_url_rule("/", "page", static_page()(switch))
        passes = itertools.count(1)

        @site.app.after_request
        def count(response: Response) -> Response:
            response.headers["X-Pass"] = str(next(passes))
            return response

        first = int(site.get("/").headers["X-Pass"])

        assert [site.get("/").headers["X-Pass"] for _ in range(3)] == [
            str(first + number) for number in (1, 2, 3)
        ]


@pytest.fixture(params=["auto", "named"])
def release(
    make_site: MakeSite, tmp_path: Path, request: pytest.FixtureRequest
) -> t.Callable[[str, Switch], Site]:
    """Start a process of the release of some name, whose page is a switch."""

    def release(name: str, switch: Switch) -> Site:
        if request.param == "named":
            return _switched(make_site, switch, ISR_BUILD_ID=name)
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        (root / "views.py").write_text(f"# {name}")
        fingerprint._digest.cache_clear()

        return _switched(make_site, switch, app_class=rooted_in(root))

    return release


def _switches(*, old: bool, new: bool) -> tuple[Switch, Switch]:
    """The page in two releases: whether it is personal."""
    switches = Switch(), Switch()
    for switch, personal in zip(switches, (old, new), strict=True):
        switch.personal = personal
    return switches


Release: t.TypeAlias = t.Callable[[str, Switch], Site]


class TestDeployments:
    """What one release found out does not count for the next."""

    def test_a_deploy_that_mends_the_page_shows_at_once(
        self, release: Release, clock: Clock
    ) -> None:
        """However often it was found not static before."""
        old, new = _switches(old=True, new=False)
        site = release("old", old)
        for _ in range(6):
            site.get("/")
            site.settle()
            clock.advance(3601)
        assert old.renders == 6
        site.get("/")
        site.settle()
        site = release("new", new)
        assert [cache_state(site.get("/")) for _ in range(2)] == ["MISS", "HIT"]

    def test_a_deploy_that_does_not_mend_it_tries_once_and_says_so(
        self, release: Release, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """And begins to count anew: what it mends by and by is soon seen."""
        old, new = _switches(old=True, new=True)
        site = release("old", old)
        for _ in range(6):
            site.get("/")
            site.settle()
            clock.advance(3601)
        caplog.clear()
        site = release("new", new)
        for _ in range(3):
            assert cache_state(site.get("/")) == "BYPASS"
        assert new.renders == 1
        assert caplog.text.count("not the same for everybody") == 1
        clock.advance(61)
        site.get("/")
        site.settle()
        assert new.renders == 2

    @pytest.mark.parametrize("serve", ["auto", "wsgi", "view"])
    def test_a_process_that_finds_it_known_says_it_too(
        self,
        make_site: MakeSite,
        switch: Switch,
        serve: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Whoever reads the log of the process that is there now, reads why."""
        switch.personal = True
        for _ in range(2):
            caplog.clear()
            site = _switched(make_site, switch, ISR_SERVE=serve)
            for _ in range(3):
                assert cache_state(site.get("/")) == "BYPASS"
            assert caplog.text.count("not the same for everybody") == 1
        assert switch.renders == 1

    def test_an_old_process_does_not_undo_what_the_new_ones_know(
        self, release: Release, clock: Clock
    ) -> None:
        """While both run: that the page is static now, its probe does not change."""
        old, new = _switches(old=True, new=False)
        here, there = release("old", old), release("new", new)
        here.get("/")
        there.get("/")
        for _ in range(5):
            clock.advance(1)
            here.get("/")
            here.settle()
            # Its own page, by age and by name.
            assert cache_state(there.get("/")) in ("HIT", "STALE")
            there.settle()
        assert new.renders == 1

    def test_nor_that_it_is_not_static_any_more(
        self, release: Release, clock: Clock
    ) -> None:
        """The old process believes it, and neither side renders against the other."""
        old, new = _switches(old=False, new=True)
        here, there = release("old", old), release("new", new)
        here.get("/")
        there.get("/")
        there.settle()
        renders = old.renders, new.renders
        for _ in range(5):
            for site in (here, there):
                assert cache_state(site.get("/")) == "BYPASS"
                site.settle()
        assert (old.renders, new.renders) == renders
        clock.advance(61)
        for _ in range(3):
            for site in (here, there):
                assert cache_state(site.get("/")) == "BYPASS"
                site.settle()
        assert (old.renders, new.renders) == (renders[0], renders[1] + 1)

    def test_a_rollback_is_a_deploy_too(self, release: Release) -> None:
        """The release that comes back tries for itself."""
        good, bad = _switches(old=False, new=True)
        release("good", good).get("/")
        site = release("bad", bad)
        for _ in range(2):
            site.get("/")
            site.settle()
        site = release("good", good)
        assert [cache_state(site.get("/")) for _ in range(2)] == ["MISS", "HIT"]

    def test_builds_that_share_their_pages_share_this(
        self, make_site: MakeSite, switch: Switch
    ) -> None:
        """With None, a deploy changes nothing."""
        switch.personal = True
        for _ in range(2):
            site = _switched(make_site, switch, ISR_BUILD_ID=None)
            assert cache_state(site.get("/")) == "BYPASS"
        assert switch.renders == 1
