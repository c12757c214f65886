"""The editor's pages: lists, forms and the latest webhooks."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

from flask import Blueprint
from flask import abort
from flask import current_app
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for

from . import content
from .content import MODELS
from .content import Entry
from .content import Invalid
from .content import Model
from .database import get_db
from .webhooks import get_webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

bp = Blueprint("pages", __name__)

_TABLE = '<any("products", "posts"):table>'


@bp.get("/")
def home() -> ResponseReturnValue:
    """Begin with the products."""
    return redirect(url_for("pages.index", table="products"))


@bp.get(f"/{_TABLE}")
def index(table: str) -> ResponseReturnValue:
    """List the entries."""
    model = MODELS[table]
    entries = content.find_all(get_db(), model)
    return render_template(f"{table}.html", model=model, entries=entries)


@bp.route(f"/{_TABLE}/new", methods=["GET", "POST"])
def new(table: str) -> ResponseReturnValue:
    """Show the empty form, and add what comes back."""
    model = MODELS[table]
    if request.method == "GET":
        return _form(model, {})
    try:
        entry = content.create(get_db(), model, _form_data(model))
    except Invalid as error:
        return _form(model, request.form, error=error), 400
    return _saved("create", model, entry)


@bp.route(f"/{_TABLE}/<key>/edit", methods=["GET", "POST"])
def edit(table: str, key: str) -> ResponseReturnValue:
    """Show the form of an entry, and change it to what comes back."""
    model = MODELS[table]
    before = content.find(get_db(), model, key)
    if before is None:
        abort(404)
    if request.method == "GET":
        return _form(model, _form_values(before), entry=before)
    try:
        entry = content.update(get_db(), model, key, _form_data(model), partial=True)
    except Invalid as error:
        return _form(model, request.form, entry=before, error=error), 400
    if entry is None:
        abort(404)
    return _saved("update", model, entry)


@bp.post(f"/{_TABLE}/<key>/delete")
def delete(table: str, key: str) -> ResponseReturnValue:
    """Remove an entry."""
    model = MODELS[table]
    entry = content.delete(get_db(), model, key)
    if entry is None:
        abort(404)
    _announce("delete", model, entry)
    return redirect(url_for("pages.index", table=table))


@bp.get("/webhooks")
def webhook_panel() -> ResponseReturnValue:
    """Answer the panel alone, for the script that keeps it up to date."""
    return render_template("_webhooks.html")


@bp.app_context_processor
def shared() -> dict[str, Any]:
    """Give every template the latest webhooks and the shop's address."""
    shop_url = str(current_app.config["SHOP_URL"]).rstrip("/")
    return {"deliveries": get_webhooks().latest()[:8], "shop_url": shop_url}


@bp.app_template_filter()
def money(cents: int) -> str:
    """Write a price: ``2450`` becomes ``24.50``."""
    return f"{cents // 100}.{cents % 100:02}"


def _form(
    model: Model,
    values: Mapping[str, Any],
    *,
    entry: Entry | None = None,
    error: Invalid | None = None,
) -> str:
    return render_template(
        f"{model.name}_form.html", model=model, values=values, entry=entry, error=error
    )


def _form_values(entry: Entry) -> dict[str, Any]:
    """Write an entry the way that its form shows it."""
    values = dict(entry)
    if "price_cents" in values:
        values["price"] = money(values["price_cents"])
    if "tags" in values:
        values["tags"] = ", ".join(values["tags"])
    return values


def _form_data(model: Model) -> dict[str, Any]:
    """Read what the browser sent into the values that the API would send."""
    form = request.form
    data: dict[str, Any] = {name: form[name] for name in model.fields if name in form}
    if model.name == "product":
        data["price_cents"] = _cents(form.get("price", ""))
        data["stock"] = _number(form.get("stock", ""))
        data["featured"] = "featured" in form
    else:
        data["tags"] = form.get("tags", "").split(",")
    return data


def _cents(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,2})?", value.strip()):
        raise Invalid("price", "expected an amount such as 24.50")
    return int(Decimal(value.strip()) * 100)


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise Invalid("stock", "expected a whole number, 0 or more") from None


def _saved(action: str, model: Model, entry: Entry) -> ResponseReturnValue:
    _announce(action, model, entry)
    return redirect(url_for("pages.edit", table=model.table, key=entry[model.key]))


def _announce(action: str, model: Model, entry: Entry) -> None:
    """Tell the editor what happened, and others when the box was ticked."""
    title = entry.get("title") or entry["name"]
    done = "Deleted" if action == "delete" else "Saved"
    if "webhook" in request.form:
        get_webhooks().fire(f"entry.{action}", model.name, entry)
        flash(f"{done} “{title}”. The webhook is on its way.")
    else:
        flash(f"{done} “{title}” silently: no webhook was sent.")
