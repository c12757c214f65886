"""The first content: one hundred products and twenty posts, always the same."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

DATA = Path(__file__).parent / "data"

#: When the newest post was published and the first product entered.
START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def seed(db: sqlite3.Connection) -> None:
    """Fill an empty database; the caller commits."""
    for table, rows in (("products", products()), ("posts", posts())):
        for row in rows:
            columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)


def products() -> Iterator[dict[str, Any]]:
    """Yield every kind of every line in each of its finishes.

    Neighbours come from different lines, as they would after years of buying.
    """
    lines = _load("products")["lines"]
    pairs = [(kind, finish) for kind in range(5) for finish in range(2)]
    combinations = ((line, *pair) for pair in pairs for line in lines)
    for number, (line, kind_index, finish_index) in enumerate(combinations):
        kind, finish = line["kinds"][kind_index], line["finishes"][finish_index]
        maker = line["makers"][(number // len(lines)) % len(line["makers"])]
        yield {
            "name": _name(kind["name"], finish["name"]),
            "category": line["category"],
            "price_cents": kind["cents"] + finish["cents"],
            "stock": number * 17 % 43,
            "featured": int(number % 17 == 1),
            "description": f"{maker} {kind['text']} {finish['text']}",
            "updated_at": START.isoformat(),
        }


def posts() -> Iterator[dict[str, Any]]:
    """Yield the posts, one about every nine days."""
    for number, post in enumerate(_load("posts")["posts"]):
        published = START - timedelta(days=9 * number, hours=number % 5)
        yield {
            **post,
            "tags": json.dumps(post["tags"]),
            "body": post["body"].strip(),
            "published_at": published.isoformat(),
            "updated_at": published.isoformat(),
        }


def _name(kind: str, finish: str) -> str:
    """Join both as a label would: "Teapot in Copper", but "Smoked Log Basket"."""
    return f"{kind} {finish}" if finish.startswith("in ") else f"{finish} {kind}"


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))
