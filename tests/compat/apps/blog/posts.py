"""The posts: static pages, and the forms that change them."""

from __future__ import annotations

from flask import Blueprint
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from werkzeug import Response

from flask_isr import revalidate_path
from flask_isr import static_page

from .auth import login_required
from .extensions import db
from .models import Post

bp = Blueprint("posts", __name__)


@bp.get("/")
@static_page()
def index() -> str:
    """All posts."""
    posts = db.session.scalars(select(Post).order_by(Post.id.desc()))
    return render_template("index.html", posts=posts)


@bp.get("/<int:id>")
@static_page()
def show(id: int) -> str:
    """One post."""
    return render_template("post.html", post=db.get_or_404(Post, id))


@bp.route("/create", methods=["GET", "POST"])
@login_required
def create() -> str | Response:
    """Write a post."""
    if request.method == "GET":
        return render_template("edit.html", title="")
    post = Post(title=request.form["title"])
    db.session.add(post)
    db.session.commit()
    _revalidate(post.id)
    return redirect(url_for("posts.index"))


@bp.route("/<int:id>/update", methods=["GET", "POST"])
@login_required
def update(id: int) -> str | Response:
    """Change a post."""
    post = db.get_or_404(Post, id)
    if request.method == "GET":
        return render_template("edit.html", title=post.title)
    post.title = request.form["title"]
    db.session.commit()
    _revalidate(id)
    flash("Saved.")
    return redirect(url_for("posts.index"))


@bp.post("/<int:id>/delete")
@login_required
def delete(id: int) -> Response:
    """Take a post away; revalidates before it commits, which is as good."""
    _revalidate(id)
    db.session.delete(db.get_or_404(Post, id))
    db.session.commit()
    return redirect(url_for("posts.index"))


def _revalidate(id: int) -> None:
    revalidate_path(url_for("posts.index"))
    revalidate_path(url_for("posts.show", id=id))


@bp.get("/newsletter")
@static_page()
def newsletter() -> str:
    """A form with its CSRF token: a page that cannot be the same for everybody."""
    return render_template("newsletter.html", token=generate_csrf())


@bp.get("/contact")
@static_page()
def contact() -> str:
    """A form without: the browser asks for the token when the visitor comes."""
    return render_template("newsletter.html", token="")


@bp.get("/token")
def token() -> Response:
    """The visitor's CSRF token, for the forms of static pages."""
    answer = Response(generate_csrf())
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/subscribe")
def subscribe() -> str:
    """What both forms lead to."""
    return f"{request.form['name']} has subscribed."
