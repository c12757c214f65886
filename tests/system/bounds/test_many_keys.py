"""200,000 different keys through Flask, middleware, Engine and a store on disk: 60,000 of
them pages that can be stored, and are."""

from __future__ import annotations

import gc
import sys
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from flask import Response
from flask import request

from flask_isr import static_page
from flask_isr.core import coordinator
from flask_isr.observe import reporter
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

# All files of the folder together, with room for tidy-ups that come late on a machine that
# is busy; pages or logs without an end would take more.
FOLDER = 24 * 1024 * _KIB

# What may be kept of failures, of addresses that do not exist, and of warnings.
FEW = 100

# More than anything but memory may hold in a process.
MANY = 400

# Keys that fill all that has an end, and objects that a process may have more of after
# the others: less than one for each key.
FIRST, OBJECTS = 1_000, 2_000

# Keys between two looks at everything.
EVERY = 500


class Hosts(Flask):
    """An application that tells hosts apart."""

    def __init__(self, name: str, **kwargs: t.Any) -> None:
        super().__init__(name, host_matching=True, static_host="site.test", **kwargs)


class Shop:
    """A site with small limits, and how often its views ran."""

    def __init__(self, make_site: MakeSite, *, hosts: bool = False) -> None:
        config: dict[str, t.Any] = {
            "ISR_STORE_BYTES": STORE,
            "ISR_MEMORY_BYTES": MEMORY,
            "TRUSTED_HOSTS": ["site.test", ".site.test"] if hosts else None,
        }
        self.site = make_site(app_class=Hosts if hosts else Flask, **config)
        self.visitors = Visitors(self.site, "site.test")
        self.runs: Counter[str] = Counter()
        where: dict[str, t.Any] = {"host": "<host>"} if hosts else {}

        @self.site.app.get("/pages/<name>", **where)
        @static_page(tags=["page:{name}"], query=["v"])
        def page(name: str, host: str = "") -> Response:
            return self._answer(name, host)

        @self.site.app.get("/listed/<name>", **where)
        @static_page(paths=["/listed/one"], fallback=False)
        def listed(name: str, host: str = "") -> Response:
            return self._answer(name, host)

    def _answer(self, name: str, host: str) -> Response:
        kind = name.rstrip("0123456789")
        self.runs[kind] += 1
        if (answer := special(name)) is not None:
            return answer
        text = f"{name} {host} {request.args.get('v')}"
        # Large enough to be compressed.
        return Response(text.ljust(_KIB) if kind == "hot" else text)


Ask: t.TypeAlias = t.Callable[[Visitors, int], object]


def ask_for_a_page(visitors: Visitors, number: int) -> None:
    """At a path of its own; who asks again gets what was stored."""
    path = f"/pages/page{number}"
    assert visitors.ask(path) == "MISS"
    if number % EVERY == 0:
        assert visitors.ask(path) == "HIT"


def ask_for_a_long_path(visitors: Visitors, number: int) -> None:
    """By which its tag is nearly as long as a tag may be."""
    assert visitors.ask(f"/pages/long{number:0200}") == "MISS"


def ask_for_a_variant(visitors: Visitors, number: int) -> None:
    """Of one path, by a query parameter that is declared."""
    assert visitors.ask("/pages/variant", f"v={number}") == "MISS"


def ask_on_a_host(visitors: Visitors, number: int) -> None:
    """For the same path on a host that is trusted by a pattern."""
    host = f"tenant{number}.site.test"
    assert visitors.ask("/pages/tenant", HTTP_HOST=host) == "MISS"


def ask_for_no_page(visitors: Visitors, number: int) -> None:
    """What is found out by running the view."""
    kind = ("broken", "missing", "moved", "personal")[number % 4]
    assert visitors.ask(f"/pages/{kind}{number}") in ("BYPASS", "MISS")


def ask_for_nothing(visitors: Visitors, number: int) -> None:
    """What is known without a view: no rule, no item of a closed list, no such name."""
    path = (
        f"/nothing/{number}",
        f"/pages/{number}/more",
        f"/listed/{number}",
        f"/pages//../{number}",
    )[number % 4]
    assert visitors.ask(path) in (None, "BYPASS")


