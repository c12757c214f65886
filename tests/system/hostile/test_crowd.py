"""Many visitors of many pages at once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from .conftest import Target
from .wire import Reply

#: Visitors, and pages of each kind.
READERS, SLUGS = 64, 32


def test_a_crowd_mixes_nothing_up(target: Target, name: str) -> None:
    """Many readers of many cold pages at once, some with sessions, each gets his own."""
    cookie = target.ask("/alone/login/victim").get("Set-Cookie").partition(";")[0]
    kinds = ("echo", "anonymous", "account")

    def read(reader: int) -> None:
        chance = random.Random(reader)
        for slug in chance.sample(range(SLUGS), SLUGS):
            kind = chance.choice(kinds)
            somebody = chance.random() < 0.3
            headers = [f"Cookie: {cookie}"] if somebody else []
            reply = target.ask(f"/alone/{kind}/{name}-{slug}", *headers)
            check(reply, kind, f"{name}-{slug}", somebody)

    def check(reply: Reply, kind: str, slug: str, somebody: bool) -> None:
        if kind == "echo":
            assert reply.json["name"] == slug
            assert reply.json["cookies"] == {}
        elif kind == "account":
            user = "victim" if somebody else None
            assert reply.json == {"rest": slug, "user": user}
        else:
            user = "victim" if somebody else "None"
            assert reply.body.startswith(f"{slug} {user} ".encode())

    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(read, range(READERS)))
    for kind in ("echo", "anonymous"):
        assert target.journal.renders(f"/{kind}/{name}") == SLUGS
    assert target.journal.visits(f"/echo/{name}") == 0
