"""``flask isr revalidate --remote``."""

from __future__ import annotations

import json
import socket
import typing as t

import pytest
from werkzeug import Response

from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support import Site
from tests.support.server import Scripted
from tests.support.server import serving
from tests.support.shop import Shop

from .conftest import Run

PAGE = "/products/1"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("FLASK_ISR_SECRET", raising=False)


@pytest.fixture
def remote(make_site: MakeSite, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Another site, with a folder of its own and the same secret."""
    site = make_site(ISR_FOLDER=str(tmp_path_factory.mktemp("remote")))
    shop = Shop.with_route(site)
    shop.warm(PAGE)
    shop.text = "new"
    return shop


@pytest.fixture
def url(remote: Shop) -> t.Iterator[str]:
    """The address of its revalidate route."""
    with serving(remote.site.app) as address:
        yield f"{address}/api/revalidate"


def test_the_other_site_does_it(remote: Shop, url: str, shop: Shop, run: Run) -> None:
    """And this one does nothing: its folder is not even made."""
    result = run("revalidate", PAGE, "--tag", "blog", "--remote", url)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"revalidated {PAGE}\nrevalidated blog\n"
    remote.site.settle()
    assert remote.see(PAGE) == ("new", "HIT")
    assert not shop.site.state.settings.folder.exists()


def test_match_and_mode_are_sent(remote: Shop, url: str, run: Run) -> None:
    """As they mean here."""
    args = ("/products", "--match", "prefix", "--mode", "stale", "--remote", url)
    assert run("revalidate", *args).exit_code == 0
    assert remote.see(PAGE) == ("old", "STALE")


def test_tags_alone(remote: Shop, url: str, run: Run) -> None:
    """They have no match."""
    result = run("revalidate", "--tag", "products", "--remote", url)
    assert result.exit_code == 0, result.output
    assert remote.see(PAGE)[0] == "new"


def test_the_environment_has_the_secret_where_the_configuration_has_none(
    remote: Shop, url: str, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FLASK_ISR_SECRET, as the configuration itself is read."""
    runner = make_site(ISR_SECRET=None).app.test_cli_runner()
    args = ["isr", "revalidate", PAGE, "--remote", url]
    result = runner.invoke(args=args)
    assert result.exit_code == 1
    assert "FLASK_ISR_SECRET" in result.stderr
    monkeypatch.setenv("FLASK_ISR_SECRET", SECRET)
    assert runner.invoke(args=args).exit_code == 0
    assert remote.see(PAGE)[0] == "new"


def test_of_several_secrets_the_last_is_sent(
    remote: Shop, url: str, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the configuration, also where the environment has one."""
    monkeypatch.setenv("FLASK_ISR_SECRET", "another secret of good length")
    site = make_site(ISR_SECRET=["the old secret of this site", SECRET])
    args = ["isr", "revalidate", PAGE, "--remote", url]
    assert site.app.test_cli_runner().invoke(args=args).exit_code == 0


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["/nowhere"], 1, "'/nowhere' is not a static page"),
        (["no path"], 1, "leading slash"),
        ([], 2, "Name a PATH or a --tag"),
    ],
)
def test_what_the_other_site_refuses_is_told(
    remote: Shop, url: str, run: Run, args: list[str], status: int, said: str
) -> None:
    """In its own words; nothing is claimed to be done."""
    result = run("revalidate", *args, "--remote", url)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_secret_is_told(url: str, make_site: MakeSite) -> None:
    """With what to look at, and not the secret."""
    wrong = "another secret of good length"
    runner = make_site(ISR_SECRET=wrong).app.test_cli_runner()
    result = runner.invoke(args=["isr", "revalidate", PAGE, "--remote", url])
    assert result.exit_code == 1
    assert "Invalid token (status 401)" in result.stderr
    assert "ISR_SECRET" in result.stderr
    assert wrong not in result.output


def test_a_wrong_address_is_told(url: str, run: Run) -> None:
    """A page that is none, and an address that is none."""
    elsewhere = url.replace("/api/revalidate", "/")
    result = run("revalidate", PAGE, "--remote", elsewhere)
    assert result.exit_code == 1
    assert "is the address right?" in result.stderr
    result = run("revalidate", PAGE, "--remote", "shop.example")
    assert result.exit_code == 2
    assert "https://shop.example/api/revalidate" in result.stderr


def test_a_site_that_is_not_there_is_told(
    site: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit status 1."""
    monkeypatch.setattr("flask_isr.client._PAUSE", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = run("revalidate", PAGE, "--remote", f"http://127.0.0.1:{port}/")
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr


def test_a_page_that_is_not_there_in_time_is_told(run: Run) -> None:
    """As without --remote: exit status 1, and which one."""
    body = {"revalidated": False, "paths": [PAGE], "tags": [], "pending": [PAGE]}
    scripted = Scripted([Response(json.dumps(body), 202)])
    with serving(scripted) as address:
        result = run("revalidate", PAGE, "--mode", "refresh", "--remote", address)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"still renders {PAGE}" in result.stderr


def test_another_users_folder_does_not_matter(
    remote: Shop, url: str, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written here."""
    site = make_site()
    site.state.store.next_version()
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    runner = site.app.test_cli_runner()
    args = ["isr", "revalidate", PAGE]
    assert "lock the server out" in runner.invoke(args=args).stderr
    assert runner.invoke(args=[*args, "--remote", url]).exit_code == 0
