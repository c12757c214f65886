"""The JSON API: ``/api/products`` by id, ``/api/posts`` by slug.

A change is silent unless the client asks for the webhook with ``?webhook=1``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from typing import Any

from flask import Blueprint
from flask import abort
from flask import jsonify
from flask import request
from flask.views import MethodView
from werkzeug.exceptions import HTTPException

from . import content
from .content import MODELS
from .content import Entry
from .content import Invalid
from .content import Model
from .database import get_db
from .webhooks import get_webhooks

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("api", __name__, url_prefix="/api")


class EntryList(MethodView):
    """All entries of a model, and where new ones are added."""

    init_every_request = False

    def __init__(self, model: Model) -> None:
        self.model = model

    def get(self) -> ResponseReturnValue:
        """Answer the entries; ``?featured=1`` and ``?limit=3`` narrow them."""
        limit = request.args.get("limit", "-1")
        if not re.fullmatch(r"-1|[0-9]{1,4}", limit):
            abort(400, "limit: expected a whole number, 0 to 9999")
        featured = request.args.get("featured") == "1"
        entries = content.find_all(
            get_db(), self.model, featured=featured, limit=int(limit)
        )
        return jsonify(entries)

    def post(self) -> ResponseReturnValue:
        """Add an entry."""
        entry = content.create(get_db(), self.model, _body())
        _announce("create", self.model, entry)
        return entry, 201


class EntryItem(MethodView):
    """One entry of a model."""

    init_every_request = False

    def __init__(self, model: Model) -> None:
        self.model = model

    def get(self, key: str) -> ResponseReturnValue:
        """Answer the entry."""
        return _found(content.find(get_db(), self.model, key))

    def put(self, key: str) -> ResponseReturnValue:
        """Replace the entry."""
        return self._update(key, partial=False)

    def patch(self, key: str) -> ResponseReturnValue:
        """Change some fields of the entry."""
        return self._update(key, partial=True)

    def delete(self, key: str) -> ResponseReturnValue:
        """Remove the entry."""
        entry = _found(content.delete(get_db(), self.model, key))
        _announce("delete", self.model, entry)
        return "", 204

    def _update(self, key: str, *, partial: bool) -> ResponseReturnValue:
        entry = _found(
            content.update(get_db(), self.model, key, _body(), partial=partial)
        )
        _announce("update", self.model, entry)
        return entry


for _model in MODELS.values():
    bp.add_url_rule(
        f"/{_model.table}",
        view_func=EntryList.as_view(f"{_model.name}_list", _model),
    )
    bp.add_url_rule(
        f"/{_model.table}/<key>",
        view_func=EntryItem.as_view(f"{_model.name}_item", _model),
    )


@bp.get("/webhooks")
def webhook_list() -> ResponseReturnValue:
    """Answer the latest webhooks and what became of them."""
    return jsonify([delivery.as_json() for delivery in get_webhooks().latest()])


@bp.errorhandler(Invalid)
def invalid(error: Invalid) -> ResponseReturnValue:
    """Say which field was wrong."""
    return {"error": error.message, "field": error.field}, 400


@bp.errorhandler(HTTPException)
def http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer in JSON, as everything else here."""
    return {"error": error.description}, error.code or 500


def _body() -> dict[str, Any]:
    data = request.get_json()
    if not isinstance(data, dict):
        abort(400, "expected a JSON object")
    return data


def _found(entry: Entry | None) -> Entry:
    if entry is None:
        abort(404, "there is no such entry")
    return entry


def _announce(action: str, model: Model, entry: Entry) -> None:
    if request.args.get("webhook") == "1":
        get_webhooks().fire(f"entry.{action}", model.name, entry)