def ask_for_the_same(visitors: Visitors, number: int) -> None:
    """By any of the things that make no other page."""
    name = HOT[number % len(HOT)]
    match number % 6:
        case 0:
            state = visitors.ask(name, f"utm_source={number}&x={number}")
        case 1:
            state = visitors.ask(name, HTTP_ACCEPT_ENCODING=f"gzip;q=0.5, x{number}")
        case 2:
            state = visitors.ask(name, HTTP_COOKIE=f"visitor={number}; isr_draft=x")
        case 3:
            state = visitors.ask(name, HTTP_HOST=f"host{number}.test")
        case 4:
            state = visitors.ask(name, HTTP_IF_NONE_MATCH=f'"{number}"')
        case _:
            state = visitors.ask(name, HTTP_ACCEPT_LANGUAGE=f"x-{number}")
    assert state == "HIT"


def ask_elsewhere(visitors: Visitors, number: int) -> None:
    """Below a mount prefix that a visitor made up: the view answers."""
    assert visitors.ask("/pages/mounted", SCRIPT_NAME=f"/mount{number}") == "BYPASS"


@pytest.fixture(autouse=True)
def small_tables(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What has a number of its own has a small one; and pytest keeps no log of it all."""
    for module, name in (
        (eviction, "_FAILURES"),
        (eviction, "_GONE"),
        (coordinator, "_RESTING"),
        (reporter, "_REMEMBERED"),
    ):
        monkeypatch.setattr(module, name, FEW)
    caplog.set_level("CRITICAL", "flask_isr")


@pytest.mark.parametrize(
    ("ask", "keys", "runs"),
    [
        pytest.param(ask_for_a_page, 30_000, {"page": 30_000}, id="pages"),
        pytest.param(ask_for_a_long_path, 20_000, {"long": 20_000}, id="long paths"),
        pytest.param(ask_for_a_variant, 5_000, {"variant": 5_000}, id="variants"),
        pytest.param(ask_on_a_host, 5_000, {"tenant": 5_000}, id="hosts"),
        pytest.param(
            ask_for_no_page,
            6_000,
            # Once for everybody, and where that is nothing to share once for himself.
            {"broken": 3_000, "missing": 1_500, "moved": 3_000, "personal": 3_000},
            id="no pages",
        ),
        pytest.param(ask_for_nothing, 64_000, {}, id="nothing"),
        pytest.param(ask_for_the_same, 60_000, {}, id="the same"),
        pytest.param(ask_elsewhere, 10_000, {"mounted": 10_000}, id="elsewhere"),
    ],
)
def test_keys_without_end_leave_all_within_bounds(
    make_site: MakeSite,
    clock: Clock,
    tmp_path: Path,
    ask: Ask,
    keys: int,
    runs: dict[str, int],
) -> None:
    """Each view runs as often as it must; meanwhile the pages that people read come from
    memory, and neither memory nor the folder outgrow their limits. Afterwards nothing is
    held, and the process has no more objects than after the first thousand keys."""
    shop = Shop(make_site, hosts=ask is ask_on_a_host)
    site, visitors = shop.site, shop.visitors
    visitors.read_hot_pages(clock)
    objects = 0
    for number in range(keys):
        if number == FIRST:
            objects = _objects(site)
        ask(visitors, number)
        if number % EVERY == 0:
            assert {"HIT"} == visitors.find_hot_pages()
            assert site.state.memory.bytes <= MEMORY
            assert _bytes_on_disk(tmp_path) < FOLDER
    assert _objects(site) < objects + OBJECTS

    assert shop.runs == {"hot": len(HOT), **runs}
    sizes = {name: len(thing) for name, thing in containers(site.state)}
    in_the_air = "state.engine._coordinator._flights._running"
    assert sizes[in_the_air] == sizes["state.engine._coordinator._queued"] == 0
    assert not {name: size for name, size in sizes.items() if size > MANY}
    site.state.store.maintain()
    assert stored_bytes(tmp_path) <= STORE
    assert rows(tmp_path, "pages", "SELECT count(*) FROM records WHERE gone") <= FEW
    assert rows(tmp_path, "work", "SELECT count(*) FROM failures") <= FEW
    assert rows(tmp_path, "work", "SELECT count(*) FROM leases") == 0


def _objects(site: Site) -> int:
    """Blocks of memory that the interpreter has given out, beside those for pages."""
    site.settle()
    # What it holds is bounded in bytes; here the rest is counted.
    site.state.memory.clear()
    gc.collect()
    return sys.getallocatedblocks()


def _bytes_on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
