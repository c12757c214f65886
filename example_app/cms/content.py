"""Products and posts: what they are made of, and how they are read and written.

Every function that writes has committed when it returns, so that whoever hears of
the change afterwards also finds it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping

Entry = dict[str, Any]


class Invalid(ValueError):
    """A value that cannot be stored, with the *field* that it was meant for."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def text(value: object) -> str:
    """Accept non-empty text."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected some text")
    value.encode()  # JSON can carry lone surrogates, which no database takes
    return value.strip().replace("\r\n", "\n")


def amount(value: object) -> int:
    """Accept a whole number that is not negative and that SQLite can hold."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError("expected a whole number, 0 or more")
    return value


def switch(value: object) -> int:
    """Accept true or false, which SQLite keeps as 1 or 0."""
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return int(value)


def words(value: object) -> str:
    """Accept a list of words, kept as JSON."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError("expected a list of words")
    return json.dumps([text(word) for word in value if word.strip()])


def slug(value: object) -> str:
    """Accept what can stand in an address without being encoded."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise ValueError("expected lower-case letters, digits and single hyphens")
    return value


@dataclass(frozen=True)
class Model:
    """One kind of content.

    *name* is what webhooks call it, *table* what addresses and SQL call it, *key*
    the column that finds an entry, *fields* what an editor may write and how each
    value is checked.
    """

    name: str
    table: str
    key: str
    order: str
    fields: Mapping[str, Callable[[Any], Any]]


MODELS = {
    "products": Model(
        name="product",
        table="products",
        key="id",
        order="id",
        fields={
            "name": text,
            "category": text,
            "price_cents": amount,
            "stock": amount,
            "featured": switch,
            "description": text,
        },
    ),
    "posts": Model(
        name="post",
        table="posts",
        key="slug",
        order="published_at DESC, id DESC",
        fields={
            "slug": slug,
            "title": text,
            "category": text,
            "tags": words,
            "body": text,
        },
    ),
}


def find_all(
    db: sqlite3.Connection, model: Model, *, featured: bool = False, limit: int = -1
) -> list[Entry]:
    """Return the entries of *model* in their order, all of them by default."""
    where = "WHERE featured" if featured and "featured" in model.fields else ""
    sql = f"SELECT * FROM {model.table} {where} ORDER BY {model.order} LIMIT ?"
    return [_entry(row) for row in db.execute(sql, (limit,))]


def find(db: sqlite3.Connection, model: Model, key: str) -> Entry | None:
    """Return one entry, or None."""
    sql = f"SELECT * FROM {model.table} WHERE {model.key} = ?"
    row = db.execute(sql, (key,)).fetchone()
    return None if row is None else _entry(row)


def create(db: sqlite3.Connection, model: Model, data: Mapping[str, Any]) -> Entry:
    """Add an entry and return it; raise :class:`Invalid` when it cannot be."""
    values = _checked(model, data, partial=False)
    values["updated_at"] = _now()
    if model.name == "post":
        values["published_at"] = values["updated_at"]
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    sql = f"INSERT INTO {model.table} ({columns}) VALUES ({marks}) RETURNING *"
    try:
        with db:
            row = db.execute(sql, values).fetchone()
    except sqlite3.IntegrityError:
        raise Invalid(model.key, "is taken") from None
    return _entry(row)


def update(
    db: sqlite3.Connection,
    model: Model,
    key: str,
    data: Mapping[str, Any],
    *,
    partial: bool = False,
) -> Entry | None:
    """Change an entry and return it, or None when there is none.

    A slug stays what it was: it is the address under which others know the post.
    """
    values = _checked(model, {model.key: key, **data}, partial=partial)
    if str(values.pop(model.key, key)) != key:
        raise Invalid(model.key, "cannot be changed")
    values["updated_at"] = _now()
    changes = ", ".join(f"{name} = :{name}" for name in values)
    sql = f"UPDATE {model.table} SET {changes} WHERE {model.key} = :key RETURNING *"
    with db:
        row = db.execute(sql, {**values, "key": key}).fetchone()
    return None if row is None else _entry(row)


def delete(db: sqlite3.Connection, model: Model, key: str) -> Entry | None:
    """Remove an entry and return what it was, or None when there is none."""
    sql = f"DELETE FROM {model.table} WHERE {model.key} = ? RETURNING *"
    with db:
        row = db.execute(sql, (key,)).fetchone()
    return None if row is None else _entry(row)


def _checked(model: Model, data: Mapping[str, Any], *, partial: bool) -> Entry:
    """Return the checked values of *data*; what the CMS sets itself is left out."""
    own = {"id", "published_at", "updated_at"}
    for name in data:
        if name not in model.fields and name not in own:
            raise Invalid(name, f"a {model.name} has no such field")
    values: Entry = {}
    for name, check in model.fields.items():
        if name not in data:
            if partial:
                continue
            raise Invalid(name, "is missing")
        try:
            values[name] = check(data[name])
        except ValueError as error:
            raise Invalid(name, str(error)) from None
    return values


def _entry(row: sqlite3.Row) -> Entry:
    entry = dict(row)
    if "tags" in entry:
        entry["tags"] = json.loads(entry["tags"])
    if "featured" in entry:
        entry["featured"] = bool(entry["featured"])
    return entry


def _now() -> str:
    return datetime.now(UTC).isoformat()
