"""The pages of the shop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from typing import Any

from flask import Blueprint
from flask import render_template

from flask_isr import static_page

from . import cms

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("shop", __name__)


@bp.get("/")
@static_page(tags=["products", "posts"])
def home() -> str:
    """Show what is featured and new; renewed when the CMS says so, never by time."""
    return render_template(
        "home.html",
        products=cms.fetch("products", featured=1, limit=6),
        posts=cms.fetch("posts", limit=3),
    )


@bp.get("/products")
@static_page(revalidate=60, tags=["products"])
def products() -> str:
    """List the products; at most a minute old, and current after a webhook."""
    return render_template("products.html", products=cms.fetch("products"))


def all_products() -> list[dict[str, Any]]:
    """Name the pages to build ahead; any other id is a 404 without a render."""
    return [{"product_id": product["id"]} for product in cms.fetch("products")]


@bp.get("/products/<int:product_id>")
@static_page(
    revalidate=60,
    paths=all_products,
    fallback=False,
    tags=["products", "product:{product_id}"],
)
def product(product_id: int) -> str:
    """Show one product."""
    return render_template("product.html", product=cms.fetch("products", product_id))


@bp.get("/blog")
@static_page(tags=["posts"])
def blog() -> str:
    """List the posts."""
    return render_template("blog.html", posts=cms.fetch("posts"))


def all_posts() -> list[dict[str, Any]]:
    """Name the posts to build ahead; a newer one is rendered on its first visit."""
    return [{"slug": post["slug"]} for post in cms.fetch("posts")]


@bp.get("/blog/<slug>")
@static_page(paths=all_posts, tags=["post:{slug}"])
def post(slug: str) -> str:
    """Show one post."""
    return render_template("post.html", post=cms.fetch("posts", slug))


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Tell which worker process answers: an ordinary view, never stored."""
    return {"pid": os.getpid()}, {"Cache-Control": "no-store"}
