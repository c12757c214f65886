"""Commands that write must not leave files that the server may not touch."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import typing as t

import pytest

from tests.support.shop import Shop

from .conftest import Run

PAGE = "/products/1"

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="NOT TESTED: only root can give a folder to somebody else",
)


def _somebody() -> int:
    """A user whom this machine knows by name, who is not root."""
    return next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)


def _nobody_known() -> int:
    """A user whom this machine knows by number only, as in containers."""
    known = {entry.pw_uid for entry in pwd.getpwall()}
    return next(uid for uid in range(12345, 99999) if uid not in known)


@pytest.fixture(params=[_somebody, _nobody_known], ids=["named", "numbered"])
def owner(request: pytest.FixtureRequest, shop: Shop) -> t.Iterator[int]:
    """Whom the folder of the store was given to, with a page in it."""
    owner: int = request.param()
    shop.warm(PAGE)
    shop.text = "new"
    folder = shop.site.state.settings.folder
    os.chown(folder, owner, -1)
    yield owner
    os.chown(folder, 0, -1)


@pytest.mark.parametrize(
    "command",
    [["build"], ["build", "--force"], ["revalidate", PAGE], ["clear", "--yes"]],
    ids=" ".join,
)
def test_commands_that_write_refuse_to_run_as_another_user(
    shop: Shop, run: Run, owner: int, command: list[str]
) -> None:
    """They say whose folder it is and how to run them; nothing is done."""
    shop.renders.clear()
    before = shop.site.state.store.current_version()
    result = run(*command)
    assert result.exit_code == 1
    assert str(shop.site.state.settings.folder) in result.stderr
    assert "lock the server out" in result.stderr
    assert shop.renders == []
    assert shop.site.state.store.current_version() == before
    assert shop.see(PAGE) == ("old", "HIT")


def test_the_command_that_they_name_can_be_pasted(
    shop: Shop, run: Run, owner: int
) -> None:
    """As a shell reads it, it runs as the owner."""
    result = run("revalidate", PAGE)
    line = re.search(r"Run: (.*)", result.stderr)
    assert line is not None
    words = shlex.split(line[1], comments=True)
    assert words[:2] == ["sudo", "-u"]
    user = words[2]
    uid = int(user[1:]) if user.startswith("#") else pwd.getpwnam(user).pw_uid
    assert uid == owner
    assert len(words) > 3


@pytest.mark.parametrize(
    "command", [["routes"], ["pages"], ["show", PAGE], ["secret"]], ids=" ".join
)
def test_commands_that_look_run_as_anybody(
    shop: Shop, run: Run, owner: int, command: list[str]
) -> None:
    """Whoever may read may look."""
    assert run(*command).exit_code == 0
