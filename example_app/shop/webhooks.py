"""Where the CMS tells about changes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from flask import Blueprint
from flask import request
from flask import url_for

from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr.errors import NotAStaticPage

from .extensions import isr

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@bp.post("/cms")
@isr.require_secret
def cms() -> ResponseReturnValue:
    """Renew what shows the entry that the CMS has just committed."""
    try:
        path, tag = affected(request.get_json(silent=True))
        revalidate_path(path)
    except (NotAStaticPage, ValueError) as error:
        return {"message": str(error)}, 400
    revalidate_tag(tag)
    return {"revalidated": True, "path": path, "tag": tag}


def affected(event: Any) -> tuple[str, str]:
    """Return the page of the entry, and the tag of the pages that list it.

    An event without a model is about a post, so ``{"entry": {"slug": "hello"}}``
    is enough.
    """
    match event:
        case {"model": "product", "entry": {"id": int(product_id)}}:
            return url_for("shop.product", product_id=product_id), "products"
        case {"model": "post", "entry": {"slug": str(slug)}}:
            return url_for("shop.post", slug=slug), "posts"
        case {"entry": {"slug": str(slug)}} if "model" not in event:
            return url_for("shop.post", slug=slug), "posts"
    raise ValueError(
        'Expected JSON such as {"model": "post", "entry": {"slug": "hello"}}'
        ' or {"model": "product", "entry": {"id": 2}}.'
    )
