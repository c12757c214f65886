"""``flask isr doctor`` on a site whose pages are in a backend of Flask-Caching."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from cachelib import SimpleCache

from flask_isr.stores.caching.limits import LIMITS
from tests.conftest import MakeSite
from tests.support.doctor import Doctor


class Faulty(SimpleCache):
    """A backend of somebody's own, which leaves something out."""

    def __init__(self, *args: t.Any) -> None:
        # Flask-Caching hands it the application and its settings.
        super().__init__()


class Down(Faulty):
    """It raises on every call."""

    def _fail(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        raise OSError("connection refused")

    get = set = add = delete = _fail


class AddsTwice(Faulty):
    """Its ``add`` is a ``set``."""

    def add(self, key: str, value: t.Any, timeout: t.Any = None) -> bool:
        """Keep the value, whatever is there."""
        return bool(self.set(key, value, timeout))


class KeepsDeleted(Faulty):
    """Its ``delete`` does nothing."""

    def delete(self, key: str) -> bool:
        """Say that it is gone."""
        return True


def site_with(make_site: MakeSite, backend: str, **more: t.Any) -> Doctor:
    """What the doctor finds where ISR_CACHE names *backend*."""
    name = backend if backend in LIMITS else f"{__name__}.{backend}"
    return Doctor(make_site(ISR_CACHE={"CACHE_TYPE": name, **more}))


def test_a_backend_is_no_folder(make_site: MakeSite, tmp_path: Path) -> None:
    """It is read and written; no disk is looked at, and what it can do is told."""
    found = site_with(make_site, "FileSystemCache", CACHE_DIR=str(tmp_path / "cache"))
    assert found.check("store")[0] == "ok"
    assert found.check("disk") == (
        "ok",
        "not looked at: the pages are not in the embedded store.",
    )
    assert "space" not in found.checks
    level, text = found.check("backend")
    assert level == "ok"
    assert "the processes of one machine share its pages" in text
    assert "several renders of a page" in text
    assert LIMITS["FileSystemCache"].remark in text


def test_the_embedded_store_is_no_backend(make_site: MakeSite) -> None:
    """Nothing is said of one."""
    assert "backend" not in Doctor(make_site()).checks


def test_simple_cache_is_for_one_process(make_site: MakeSite) -> None:
    """That is warned of: with several, an invalidation reaches one of them."""
    level, text = site_with(make_site, "SimpleCache").check("backend")
    assert level == "warning"
    assert "each process has its own pages" in text
    assert "With several processes" in text


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("AddsTwice", "add: a value that is there is added again"),
        ("KeepsDeleted", "delete: a deleted value is still there"),
    ],
)
def test_what_a_backend_does_not_do_is_a_problem(
    make_site: MakeSite, backend: str, said: str
) -> None:
    """It is tried out: bytes, ``delete``, ``add``."""
    found = site_with(make_site, backend)
    assert (found.status, found.check("backend")[0]) == (1, "problem")
    assert said in found.check("backend")[1]


def test_one_that_is_not_known_is_told(make_site: MakeSite) -> None:
    """It works; what other processes see cannot be told."""
    found = site_with(make_site, "Faulty")
    assert (found.status, found.check("store")[0]) == (0, "ok")
    level, text = found.check("backend")
    assert (level, "Faulty is not known" in text) == ("warning", True)


@pytest.mark.slow
def test_one_that_is_down_is_a_problem(make_site: MakeSite) -> None:
    """It is told once, and what it could do all the same."""
    found = site_with(make_site, "Down")
    assert (found.status, found.check("store")[0]) == (1, "problem")
    assert "rendered for each visitor" in found.check("store")[1]
    assert found.checks.count("backend") == 1
