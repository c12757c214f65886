"""Strangers who ask for any number of addresses, of every kind that costs something."""

from __future__ import annotations

import random
import typing as t
from pathlib import Path

import pytest
from flask import Response
from flask import request

from flask_isr import static_page
from flask_isr.core import coordinator
from flask_isr.stores.sqlite import eviction
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site

from .flood import HOT
from .flood import Visitors
from .flood import containers
from .flood import rows
from .flood import special
from .flood import stored_bytes

pytestmark = pytest.mark.promise(7)

_KIB = 1024
STORE, MEMORY = 1024 * _KIB, 512 * _KIB
# Different addresses; their pages would take more than ten times the limits.
FLOOD = 4_000
# What may be kept of failures and of addresses that do not exist.
FEW = 100
# More than anything but memory may hold in a process.
MANY = 400


@pytest.fixture
def start(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[], Site]:
    """Start a process of a site with small limits, on the folder of the test."""
    for name in ("_FAILURES", "_GONE"):
        monkeypatch.setattr(eviction, name, FEW)
    monkeypatch.setattr(coordinator, "_RESTING", FEW)

    def start() -> Site:
        site = make_site(ISR_STORE_BYTES=STORE, ISR_MEMORY_BYTES=MEMORY)

        @site.app.get("/pages/<name>")
        @static_page(tags=["page:{name}"], query=["v"])
        def page(name: str) -> Response:
            return _answer(name)

        return site

    return start


def _answer(name: str) -> Response:
    text = f"{name} {request.args.get('v')}"
    return special(name) or Response(text.ljust(_KIB))


class Anybody(Visitors):
    """Who ask for addresses of every kind."""

    def ask_for_anything(self, number: int) -> None:
        """Ask for an address that nobody has asked for before."""
        match number % 8:
            case 0:
                self.ask(f"/pages/broken{number}")
            case 1:
                self.ask(f"/pages/missing{number}")
            case 2:
                self.ask(f"/pages/personal{number}")
            case 3:
                self.ask(f"/pages/moved{number}")
            case 4:
                self.ask("/pages/variants", f"v={number}")
            case _:
                self.ask(f"/pages/{number}{'x' * random.randrange(300)}")


def test_a_flood_of_addresses_leaves_all_within_bounds(
    start: t.Callable[[], Site], clock: Clock, tmp_path: Path
) -> None:
    """Pages that people read are served from memory all the time, and are in the store
    afterwards; store and memory keep their limits, and nothing else grows."""
    site = start()
    visitors = Anybody(site)
    visitors.read_hot_pages(clock)
    most = 0
    for number in range(FLOOD):
        visitors.ask_for_anything(number)
        if number % 50 == 0:
            assert site.state.memory.variants.keys() >= set(HOT)
            assert {"HIT"} == visitors.find_hot_pages()
            assert site.state.memory.bytes <= MEMORY
            most = max(most, stored_bytes(tmp_path))
    site.settle()

    # A tidy-up comes after so many writes, and takes its time.
    assert STORE * 0.8 < most < STORE * 1.25
    site.state.store.maintain()
    assert stored_bytes(tmp_path) <= STORE
    limits = {
        ("pages", "SELECT count(*) FROM records WHERE gone"): FEW,
        ("pages", "SELECT count(*) FROM tags"): 0,
        ("work", "SELECT count(*) FROM failures"): FEW,
        ("work", "SELECT count(*) FROM leases"): 0,
        ("work", "SELECT count(*) FROM usage"): len(site.state.memory) + len(HOT),
    }
    found = {question: rows(tmp_path, *question) for question in limits}
    assert not {key: value for key, value in found.items() if value > limits[key]}
    pages = tmp_path / "isr" / "pages.sqlite"
    assert pages.stat().st_size < STORE * 2
    sizes = {name: len(thing) for name, thing in containers(site.state)}
    assert {"state.memory._items", "state.reporter._warned"} <= sizes.keys()
    assert not {name: size for name, size in sizes.items() if size > MANY}

    assert {"HIT"} == Visitors(start()).find_hot_pages()
