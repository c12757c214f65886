"""``flask isr revalidate``, ``clear`` and ``secret``."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_isr import ISR
from tests.conftest import MakeSite
from tests.support import InThread
from tests.support import Site
from tests.support.shop import Plug
from tests.support.shop import Shop

from .conftest import Run

PAGE, OTHER = "/products/1", "/products/2"


@pytest.fixture
def server(make_site: MakeSite) -> Shop:
    """A running server on the same store as the commands, with pages in its memory."""
    server = Shop(make_site())
    server.warm(PAGE, OTHER, "/blog/a", "/list", "/list?page=2")
    return server


def change(shop: Shop, server: Shop) -> None:
    """Change what all processes show."""
    shop.text = server.text = "new"


class TestRevalidate:
    """Invalidation from a terminal."""

    def test_paths_and_tags_are_renewed(
        self, shop: Shop, server: Shop, run: Run
    ) -> None:
        """The server sees it at once; what was not named stays."""
        change(shop, server)
        result = run("revalidate", PAGE, "/list", "--tag", "blog", "--tag", "unused")
        assert result.exit_code == 0, result.output
        for name in (PAGE, "/list", "blog", "unused"):
            assert f"revalidated {name}\n" in result.stdout
        assert server.see(PAGE) == ("new", "HIT")
        assert server.see("/list?page=2") == ("new 2", "HIT")
        assert server.see("/blog/a") == ("new", "MISS")
        assert server.see(OTHER) == ("old", "HIT")

    def test_match_and_mode(self, shop: Shop, server: Shop, run: Run) -> None:
        """As in revalidate_path."""
        change(shop, server)
        result = run("revalidate", "/products", "--match", "prefix", "--mode", "stale")
        assert result.exit_code == 0
        assert server.see(PAGE) == ("old", "STALE")
        rule = "/products/<int:product_id>"
        assert run("revalidate", rule, "--match", "rule").exit_code == 0
        assert server.see(OTHER)[0] == "new"

    def test_refresh_waits_for_the_pages(
        self, shop: Shop, server: Shop, run: Run
    ) -> None:
        """--mode refresh renders in the process of the command."""
        change(shop, server)
        assert run("revalidate", "/blog/b", "--mode", "refresh").exit_code == 0
        assert shop.renders == ["/blog/b"]
        assert server.see("/blog/b") == ("new", "HIT")

    def test_it_ends_when_the_renders_that_it_started_have(
        self, shop: Shop, server: Shop, run: Run
    ) -> None:
        """They run in its process: ending earlier would throw them away."""
        gate = shop.stop_next_render()
        command = InThread(lambda: run("revalidate", PAGE))
        gate.wait()
        command.join(0.2)
        assert command.is_alive()
        gate.open()
        assert command.result().exit_code == 0
        assert server.see(PAGE) == ("old", "HIT")

    def test_a_refresh_that_fails_is_told(
        self, shop: Shop, server: Shop, run: Run
    ) -> None:
        """Exit status 1 with path and cause; the last good page is served."""
        shop.error = server.error = RuntimeError("the CMS is down")
        result = run("revalidate", PAGE, "--mode", "refresh")
        assert result.exit_code == 1
        assert f"{PAGE}: RuntimeError: the CMS is down" in result.stderr
        assert server.see(PAGE) == ("old", "STALE")

    @pytest.mark.parametrize(
        ("args", "status", "said"),
        [
            ([], 2, "Name a PATH or a --tag"),
            (["--match", "prefix"], 2, "Name a PATH or a --tag"),
            ([PAGE, "products/1"], 2, "leading slash"),
            ([PAGE, "--tag", ""], 2, "non-empty"),
            (
                [PAGE, "--tag", "products", "--mode", "refresh"],
                2,
                "any number of pages",
            ),
            (["/products", "--match", "prefix", "--mode", "refresh"], 2, "any number"),
            ([PAGE, "--mode", "now"], 2, "'now'"),
            ([PAGE, "--match", "regex"], 2, "'regex'"),
            ([PAGE, "/nowhere"], 1, "'/nowhere' is not a static page"),
            ([PAGE, "https://example.com/products/2"], 2, "no scheme"),
        ],
    )
    def test_all_is_checked_before_anything_is_done(
        self,
        shop: Shop,
        server: Shop,
        run: Run,
        args: list[str],
        status: int,
        said: str,
    ) -> None:
        """A sentence and an exit status; the good targets beside are untouched."""
        before = server.site.state.store.current_version()
        result = run("revalidate", *args)
        assert result.exit_code == status
        assert said in result.stderr
        assert server.site.state.store.current_version() == before
        assert server.see(PAGE) == ("old", "HIT")

    def test_a_store_that_is_gone_is_told(self, shop: Shop, run: Run) -> None:
        """Nobody believes that it was done."""
        shop.warm(PAGE)
        plug = Plug(shop.site.state.settings.folder)
        plug.pull()
        result = run("revalidate", PAGE)
        plug.push()
        assert result.exit_code == 1
        assert "did not record the invalidation" in result.stderr
        assert "revalidated" not in result.stdout


class TestClear:
    """Forgetting everything."""

    def test_running_servers_notice(self, shop: Shop, server: Shop, run: Run) -> None:
        """Their memory is void at once, and files stay where they are."""
        folder = server.site.state.settings.folder
        files = {path.name: path.stat().st_ino for path in folder.glob("*.sqlite")}
        change(shop, server)
        result = run("clear", "--yes")
        assert (result.exit_code, result.stdout) == (0, "5 pages forgotten.\n")
        assert list(server.site.state.store.overview()) == []
        assert server.see(PAGE) == ("new", "MISS")
        assert server.see(PAGE) == ("new", "HIT")
        assert {p.name: p.stat().st_ino for p in folder.glob("*.sqlite")} == files

    def test_a_render_under_way_is_void_too(self, shop: Shop, run: Run) -> None:
        """What it read before is not stored as fresh afterwards."""
        gate = shop.stop_next_render()
        visitor = InThread(lambda: shop.see(PAGE))
        gate.wait()
        shop.text = "new"
        assert run("clear", "--yes").exit_code == 0
        gate.open()
        visitor.result()
        assert shop.see(PAGE)[0] == "new"

    @pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("", 1)])
    def test_it_asks_first(
        self, shop: Shop, server: Shop, run: Run, answer: str, status: int
    ) -> None:
        """Naming the folder; anything but yes leaves all as it is."""
        result = run("clear", input=answer)
        assert result.exit_code == status
        assert str(server.site.state.settings.folder) in result.stdout
        assert server.see(PAGE) == ("old", "MISS" if status == 0 else "HIT")

    def test_back_off_is_forgotten(self, shop: Shop, run: Run) -> None:
        """A page that failed is tried at once."""
        shop.error = RuntimeError("the CMS is down")
        shop.see(PAGE)
        shop.error = None
        run("clear", "--yes")
        assert shop.see(PAGE) == ("old", "MISS")


class TestSecret:
    """A good secret."""

    def test_it_is_long_and_new_each_time(self, site: Site, run: Run) -> None:
        """One line and nothing else, to be pasted or piped."""
        secrets = {run("secret").stdout for _ in range(5)}
        assert len(secrets) == 5
        for secret in secrets:
            assert len(secret.strip()) >= 32
            assert secret == secret.strip() + "\n"

    def test_it_can_be_set(self, site: Site, run: Run) -> None:
        """No warning about its length, and safe in a shell, a URL and a header."""
        secret = run("secret").stdout.strip()
        app = Flask("new", instance_path=site.app.instance_path)
        app.config["ISR_SECRET"] = secret
        ISR(app)
        assert secret.replace("-", "").replace("_", "").isalnum()
        assert secret.isascii()
