"""Deployments: which pages a new release of the application serves."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import render_template

from flask_isr import static_page
from flask_isr.core.deployment import NEWER_BUILD_GRACE
from flask_isr.pages import fingerprint
from flask_isr.pages.fingerprint import digest_of
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import rooted_in

from .deployed import see

pytestmark = pytest.mark.promise(8)


def _release(make_site: MakeSite, build_id: str | None, text: str) -> Site:
    """A release of the application whose page says *text*."""
    site = make_site(ISR_BUILD_ID=build_id)

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return text

    return site


def test_pages_of_another_named_build_are_not_served(make_site: MakeSite) -> None:
    """They are rendered by the release that is asked."""
    assert see(_release(make_site, "1", "old")) == ("old", "MISS")
    new = _release(make_site, "2", "new")
    assert [see(new), see(new)] == [("new", "MISS"), ("new", "HIT")]


def test_not_even_where_the_render_fails(make_site: MakeSite) -> None:
    """What another release made is no last good page."""
    see(_release(make_site, "1", "old"))
    site = make_site(ISR_BUILD_ID="2")

    @site.app.get("/")
    @static_page()
    def home() -> str:
        raise LookupError

    assert site.get("/").status_code == 500


def test_builds_may_share_their_pages(make_site: MakeSite) -> None:
    """With None, a deploy changes nothing."""
    see(_release(make_site, None, "old"))
    assert see(_release(make_site, None, "new")) == ("old", "HIT")


def test_processes_of_one_release_are_equals_beside_another_application(
    make_site: MakeSite,
) -> None:
    """One that starts after another application on the folder was deployed is of the same
    build as those that started before: each renews the other's pages."""

    class Other(Flask):
        def __init__(self, name: str, **options: t.Any) -> None:
            super().__init__("other", **options)

    def start(app_class: type[Flask], build_id: str) -> Site:
        site = make_site(app_class=app_class, ISR_BUILD_ID=build_id)

        @site.app.get("/")
        @static_page(revalidate=60, tags=["home"])
        def home() -> str:
            return next(texts)

        return site

    texts = iter("abcdef")
    early = start(Flask, "1")
    assert see(early) == ("a", "MISS")
    assert see(start(Other, "x")) == ("b", "MISS")
    late = start(Flask, "1")
    early.state.store.invalidate(expired=["tag:home"])
    assert see(late) == ("c", "MISS")
    early.state.store.invalidate(expired=["tag:home"])
    assert [see(early), see(late)] == [("d", "MISS"), ("d", "HIT")]


def test_an_earlier_release_does_not_replace_pages_of_a_later_one(
    make_site: MakeSite,
) -> None:
    """While both run, during a graceful reload."""
    old, new = _release(make_site, "1", "old"), _release(make_site, "2", "new")
    see(old)
    assert see(new) == ("new", "MISS")
    see(old)
    assert see(new) == ("new", "HIT")


class TestAuto:
    """A digest of the files tells releases apart by itself."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """An application's folder, with a module and a template."""
        root = tmp_path / "shop"
        (root / "templates").mkdir(parents=True)
        (root / "views.py").write_text("# views\n")
        self.write(root, "old")
        return root

    def write(self, root: Path, text: str) -> None:
        """Deploy another template."""
        (root / "templates" / "home.html").write_text(text)
        fingerprint._digest.cache_clear()

    def start(self, make_site: MakeSite, root: Path) -> Site:
        """Start the application as it is on disk now."""
        site = make_site(app_class=rooted_in(root))

        @site.app.get("/")
        @static_page()
        def home() -> str:
            return render_template("home.html")

        return site

    def test_the_second_load_shows_a_new_template(
        self, make_site: MakeSite, root: Path
    ) -> None:
        """The first one gets the old page once more; nobody waits for a deploy."""
        assert see(self.start(make_site, root)) == ("old", "MISS")
        self.write(root, "new")
        site = self.start(make_site, root)
        assert see(site) == ("old", "STALE")
        site.settle()
        assert see(site) == ("new", "HIT")

    def test_a_restart_alone_changes_nothing(
        self, make_site: MakeSite, root: Path
    ) -> None:
        """The same files are the same build."""
        see(self.start(make_site, root))
        assert see(self.start(make_site, root)) == ("old", "HIT")

    def test_an_old_process_leaves_new_pages_as_they_are(
        self, make_site: MakeSite, root: Path
    ) -> None:
        """It serves them, and neither renews nor replaces them."""
        old = self.start(make_site, root)
        see(old)
        self.write(root, "new")
        new = self.start(make_site, root)
        see(new)
        new.settle()
        assert [see(old), see(new)] == [("new", "HIT"), ("new", "HIT")]

    def test_a_release_that_was_left_alone_takes_its_pages_back(
        self, make_site: MakeSite, root: Path, clock: Clock
    ) -> None:
        """A process of the old release that started last, in the middle of the deployment,
        and is gone, leaves no page behind that the new one could not renew."""
        self.write(root, "new")
        new = self.start(make_site, root)
        see(new)
        self.write(root, "old")
        late = self.start(make_site, root)
        see(late)
        late.settle()
        self.write(root, "new")
        assert [see(new), see(new)] == [("old", "HIT")] * 2
        clock.advance(NEWER_BUILD_GRACE + 1)
        assert see(new) == ("old", "STALE")
        new.settle()
        assert see(new) == ("new", "HIT")

    def test_going_back_is_a_deploy_too(self, make_site: MakeSite, root: Path) -> None:
        """After a rollback the pages of the withdrawn release are stale."""
        see(self.start(make_site, root))
        self.write(root, "bad")
        bad = self.start(make_site, root)
        see(bad)
        bad.settle()
        self.write(root, "old")
        site = self.start(make_site, root)
        assert see(site) == ("bad", "STALE")
        site.settle()
        assert see(site) == ("old", "HIT")

    @pytest.mark.parametrize(
        ("name", "counts"),
        [
            ("views.py", True),
            ("lib/more.py", True),
            ("templates/deep/part.html", True),
            ("static/app.js", False),
            ("data.sqlite", False),
            (".git/hook.py", False),
            ("node_modules/x/setup.py", False),
            ("venv/lib/module.py", False),
            ("instance/local.py", False),
        ],
    )
    def test_the_applications_own_code_and_templates_count(
        self, root: Path, name: str, counts: bool
    ) -> None:
        """What it keeps beside them does not."""
        app = Flask("app", root_path=str(root), instance_path=str(root / "instance"))
        (root / "venv").mkdir()
        (root / "venv" / "pyvenv.cfg").touch()
        before = digest_of(app)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("changed")
        fingerprint._digest.cache_clear()
        assert (digest_of(app) != before) is counts
