"""Pages that decide by what they look at, held against the same views without the store.

A page is a random tree of decisions: each looks at one input of the request, and goes on by
whether it is there. Whatever visitors bring, in whatever order they come, in two processes:
each gets what the bare view gives them, and who brings nothing that a render looked at gets
hits. ``ISR_MODEL_EXAMPLES=2000`` tries more pages than the suite does.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask import g
from flask import render_template_string
from flask import request
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from flask_isr import static_page
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(5)

ORIGIN = "http://a.test"

#: Name to what looks at an input of the request, and gives its value.
READS: dict[str, t.Callable[[], t.Any]] = {
    "X-One": lambda: request.headers.get("X-One"),
    "X-Two": lambda: request.environ.get("HTTP_X_TWO"),
    "Authorization": lambda: request.headers.get("Authorization"),
    "theme": lambda: request.cookies.get("theme"),
    "group": lambda: render_template_string("{{ request.cookies.group or '' }}"),
    "page": lambda: request.args.get("page"),
    "sort": lambda: request.values.get("sort"),
    "host": lambda: request.host != "a.test" and request.host,
    "scheme": lambda: request.is_secure and "https",
}


@dataclass(frozen=True)
class Decision:
    """One look at an input, and what follows from it.

    :param where: in a hook before the view, or in the view.
    :param there: what is decided next if the input is there; ``None``: nothing.
    """

    read: str
    where: t.Literal["hook", "view"]
    there: Decision | None
    absent: Decision | None


@dataclass(frozen=True)
class Visitor:
    """What somebody brings."""

    process: int
    brings: frozenset[str]
    head: bool

    def visit(self, app: Flask) -> TestResponse:
        """Ask *app* for the page."""
        headers = {
            name: "1"
            for name in self.brings
            if name.startswith("X-") or name == "Authorization"
        }
        cookies = [f"{name}=1" for name in sorted(self.brings & {"theme", "group"})]
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        scheme = "https" if "scheme" in self.brings else "http"
        host = "b.test" if "host" in self.brings else "a.test"
        return app.test_client(use_cookies=False).open(
            "/page",
            method="HEAD" if self.head else "GET",
            base_url=f"{scheme}://{host}",
            headers=headers,
            query_string=dict.fromkeys(sorted(self.brings & {"page", "sort"}), "1"),
        )


def _decisions(
    children: st.SearchStrategy[Decision | None],
) -> st.SearchStrategy[Decision | None]:
    reads, places = st.sampled_from(sorted(READS)), st.sampled_from(["hook", "view"])
    return st.builds(Decision, reads, places, children, children)


trees = st.recursive(
    st.none(),
    _decisions,
    max_leaves=6,
)
visitors = st.builds(
    Visitor,
    process=st.sampled_from([0, 1]),
    brings=st.frozensets(st.sampled_from(sorted(READS)), max_size=3),
    head=st.booleans(),
)


def _run(tree: Decision | None, where: str) -> list[str]:
    """What the decisions of one place come to; others are followed without a look."""
    seen: list[str] = []
    while tree is not None:
        value = None
        if tree.where == where:
            value = READS[tree.read]()
            seen.append(f"{tree.read}: {value or '-'}")
        tree = tree.there if value else tree.absent
    return seen


def _add(app: Flask, tree: Decision | None, *, static: bool) -> None:
    @app.before_request
    def look() -> None:
        g.seen = _run(tree, "hook")

    def page() -> str:
        return "; ".join([*g.seen, *_run(tree, "view")]) + "."

    app.add_url_rule("/page", "page", static_page()(page) if static else page)


@settings(
    max_examples=int(os.environ.get("ISR_MODEL_EXAMPLES", "60")),
    deadline=None,
    derandomize="ISR_MODEL_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    tree=trees,
    crowd=st.lists(visitors, min_size=1, max_size=8),
    serve=st.sampled_from(["auto", "wsgi", "view"]),
)
def test_each_visitor_gets_what_the_view_gives_them(
    tree: Decision | None, crowd: list[Visitor], serve: str
) -> None:
    """And strangers get hits, whoever came before."""
    bare = Flask("bare")
    _add(bare, tree, static=False)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        config = {"ISR_SERVE": serve, "ISR_ORIGIN": ORIGIN}
        sites = [Site(Path(folder), Clock(1e6), config) for _ in range(2)]
        for site in sites:
            _add(site.app, tree, static=True)
            ends.callback(site.close)
        for visitor in crowd:
            answer = visitor.visit(sites[visitor.process].app)
            expected = visitor.visit(bare)
            assert (answer.status, answer.text) == (expected.status, expected.text)
        stranger = Visitor(0, frozenset(), head=False)
        for number in (0, 1, 0, 1):
            answer = stranger.visit(sites[number].app)
            assert answer.text == stranger.visit(bare).text
        assert cache_state(answer) == "HIT"
