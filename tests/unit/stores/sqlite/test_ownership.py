"""What somebody else could have put into the folder of the embedded store is refused."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from flask_isr import static_page
from flask_isr.errors import StoreUnavailable
from flask_isr.stores.sqlite.ownership import open_own
from flask_isr.testing.store_kit.helpers import body
from flask_isr.testing.store_kit.helpers import write
from flask_isr.testing.store_kit.records import FOX
from tests.conftest import MakeSite
from tests.support import cache_state
from tests.support.doctor import Doctor
from tests.unit.stores.conftest import MakeStore

FILES = [
    "lock",
    "clock",
    "pages.sqlite",
    "pages.sqlite-journal",
    "pages.sqlite-wal",
    "pages.sqlite-shm",
    "work.sqlite",
    "work.sqlite-journal",
    "work.sqlite-wal",
    "work.sqlite-shm",
    "processes",
    "processes/1-another",
]

SOMEBODY = 12345

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owners are POSIX")


def replace_by_link(path: Path) -> None:
    """Put a link to the very same content in the place of *path*."""
    elsewhere = path.parent.parent / f"{path.name} elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def replace_by_pipe(path: Path) -> None:
    """Put a pipe in the place of *path*, at which readers would hang."""
    path.rename(path.parent.parent / f"{path.name} elsewhere")
    os.mkfifo(path)


def give_away(path: Path) -> None:
    """Have *path* belong to somebody else. That takes root: others skip the test, unless
    all must run."""
    try:
        os.chown(path, SOMEBODY, -1)
    except PermissionError:
        message = "NOT TESTED: only root can give a file to somebody else"
        if os.environ.get("ISR_REQUIRE_SERVICES") == "1":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def closed(make_store: MakeStore, folder: Path) -> Path:
    """The folder of a store that nobody has open, with all of its files."""
    store = make_store()
    write(store, body=b"good")
    store.close()
    for name in FILES:
        if name != "processes":
            (folder / name).touch(mode=0o600)
    return folder


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "attack",
    [
        replace_by_link,
        replace_by_pipe,
        give_away,
    ],
)
def test_a_strange_file_is_refused(
    make_store: MakeStore, closed: Path, name: str, attack: t.Callable[[Path], None]
) -> None:
    """Nothing is read from it or written to it; the error names it and says what to do."""
    attack(closed / name)
    store = make_store()

    with pytest.raises(
        StoreUnavailable, match=rf"{name} (is no|belongs).*: (rem|give)"
    ):
        store.load(FOX)


def test_a_folder_that_everybody_may_write_to_is_refused(
    make_store: MakeStore, closed: Path
) -> None:
    """Whoever may write there can swap files while they are opened."""
    closed.chmod(0o777)
    store = make_store()
    with pytest.raises(StoreUnavailable, match=r"everybody may write.*chmod o-w"):
        store.load(FOX)

    closed.chmod(0o700)
    assert body(make_store()) == b"good"


def test_a_folder_of_another_user_is_refused(
    make_store: MakeStore, closed: Path
) -> None:
    """Its owner can swap files, whatever their modes."""
    give_away(closed)
    with pytest.raises(StoreUnavailable, match=f"belongs to user {SOMEBODY}.*chown"):
        make_store().load(FOX)


def test_a_link_to_the_folder_is_as_good_as_the_folder(
    make_store: MakeStore, closed: Path
) -> None:
    """Deployments put links there: it is the target that counts."""
    target = closed.with_name("target")
    closed.rename(target)
    closed.symlink_to(target)
    assert body(make_store()) == b"good"

    target.chmod(0o777)
    with pytest.raises(StoreUnavailable, match="everybody may write"):
        make_store().load(FOX)


@pytest.mark.parametrize("name", ["clock", "pages.sqlite", "work.sqlite"])
def test_a_swap_while_the_store_is_open_is_noticed(
    make_store: MakeStore, folder: Path, name: str
) -> None:
    """A link to the very file that is open is not that file."""
    store = make_store()
    write(store)
    replace_by_link(folder / name)

    with pytest.raises(StoreUnavailable, match=f"{name} is no plain file"):
        write(store)


def test_a_link_is_not_followed_where_it_comes_between(tmp_path: Path) -> None:
    """Also one that is made after the look at the files."""
    (tmp_path / "precious").touch()
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic link"):
        open_own(tmp_path / "lock", os.O_CREAT)


def test_visitors_get_their_pages_all_the_same(make_site: MakeSite) -> None:
    """They are rendered for each of them, and the doctor says why."""
    site = make_site()

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "home"

    folder = site.state.settings.folder
    folder.mkdir()
    (folder / "pages.sqlite").symlink_to(folder / "nowhere")

    for _ in range(2):
        answer = site.get("/")
        assert (answer.text, cache_state(answer)) == ("home", "BYPASS")
    # A command is a process of its own.
    found = Doctor(make_site())
    assert found.status == 1
    assert "pages.sqlite is no plain file" in found.output
